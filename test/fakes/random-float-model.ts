import type { FloatConfig, FloatMatrix, FloatModel } from '../../inference/float/float-model.ts'
import { randomNumbers } from './random-model.ts'

/** A float model of random normal weights; norms have two outlier channels, as trained ones have. */
export function randomFloatModel(seed: number, tied = true): FloatModel {
  const random = randomNumbers(seed)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const matrix = (rows: number, columns: number, gain = 1): FloatMatrix => ({
    rows,
    columns,
    weights: Float32Array.from({ length: rows * columns }, () => (gain * normal()) / Math.sqrt(columns)),
  })
  const [vocab, dim, ffnDim, queryDim, kvDim] = [96, 64, 128, 64, 32]
  const norm = () => Float32Array.from({ length: dim }, (_, i) => (i === 5 || i === 40 ? 15 : 1 + 0.2 * normal()))
  const config: FloatConfig = {
    heads: 4,
    kvHeads: 2,
    headDim: 16,
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
    layers: Array.from({ length: 3 }, () => ({
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
