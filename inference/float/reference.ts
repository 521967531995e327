import {
  type AdaptedLayer,
  type FloatConfig,
  type FloatMatrix,
  type FloatModel,
  type LinearName,
  rotaryFrequencies,
} from './float-model.ts'

/** Where a vector of the forward pass is shown to a {@link Probe}: inputs of linears, and what attention works on. */
export type Tap = 'attention' | 'query' | 'key' | 'value' | 'mix' | 'ffn' | 'activation'
export type Probe = (tap: Tap, layer: number, vector: Float64Array) => void

/** Keys and values of the positions that a layer has seen. */
export type FloatCache = { readonly keys: Float64Array[]; readonly values: Float64Array[] }

/** The model in doubles: what the integer model's quality is measured against. */
export class FloatReference {
  readonly #model: FloatModel
  readonly #caches: readonly FloatCache[]
  readonly #probe: Probe

  constructor(model: FloatModel, probe: Probe = () => {}) {
    this.#model = model
    this.#caches = model.layers.map(emptyCache)
    this.#probe = probe
  }

  /** The normed state that the last token's logits are made of; empty before the first. */
  state: Float64Array = new Float64Array(0)

  /** Logits after one more token. */
  step(token: number): Float64Array {
    const { embedding, layers, finalNorm, head, config } = this.#model
    let x = embed(embedding, token)
    for (const [i, layer] of layers.entries()) {
      x = runLayer(config, layer, this.#caches[i] ?? emptyCache(), x, (tap, vector) => this.#probe(tap, i, vector))
    }
    this.state = rmsNorm(x, finalNorm, config.epsilon)
    return multiply(head ?? embedding, this.state)
  }
}

export function emptyCache(): FloatCache {
  return { keys: [], values: [] }
}

export function embed({ columns, weights }: FloatMatrix, token: number): Float64Array {
  return Float64Array.from(weights.subarray(token * columns, (token + 1) * columns))
}

export function logitsOf(head: FloatMatrix, norm: Float32Array, config: FloatConfig, x: Float64Array): Float64Array {
  return multiply(head, rmsNorm(x, norm, config.epsilon))
}

/** The residual stream of the next position behind one layer; its key and value go into the cache. */
export function runLayer(
  config: FloatConfig,
  layer: AdaptedLayer,
  cache: FloatCache,
  x: Float64Array,
  show: (tap: Tap, vector: Float64Array) => void,
): Float64Array {
  const attended = sum(x, attention(config, layer, cache, x, show))
  return sum(attended, feedForward(config, layer, attended, show))
}

function attention(
  config: FloatConfig,
  layer: AdaptedLayer,
  cache: FloatCache,
  x: Float64Array,
  show: (tap: Tap, vector: Float64Array) => void,
): Float64Array {
  const { heads, kvHeads, headDim } = config
  const position = cache.keys.length
  const input = rmsNorm(x, layer.attentionNorm, config.epsilon)
  const query = rotate(config, linear(layer, 'query', input), position)
  const key = rotate(config, linear(layer, 'key', input), position)
  const value = linear(layer, 'value', input)
  cache.keys.push(key)
  cache.values.push(value)
  const mix = new Float64Array(heads * headDim)
  for (let head = 0; head < heads; head++) {
    const kv = Math.floor(head / (heads / kvHeads)) * headDim
    const scores = cache.keys.map((row) => dot(query, head * headDim, row, kv, headDim) / Math.sqrt(headDim))
    for (const [j, probability] of softmax(scores).entries()) {
      const row = cache.values[j] ?? mix
      for (let i = 0; i < headDim; i++)
        mix[head * headDim + i] = at(mix, head * headDim + i) + probability * at(row, kv + i)
    }
  }
  show('attention', input)
  show('query', query)
  show('key', key)
  show('value', value)
  show('mix', mix)
  return linear(layer, 'output', mix)
}

function feedForward(
  { epsilon }: FloatConfig,
  layer: AdaptedLayer,
  x: Float64Array,
  show: (tap: Tap, vector: Float64Array) => void,
): Float64Array {
  const input = rmsNorm(x, layer.ffnNorm, epsilon)
  const up = linear(layer, 'up', input)
  const activation = linear(layer, 'gate', input).map((g, i) => (g / (1 + Math.exp(-g))) * at(up, i))
  show('ffn', input)
  show('activation', activation)
  return linear(layer, 'down', activation)
}

export function softmax(scores: ArrayLike<number>): Float64Array {
  const list = Float64Array.from(scores)
  const max = list.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const weights = list.map((score) => Math.exp(score - max))
  const total = weights.reduce((a, b) => a + b, 0)
  return weights.map((weight) => weight / total)
}

/** A linear with the adapters that stand beside it. */
function linear(layer: AdaptedLayer, name: LinearName, input: Float64Array): Float64Array {
  const out = multiply(layer[name], input)
  for (const { down, up, weight } of layer.added?.[name] ?? []) {
    for (const [i, value] of multiply(up, multiply(down, input)).entries()) out[i] = at(out, i) + weight * value
  }
  return out
}

/** Four rows at a time: one sum alone waits for each of its additions. */
function multiply({ rows, columns, weights }: FloatMatrix, x: Float64Array): Float64Array {
  const out = new Float64Array(rows)
  for (let row = 0; row < rows; row += 4) {
    let [a, b, c, d] = [0, 0, 0, 0]
    const [rowA, rowB] = [row * columns, Math.min(row + 1, rows - 1) * columns]
    const [rowC, rowD] = [Math.min(row + 2, rows - 1) * columns, Math.min(row + 3, rows - 1) * columns]
    for (let i = 0; i < columns; i++) {
      const value = x[i] as number
      a += (weights[rowA + i] as number) * value
      b += (weights[rowB + i] as number) * value
      c += (weights[rowC + i] as number) * value
      d += (weights[rowD + i] as number) * value
    }
    // Beyond the last row nothing is stored.
    out[row] = a
    out[row + 1] = b
    out[row + 2] = c
    out[row + 3] = d
  }
  return out
}

function rmsNorm(x: Float64Array, weight: Float32Array, epsilon: number): Float64Array {
  const rms = Math.sqrt(dot(x, 0, x, 0, x.length) / x.length + epsilon)
  return x.map((value, i) => (value / rms) * at(weight, i))
}

function rotate(config: FloatConfig, x: Float64Array, position: number): Float64Array {
  const half = config.headDim / 2
  const out = new Float64Array(x.length)
  for (const [i, frequency] of rotaryFrequencies(config).entries()) {
    const [cos, sin] = [Math.cos(position * frequency), Math.sin(position * frequency)]
    for (let a = i; a < x.length; a += config.headDim) {
      out[a] = at(x, a) * cos - at(x, a + half) * sin
      out[a + half] = at(x, a + half) * cos + at(x, a) * sin
    }
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

function at(x: Float64Array | Float32Array, i: number): number {
  return x[i] as number
}
