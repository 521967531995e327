import { rotaryFrequencies } from '../../inference/float/float-model.ts'
import { ropeTables } from '../../inference/float/rope-tables.ts'
import { type CanonicalModel, type Layer, type Matrix, rowScale } from '../../inference/model.ts'
import { type ModelConfig, narrowInput, scoreScale, wideInput } from '../../inference/model-config.ts'
import { makeExpTable, makeSigmoidTable } from '../../inference/tables.ts'

export const smallConfig: ModelConfig = {
  inputMax: narrowInput,
  vocab: 48,
  dim: 32,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  ffnDim: 48,
  context: 160,
  tiedHead: true,
  epsilon: 42_950,
  ...scoreScale(8),
  bos: 0,
  eos: 1,
}

/** The same in format 2. */
export const wideInputConfig: ModelConfig = { ...smallConfig, inputMax: wideInput }

/** Numbers of [0, 1) that depend on the seed only. Park and Miller's generator. */
export function randomNumbers(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

/** A model of random weights. `gain` 1 keeps activations near 1; large gains drive every op into saturation. */
export function randomModel(seed: number, config: ModelConfig = smallConfig, gain = 1): CanonicalModel {
  const random = randomNumbers(seed)
  const int8 = () => Math.floor(random() * 255) - 127
  const matrix = (rows: number, columns: number, real: number): Matrix => ({
    rows,
    columns,
    weights: Int8Array.from({ length: rows * columns }, int8),
    scales: Uint32Array.from({ length: rows }, () => rowScale(Math.min((random() + 0.5) * real, 0.2))),
  })
  // Sums of n products of weights within ±127 by inputs within ±1 are about √n · 127/√3 · 1/√3.
  const linear = (rows: number, columns: number) =>
    matrix(rows, columns, gain / (Math.sqrt(columns) * 127 * config.inputMax * 0.4))
  const norm = () => Int32Array.from({ length: config.dim }, () => Math.round((random() * 2 - 0.5) * 65_536))
  const { dim, heads, kvHeads, headDim, ffnDim, vocab } = config
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
  const embedding = matrix(vocab, dim, Math.min(gain / 127, 0.1))
  const layers = Array.from({ length: config.layers }, layer)
  const head = linear(vocab, dim)
  return {
    config,
    expTable: makeExpTable(),
    sigmoidTable: makeSigmoidTable(),
    ...ropeTables(config.context, rotaryFrequencies({ headDim, theta: 10_000 })),
    tokenizer: Uint8Array.of(1, 2, 3),
    embedding,
    layers,
    finalNorm: norm(),
    head: config.tiedHead ? { ...embedding, scales: head.scales } : head,
  }
}
