import { Moments } from './compensate.ts'
import { type FloatConfig, type FloatLayer, type FloatMatrix, type FloatModel, sourceOf } from './float-model.ts'
import type { Tap } from './reference.ts'
import { Windows } from './windows.ts'

/** Largest magnitude of each channel at each tap of one layer. */
export type Ranges = ReadonlyMap<Tap, Float64Array>
/** What calibration tokens do in a layer; `moments` are of linears' inputs that are not too wide. */
export type Calibrated = { readonly ranges: Ranges; readonly moments: ReadonlyMap<InputTap, Moments> }

const inputTaps = ['attention', 'mix', 'ffn', 'activation'] as const
/** Inputs of query, key and value; of output; of gate and up; of down. */
export type InputTap = (typeof inputTaps)[number]

/** Values are cached in Q10 up to 32: calibrated ones are brought to this, so that others have room. */
const valueRange = 12

/** A model in memory, smoothed layer by layer by what `calibration` tokens do in it. A tied head stays as it is. */
export function smooth(model: FloatModel, calibration: readonly number[]): FloatModel {
  const windows = new Windows(sourceOf(model), calibration)
  return {
    ...model,
    layers: model.layers.map((layer) =>
      smoothLayer(layer, factorsOf(model.config, layer, calibrate(windows, layer).ranges)),
    ),
  }
}

/** Takes the windows through a layer and sees how far its vectors go, and which channels of inputs go together. */
export function calibrate(windows: Windows, layer: FloatLayer): Calibrated {
  const ranges = new Map<Tap, Float64Array>()
  const moments = new Map<InputTap, Moments>()
  windows.run(layer, (tap, vector) => {
    const range = ranges.get(tap) ?? new Float64Array(vector.length)
    ranges.set(tap, range)
    for (const [i, value] of vector.entries()) range[i] = Math.max(range[i] ?? 0, Math.abs(value))
    const input = inputTaps.find((each) => each === tap)
    const products = input && (moments.get(input) ?? Moments.of(vector.length))
    if (input === undefined || products === undefined) return
    products.add(vector)
    moments.set(input, products)
  })
  return { ranges, moments }
}

/** By what {@link smoothLayer} divides the channels of each input, and values; `balance` multiplies keys and divides queries. */
export type SmoothingFactors = {
  readonly inputs: { readonly [Name in InputTap]: Float64Array }
  readonly values: Float64Array
  readonly balance: number
}

/** What evens out the ranges of a layer. Throws RangeError where nothing was calibrated. */
export function factorsOf(config: FloatConfig, layer: FloatLayer, ranges: Ranges): SmoothingFactors {
  const { heads, kvHeads, headDim } = config
  const range = (tap: Tap) => rangeOf(ranges, tap)
  const values = valueScales(range('value'), range('mix'), layer.output, heads / kvHeads, headDim)
  return {
    inputs: {
      attention: scales(range('attention'), [layer.query, layer.key, layer.value]),
      mix: Float64Array.from(
        { length: heads * headDim },
        (_, i) => values[valueChannel(i, heads / kvHeads, headDim)] ?? 1,
      ),
      ffn: scales(range('ffn'), [layer.gate, layer.up]),
      activation: scales(range('activation'), [layer.down]),
    },
    values,
    balance: powerOfTwo(Math.sqrt(largest(range('query')) / largest(range('key')))),
  }
}

/**
 * The same function with outlier channels moved from the inputs of linears into their weights, as SmoothQuant does with
 * exponent 1/2 (Xiao et al., 2023): a channel's scale goes into the norm, the up rows or the value rows before it. Query and key
 * share their range evenly, and values fill that of the cache.
 */
export function smoothLayer(layer: FloatLayer, { inputs, values, balance }: SmoothingFactors): FloatLayer {
  const { attention, mix, ffn, activation } = inputs
  const one = (factor: number) => new Float64Array(layer.query.rows).fill(factor)
  return {
    attentionNorm: layer.attentionNorm.map((weight, i) => weight / (attention[i] ?? 1)),
    query: rowsBy(columnsBy(layer.query, attention), one(1 / balance)),
    key: rowsBy(columnsBy(layer.key, attention), one(balance)),
    value: rowsBy(columnsBy(layer.value, attention), values.map(inverse)),
    output: columnsBy(layer.output, mix),
    ffnNorm: layer.ffnNorm.map((weight, i) => weight / (ffn[i] ?? 1)),
    gate: columnsBy(layer.gate, ffn),
    up: rowsBy(columnsBy(layer.up, ffn), activation.map(inverse)),
    down: columnsBy(layer.down, activation),
  }
}

/** √(input's range / weights' range) per channel. */
function scales(input: Float64Array, matrices: readonly FloatMatrix[]): Float64Array {
  const weights = matrices.map(columnRanges)
  return input.map((range, i) => root(range, Math.max(...weights.map((list) => list[i] ?? 0))))
}

/** Per channel of the values, whose output columns are those of all heads of its group; then all by one power of two. */
function valueScales(
  value: Float64Array,
  mix: Float64Array,
  output: FloatMatrix,
  group: number,
  headDim: number,
): Float64Array {
  const [inputs, weights] = [new Float64Array(value.length), new Float64Array(value.length)]
  const columns = columnRanges(output)
  for (const [i, range] of mix.entries()) {
    const channel = valueChannel(i, group, headDim)
    inputs[channel] = Math.max(inputs[channel] ?? 0, range)
    weights[channel] = Math.max(weights[channel] ?? 0, columns[i] ?? 0)
  }
  const list = inputs.map((range, i) => root(range, weights[i] ?? 0))
  const top = largest(value.map((range, i) => range / (list[i] ?? 1)))
  const fill = top === 0 ? 1 : 2 ** -Math.floor(Math.log2(valueRange / top))
  return list.map((scale) => scale * fill)
}

/** Channel of the values that channel `i` of the mix is made of. */
function valueChannel(i: number, group: number, headDim: number): number {
  return Math.floor(i / (headDim * group)) * headDim + (i % headDim)
}

function root(input: number, weight: number): number {
  return input > 0 && weight > 0 ? Math.sqrt(input / weight) : 1
}

function columnRanges({ columns, weights }: FloatMatrix): Float64Array {
  const ranges = new Float64Array(columns)
  for (let i = 0; i < weights.length; i++)
    ranges[i % columns] = Math.max(ranges[i % columns] as number, Math.abs(weights[i] as number))
  return ranges
}

function columnsBy(matrix: FloatMatrix, factors: Float64Array): FloatMatrix {
  return { ...matrix, weights: matrix.weights.map((weight, i) => weight * (factors[i % matrix.columns] ?? 1)) }
}

function rowsBy(matrix: FloatMatrix, factors: Float64Array): FloatMatrix {
  return {
    ...matrix,
    weights: matrix.weights.map((weight, i) => weight * (factors[Math.floor(i / matrix.columns)] ?? 1)),
  }
}

function rangeOf(ranges: Ranges, tap: Tap): Float64Array {
  const range = ranges.get(tap)
  if (range === undefined) throw new RangeError('no calibration tokens')
  return range
}

function largest(list: Float64Array): number {
  return list.reduce((a, b) => Math.max(a, b), 0)
}

function powerOfTwo(real: number): number {
  return Number.isFinite(real) && real > 0 ? 2 ** Math.round(Math.log2(real)) : 1
}

function inverse(real: number): number {
  return 1 / real
}
