import { rotaryFrequencies } from '../../inference/float/float-model.ts'
import { ropeTables } from '../../inference/float/rope-tables.ts'
import { type CanonicalModel, type Layer, type Matrix, rowScale } from '../../inference/model.ts'
import { type ModelConfig, scoreScale, wideInput } from '../../inference/model-config.ts'
import { makeExpTable, makeSigmoidTable } from '../../inference/tables.ts'

const common = { inputMax: wideInput, context: 512, tiedHead: true, epsilon: 42_950, bos: 0, eos: 1 } as const

/** Dimensions of SmolLM2-135M and Llama-3.2-1B. */
export const config135m: ModelConfig = {
  ...{ ...common, vocab: 49_152, dim: 576, layers: 30, heads: 9, kvHeads: 3, headDim: 64, ffnDim: 1536 },
  ...scoreScale(64),
}
export const config1b: ModelConfig = {
  ...{ ...common, vocab: 128_256, dim: 2048, layers: 16, heads: 32, kvHeads: 8, headDim: 64, ffnDim: 8192 },
  ...scoreScale(64),
}

/** Weights that look random, scales that keep activations near 1: what a model of these dimensions costs, not what it says. */
export function syntheticModel(config: ModelConfig): CanonicalModel {
  const { dim, heads, kvHeads, headDim, ffnDim, vocab } = config
  const noise = noiseBytes(2 ** 20)
  let start = 0
  const matrix = (rows: number, columns: number, real: number): Matrix => {
    const weights = new Int8Array(rows * columns)
    // Rows begin at odd places of the noise, so that no two are alike.
    for (let at = 0; at < weights.length; at += noise.length / 2) {
      start = (start + 104_729) % (noise.length / 2)
      weights.set(noise.subarray(start, start + Math.min(noise.length / 2, weights.length - at)), at)
    }
    const scales = Uint32Array.from({ length: rows }, (_, row) => rowScale(real * (0.75 + (row % 16) / 32)))
    return { rows, columns, weights, scales }
  }
  const linear = (rows: number, columns: number) =>
    matrix(rows, columns, 1 / (Math.sqrt(columns) * 127 * config.inputMax * 0.4))
  const norm = () => new Int32Array(dim).fill(65_536)
  const layer = (): Layer => ({
    attentionNorm: norm(),
    query: linear(heads * headDim, dim),
    key: linear(kvHeads * headDim, dim),
    value: linear(kvHeads * headDim, dim),
    output: linear(dim, heads * headDim),
    ffnNorm: norm(),
    gate: linear(ffnDim, dim),
    up: linear(ffnDim, dim),
    down: linear(dim, ffnDim),
  })
  const embedding = matrix(vocab, dim, 1 / 127)
  return {
    config,
    expTable: makeExpTable(),
    sigmoidTable: makeSigmoidTable(),
    ...ropeTables(config.context, rotaryFrequencies({ headDim, theta: 10_000 })),
    tokenizer: new Uint8Array(0),
    embedding,
    layers: Array.from({ length: config.layers }, layer),
    finalNorm: norm(),
    head: {
      ...embedding,
      scales: linear(vocab, 16).scales.map(() => rowScale(1 / (Math.sqrt(dim) * 127 * config.inputMax * 0.4))),
    },
  }
}

/** int8 in ±127 of Park and Miller's generator. */
function noiseBytes(count: number): Int8Array {
  let state = 1
  return Int8Array.from({ length: count }, () => {
    state = (state * 48_271) % 2_147_483_647
    return (state % 255) - 127
  })
}
