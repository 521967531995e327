import { int8Max } from '../integer.ts'
import { type CanonicalModel, type Layer, type Matrix, rowScale } from '../model.ts'
import {
  checkConfig,
  fitsWideInput,
  type InputMax,
  type ModelConfig,
  narrowInput,
  scoreScale,
  wideInput,
} from '../model-config.ts'
import { type ModelFrame, normWeightMax } from '../model-file.ts'
import { makeExpTable, makeSigmoidTable } from '../tables.ts'
import { Rounding } from './compensate.ts'
import {
  type FloatLayer,
  type FloatMatrix,
  type FloatModel,
  type FloatSource,
  rotaryFrequencies,
  sourceOf,
} from './float-model.ts'
import { ropeTables } from './rope-tables.ts'
import { calibrate, factorsOf, type InputTap, smoothLayer } from './smooth.ts'
import { Windows } from './windows.ts'

/** The canonical model of a float one in memory. Throws as {@link convertFrame} and {@link convertLayers} do. */
export function convertModel(model: FloatModel, calibration: readonly number[]): CanonicalModel {
  const source = sourceOf(model)
  return { ...convertFrame(source), layers: [...convertLayers(source, calibration)] }
}

/** All but the layers. Throws FormatError for a shape and RangeError for weights that the canonical form has no room for. */
export function convertFrame(source: FloatSource): ModelFrame {
  const config = canonicalConfig(source)
  const { inputMax } = config
  const embedding = source.embedding()
  const table = named('embedding', () => quantiseRows(embedding, 1))
  const head = source.head()
  return {
    config,
    expTable: makeExpTable(),
    sigmoidTable: makeSigmoidTable(),
    ...ropeTables(config.context, rotaryFrequencies(source.config)),
    tokenizer: source.tokenizer,
    embedding: table,
    finalNorm: named('finalNorm', () => normWeights(source.finalNorm())),
    head:
      head === undefined
        ? { ...table, scales: quantiseRows(embedding, inputMax).scales }
        : named('head', () => quantiseRows(head, inputMax)),
  }
}

/**
 * The layers, each read, smoothed by what `calibration` tokens do in it, and then each row to int8 by its largest weight, so that
 * what roundings change on those tokens is least where there are enough of them; one is in memory at a time. Throws RangeError for no tokens and for weights that
 * the canonical form has no room for.
 */
export function* convertLayers(source: FloatSource, calibration: readonly number[]): Generator<Layer> {
  const windows = new Windows(source, calibration)
  const { inputMax } = canonicalConfig(source)
  for (let i = 0; i < source.shape.layers; i++) {
    const layer = source.layer(i)
    const { ranges, moments } = calibrate(windows, layer)
    const factors = factorsOf(source.config, layer, ranges)
    const roundingOf = (tap: InputTap) => {
      const seen = moments.get(tap)
      return seen?.isEnough ? new Rounding(seen.dividedBy(factors.inputs[tap])) : undefined
    }
    yield named(`layer ${i}`, () => convertLayer(smoothLayer(layer, factors), inputMax, roundingOf))
  }
}

function convertLayer(
  layer: FloatLayer,
  inputMax: InputMax,
  roundingOf: (tap: InputTap) => Rounding | undefined,
): Layer {
  const norm = (name: 'attentionNorm' | 'ffnNorm') => named(name, () => normWeights(layer[name]))
  const linear = (rounding: Rounding | undefined) => (name: Exclude<keyof FloatLayer, 'attentionNorm' | 'ffnNorm'>) =>
    named(name, () => quantiseRows(layer[name], inputMax, rounding))
  const [attention, mix] = [linear(roundingOf('attention')), linear(roundingOf('mix'))]
  const [ffn, activation] = [linear(roundingOf('ffn')), linear(roundingOf('activation'))]
  return {
    attentionNorm: norm('attentionNorm'),
    query: attention('query'),
    key: attention('key'),
    value: attention('value'),
    output: mix('output'),
    ffnNorm: norm('ffnNorm'),
    gate: ffn('gate'),
    up: ffn('up'),
    down: activation('down'),
  }
}

/** Says of which part a number is that the canonical form has no room for. */
function named<T>(part: string, convert: () => T): T {
  try {
    return convert()
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new RangeError(part, { cause })
  }
}

/** Of format 2 where it has room. Throws FormatError for a shape outside the limits. */
export function canonicalConfig({ config, shape }: Pick<FloatSource, 'config' | 'shape'>): ModelConfig {
  const { heads, kvHeads, headDim, context, epsilon, bos, eos } = config
  const common = {
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
  const canonical: ModelConfig = { ...common, inputMax: fitsWideInput(common) ? wideInput : narrowInput }
  checkConfig(canonical)
  return canonical
}

/**
 * Rows to int8 by their largest weight, each weight to the nearest step or as `rounding` says; a scale is what one step is worth,
 * over `divisor`.
 */
export function quantiseRows(matrix: FloatMatrix, divisor: number, rounding?: Rounding): Matrix {
  const { rows, columns, weights } = matrix
  const int8 = new Int8Array(weights.length)
  const scales = new Uint32Array(rows)
  for (let row = 0; row < rows; row++) {
    const values = weights.subarray(row * columns, (row + 1) * columns)
    const step = values.reduce((max, value) => Math.max(max, Math.abs(value)), 0) / int8Max
    scales[row] = rowScale(step / divisor)
    if (step === 0) continue
    if (rounding !== undefined) rounding.row(matrix, row, step, int8)
    else for (const [i, value] of values.entries()) int8[row * columns + i] = Math.round(value / step)
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
