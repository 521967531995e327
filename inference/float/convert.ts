import { type CanonicalModel, type Layer, type Matrix, rowScale } from '../model.ts'
import { checkConfig, type ModelConfig, scoreScale } from '../model-config.ts'
import { type ModelFrame, normWeightMax } from '../model-file.ts'
import { makeExpTable, makeSigmoidTable } from '../tables.ts'
import {
  type FloatLayer,
  type FloatMatrix,
  type FloatModel,
  type FloatSource,
  rotaryFrequencies,
  sourceOf,
} from './float-model.ts'
import { ropeTables } from './rope-tables.ts'
import { calibrate, smoothLayer } from './smooth.ts'
import { Windows } from './windows.ts'

/** The canonical model of a float one in memory. Throws as {@link convertFrame} and {@link convertLayers} do. */
export function convertModel(model: FloatModel, calibration: readonly number[]): CanonicalModel {
  const source = sourceOf(model)
  return { ...convertFrame(source), layers: [...convertLayers(source, calibration)] }
}

/** All but the layers. Throws FormatError for a shape and RangeError for weights that the canonical form has no room for. */
export function convertFrame(source: FloatSource): ModelFrame {
  const config = canonicalConfig(source)
  const embedding = source.embedding()
  const table = quantiseRows(embedding, 1)
  const head = source.head()
  return {
    config,
    expTable: makeExpTable(),
    sigmoidTable: makeSigmoidTable(),
    ...ropeTables(config.context, rotaryFrequencies(source.config)),
    tokenizer: source.tokenizer,
    embedding: table,
    finalNorm: normWeights(source.finalNorm()),
    head: head === undefined ? { ...table, scales: quantiseRows(embedding, 127).scales } : quantiseRows(head, 127),
  }
}

/**
 * The layers, each read, smoothed by what `calibration` tokens do in it, and then each row to int8 by its largest weight; one
 * is in memory at a time. Throws RangeError for no tokens and for weights that the canonical form has no room for.
 */
export function* convertLayers(source: FloatSource, calibration: readonly number[]): Generator<Layer> {
  const windows = new Windows(source, calibration)
  for (let i = 0; i < source.shape.layers; i++) {
    const layer = source.layer(i)
    yield convertLayer(smoothLayer(source.config, layer, calibrate(windows, layer)))
  }
}

function convertLayer(layer: FloatLayer): Layer {
  const linear = (matrix: FloatMatrix) => quantiseRows(matrix, 127)
  return {
    attentionNorm: normWeights(layer.attentionNorm),
    query: linear(layer.query),
    key: linear(layer.key),
    value: linear(layer.value),
    output: linear(layer.output),
    ffnNorm: normWeights(layer.ffnNorm),
    gate: linear(layer.gate),
    up: linear(layer.up),
    down: linear(layer.down),
  }
}

/** Throws FormatError for a shape outside the limits. */
export function canonicalConfig({ config, shape }: Pick<FloatSource, 'config' | 'shape'>): ModelConfig {
  const { heads, kvHeads, headDim, context, epsilon, bos, eos } = config
  const canonical: ModelConfig = {
    ...shape,
    heads,
    kvHeads,
    headDim,
    context,
    epsilon: Math.max(1, Math.round(epsilon * 2 ** 32)),
    ...scoreScale(headDim),
    bos,
    eos,
  }
  checkConfig(canonical)
  return canonical
}

/** Rows to int8 by their largest weight; a scale is what one step is worth, over `divisor`. */
export function quantiseRows({ rows, columns, weights }: FloatMatrix, divisor: number): Matrix {
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
