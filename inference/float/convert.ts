import { type CanonicalModel, type Matrix, rowScale } from '../model.ts'
import { checkConfig, type ModelConfig, scoreScale } from '../model-config.ts'
import { normWeightMax } from '../model-file.ts'
import { makeExpTable, makeSigmoidTable } from '../tables.ts'
import type { FloatMatrix, FloatModel } from './float-model.ts'
import { ropeTables } from './rope-tables.ts'
import { smooth } from './smooth.ts'

/**
 * The canonical model of a float one: smoothed by the activations of `calibration` tokens, then each row to int8 by its
 * largest weight. Throws FormatError for a shape and RangeError for weights that the canonical form has no room for.
 */
export function convertModel(model: FloatModel, calibration: readonly number[]): CanonicalModel {
  const config = configOf(model)
  checkConfig(config)
  const { layers, finalNorm, embedding, head } = smooth(model, calibration)
  const linear = (matrix: FloatMatrix) => quantiseRows(matrix, 127)
  const table = quantiseRows(embedding, 1)
  return {
    config,
    expTable: makeExpTable(),
    sigmoidTable: makeSigmoidTable(),
    ...ropeTables(config.context, config.headDim, model.config.theta),
    tokenizer: model.tokenizer,
    embedding: table,
    layers: layers.map((layer) => ({
      attentionNorm: normWeights(layer.attentionNorm),
      query: linear(layer.query),
      key: linear(layer.key),
      value: linear(layer.value),
      output: linear(layer.output),
      ffnNorm: normWeights(layer.ffnNorm),
      gate: linear(layer.gate),
      up: linear(layer.up),
      down: linear(layer.down),
    })),
    finalNorm: normWeights(finalNorm),
    head: head === undefined ? { ...table, scales: linear(embedding).scales } : linear(head),
  }
}

function configOf({ config, embedding, layers, head }: FloatModel): ModelConfig {
  const { heads, kvHeads, headDim, context, epsilon, bos, eos } = config
  return {
    vocab: embedding.rows,
    dim: embedding.columns,
    layers: layers.length,
    heads,
    kvHeads,
    headDim,
    ffnDim: layers[0]?.gate.rows ?? 0,
    context,
    tiedHead: head === undefined,
    epsilon: Math.max(1, Math.round(epsilon * 2 ** 32)),
    ...scoreScale(headDim),
    bos,
    eos,
  }
}

/** Rows to int8 by their largest weight; a scale is what one step is worth, over `divisor`. */
function quantiseRows({ rows, columns, weights }: FloatMatrix, divisor: number): Matrix {
  const int8 = new Int8Array(weights.length)
  const scales = new Uint32Array(rows)
  for (let row = 0; row < rows; row++) {
    const values = weights.subarray(row * columns, (row + 1) * columns)
    const step = values.reduce((max, value) => Math.max(max, Math.abs(value)), 0) / 127
    scales[row] = rowScale(step / divisor)
    for (const [i, value] of values.entries()) int8[row * columns + i] = step === 0 ? 0 : Math.round(value / step)
  }
  return { rows, columns, weights: int8, scales }
}

function normWeights(weights: Float32Array): Int32Array {
  return Int32Array.from(weights, (weight) => {
    const value = Math.round(weight * 65_536)
    if (!(Math.abs(value) <= normWeightMax)) throw new RangeError(`norm weight ${weight}`)
    return value
  })
}
