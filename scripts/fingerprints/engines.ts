import { type FloatEngine, type FloatStep, fingerprintKinds } from '../../inference/float/float-engine.ts'
import type { FloatMatrix, FloatModel } from '../../inference/float/float-model.ts'
import { halfBits } from '../../inference/float/half-float.ts'
import { embed, emptyCache, logitsOf, runLayer } from '../../inference/float/reference.ts'
import { bf16Bits } from '../../protocol/toploc.ts'

/** How an engine that is not ours might compute: what it rounds the residual stream to between layers. */
export const roundings = {
  single: Math.fround,
  half: (value: number) => halfValue(halfBits(value)),
  bfloat: (value: number) => bfloatValue(bf16Bits(value)),
} as const

/** An engine that keeps its residual stream in fewer bits. */
export function roundedEngine(model: FloatModel, round: (value: number) => number): FloatEngine {
  const { config, embedding, layers, finalNorm, head } = model
  return {
    config: { vocab: embedding.rows, dim: embedding.columns, context: config.context, eos: config.eos },
    kind: fingerprintKinds.state,
    start: async () => {
      const caches = layers.map(emptyCache)
      const step = (token: number): FloatStep => {
        let x = embed(embedding, token).map(round)
        for (const [i, layer] of layers.entries()) {
          x = runLayer(config, layer, caches[i] ?? emptyCache(), x, () => {}).map(round)
        }
        return {
          logits: logitsOf(head ?? embedding, finalNorm, config, x).map(round),
          state: normed(x, finalNorm, config.epsilon).map(round),
        }
      }
      return { append: async (tokens, from) => tokens.map(step).slice(from), close: () => {} }
    },
  }
}

/** The model with matrices of so many bits, 32 weights a block, as ggml's Q4_0 and the like. */
export function requantised(model: FloatModel, bits: number): FloatModel {
  const most = 2 ** (bits - 1) - 1
  const matrix = ({ rows, columns, weights }: FloatMatrix): FloatMatrix => {
    const out = new Float32Array(weights.length)
    for (let at = 0; at < weights.length; at += 32) {
      const block = weights.subarray(at, at + 32)
      const scale = block.reduce((max, weight) => Math.max(max, Math.abs(weight)), 0) / most
      for (const [i, weight] of block.entries()) out[at + i] = scale === 0 ? 0 : Math.round(weight / scale) * scale
    }
    return { rows, columns, weights: out }
  }
  return mapped(model, matrix)
}

/** The model without one of its layers: another, cheaper one. */
export function shortened(model: FloatModel): FloatModel {
  return { ...model, layers: model.layers.filter((_, i) => i !== Math.floor(model.layers.length / 2)) }
}

/** The model trained a little further: each weight moved by `share` of its own. */
export function moved(model: FloatModel, share: number): FloatModel {
  let state = 1
  const noise = () => {
    state = (state * 48_271) % 2_147_483_647
    return (state / 2_147_483_647) * 2 - 1
  }
  return mapped(model, ({ rows, columns, weights }) => ({
    rows,
    columns,
    weights: weights.map((weight) => weight * (1 + share * noise())),
  }))
}

function mapped(model: FloatModel, matrix: (of: FloatMatrix) => FloatMatrix): FloatModel {
  return {
    ...model,
    embedding: matrix(model.embedding),
    layers: model.layers.map((layer) => ({
      ...layer,
      query: matrix(layer.query),
      key: matrix(layer.key),
      value: matrix(layer.value),
      output: matrix(layer.output),
      gate: matrix(layer.gate),
      up: matrix(layer.up),
      down: matrix(layer.down),
    })),
    ...(model.head === undefined ? {} : { head: matrix(model.head) }),
  }
}

function normed(x: Float64Array, weight: Float32Array, epsilon: number): Float64Array {
  const rms = Math.sqrt(x.reduce((total, value) => total + value * value, 0) / x.length + epsilon)
  return x.map((value, i) => (value / rms) * (weight[i] ?? 0))
}

const word = new DataView(new ArrayBuffer(4))

function bfloatValue(bits: number): number {
  word.setUint32(0, bits * 65_536)
  return word.getFloat32(0)
}

function halfValue(bits: number): number {
  const [sign, exponent, mantissa] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023]
  if (exponent === 0) return (sign * mantissa) / 2 ** 24
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15)
}
