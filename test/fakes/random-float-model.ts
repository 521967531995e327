import type { FloatConfig, FloatMatrix, FloatModel } from '../../inference/float/float-model.ts'
import { randomNumbers } from './random-model.ts'

export type RandomShape = Pick<FloatConfig, 'heads' | 'kvHeads' | 'headDim'> & {
  readonly vocab: number
  readonly dim: number
  readonly ffnDim: number
  readonly layers: number
}

const smallShape: RandomShape = { vocab: 96, dim: 64, ffnDim: 128, layers: 3, heads: 4, kvHeads: 2, headDim: 16 }

/** A float model of random normal weights; norms have two outlier channels, as trained ones have. */
export function randomFloatModel(seed: number, tied = true, shape = smallShape): FloatModel {
  const random = randomNumbers(seed)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const matrix = (rows: number, columns: number, gain = 1): FloatMatrix => ({
    rows,
    columns,
    weights: Float32Array.from({ length: rows * columns }, () => (gain * normal()) / Math.sqrt(columns)),
  })
  const { vocab, dim, ffnDim, layers, heads, kvHeads, headDim } = shape
  const [queryDim, kvDim] = [heads * headDim, kvHeads * headDim]
  const norm = () => Float32Array.from({ length: dim }, (_, i) => (i === 5 || i === 40 ? 15 : 1 + 0.2 * normal()))
  const config: FloatConfig = {
    heads,
    kvHeads,
    headDim,
    context: 64,
    theta: 10_000,
    epsilon: 1e-5,
    bos: 0,
    eos: 1,
  }
  return {
    config,
    tokenizer: new Uint8Array(0),
    embedding: matrix(vocab, dim),
    layers: Array.from({ length: layers }, () => ({
      attentionNorm: norm(),
      query: matrix(queryDim, dim, 0.3),
      key: matrix(kvDim, dim, 0.3),
      value: matrix(kvDim, dim, 0.2),
      output: matrix(dim, queryDim, 0.3),
      ffnNorm: norm(),
      gate: matrix(ffnDim, dim, 0.3),
      up: matrix(ffnDim, dim, 0.3),
      down: matrix(dim, ffnDim, 0.3),
    })),
    finalNorm: Float32Array.from({ length: dim }, () => 1),
    ...(tied ? {} : { head: matrix(vocab, dim, 2) }),
  }
}
