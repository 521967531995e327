import type { FloatLayer, FloatMatrix, FloatModel } from './float-model.ts'

/** Where a vector of the forward pass is shown to a {@link Probe}: inputs of linears, and what attention works on. */
export type Tap = 'attention' | 'query' | 'key' | 'value' | 'mix' | 'ffn' | 'activation'
export type Probe = (tap: Tap, layer: number, vector: Float64Array) => void

type Cache = { readonly keys: Float64Array[]; readonly values: Float64Array[] }

/** The model in doubles: what the integer model's quality is measured against. */
export class FloatReference {
  readonly #model: FloatModel
  readonly #caches: readonly Cache[]
  readonly #probe: Probe

  constructor(model: FloatModel, probe: Probe = () => {}) {
    this.#model = model
    this.#caches = model.layers.map(() => ({ keys: [], values: [] }))
    this.#probe = probe
  }

  /** Logits after one more token. */
  step(token: number): Float64Array {
    const { embedding, layers, finalNorm, head, config } = this.#model
    const { columns, weights } = embedding
    let x: Float64Array = Float64Array.from(weights.subarray(token * columns, (token + 1) * columns))
    for (const [i, layer] of layers.entries()) {
      x = this.#attention(layer, i, x)
      x = this.#feedForward(layer, i, x)
    }
    return multiply(head ?? embedding, rmsNorm(x, finalNorm, config.epsilon))
  }

  #attention(layer: FloatLayer, index: number, x: Float64Array): Float64Array {
    const { heads, kvHeads, headDim, theta, epsilon } = this.#model.config
    const cache = this.#caches[index] ?? { keys: [], values: [] }
    const position = cache.keys.length
    const input = this.#show('attention', index, rmsNorm(x, layer.attentionNorm, epsilon))
    const query = this.#show('query', index, rotate(multiply(layer.query, input), position, headDim, theta))
    cache.keys.push(this.#show('key', index, rotate(multiply(layer.key, input), position, headDim, theta)))
    cache.values.push(this.#show('value', index, multiply(layer.value, input)))
    const mix = new Float64Array(heads * headDim)
    for (let head = 0; head < heads; head++) {
      const kv = Math.floor(head / (heads / kvHeads)) * headDim
      const scores = cache.keys.map((key) => dot(query, head * headDim, key, kv, headDim) / Math.sqrt(headDim))
      for (const [j, probability] of softmax(scores).entries()) {
        const value = cache.values[j] ?? mix
        for (let i = 0; i < headDim; i++)
          mix[head * headDim + i] = at(mix, head * headDim + i) + probability * at(value, kv + i)
      }
    }
    return sum(x, multiply(layer.output, this.#show('mix', index, mix)))
  }

  #feedForward(layer: FloatLayer, index: number, x: Float64Array): Float64Array {
    const input = this.#show('ffn', index, rmsNorm(x, layer.ffnNorm, this.#model.config.epsilon))
    const up = multiply(layer.up, input)
    const activation = multiply(layer.gate, input).map((g, i) => (g / (1 + Math.exp(-g))) * at(up, i))
    return sum(x, multiply(layer.down, this.#show('activation', index, activation)))
  }

  #show(tap: Tap, layer: number, vector: Float64Array): Float64Array {
    this.#probe(tap, layer, vector)
    return vector
  }
}

export function softmax(scores: ArrayLike<number>): Float64Array {
  const list = Float64Array.from(scores)
  const max = list.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const weights = list.map((score) => Math.exp(score - max))
  const total = weights.reduce((a, b) => a + b, 0)
  return weights.map((weight) => weight / total)
}

function multiply({ rows, columns, weights }: FloatMatrix, x: Float64Array): Float64Array {
  const out = new Float64Array(rows)
  for (let row = 0; row < rows; row++) {
    let total = 0
    for (let i = 0; i < columns; i++) total += (weights[row * columns + i] ?? 0) * at(x, i)
    out[row] = total
  }
  return out
}

function rmsNorm(x: Float64Array, weight: Float32Array, epsilon: number): Float64Array {
  const rms = Math.sqrt(dot(x, 0, x, 0, x.length) / x.length + epsilon)
  return x.map((value, i) => (value / rms) * (weight[i] ?? 0))
}

function rotate(x: Float64Array, position: number, headDim: number, theta: number): Float64Array {
  const half = headDim / 2
  const out = new Float64Array(x.length)
  for (let i = 0; i < x.length; i++) {
    const pair = i % headDim
    const angle = position * theta ** (-(pair % half) / half)
    const other = pair < half ? -at(x, i + half) : at(x, i - half)
    out[i] = at(x, i) * Math.cos(angle) + other * Math.sin(angle)
  }
  return out
}

function dot(a: Float64Array, from: number, b: Float64Array, fromB: number, length: number): number {
  let total = 0
  for (let i = 0; i < length; i++) total += at(a, from + i) * at(b, fromB + i)
  return total
}

function sum(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + at(b, i))
}

function at(x: Float64Array, i: number): number {
  return x[i] ?? 0
}
