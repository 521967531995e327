import type { FloatLayer, FloatMatrix, FloatModel } from './float-model.ts'
import { FloatReference, type Tap } from './reference.ts'

/** Largest magnitude of each channel at each tap, by `layer tap`. */
type Ranges = ReadonlyMap<string, Float64Array>

/** Values are cached in Q10 up to 32: calibrated ones are brought to this, so that others have room. */
const valueRange = 12

/**
 * The same function with outlier channels moved from the inputs of linears into their weights, as SmoothQuant does with
 * exponent 1/2 (Xiao et al., 2023): a channel's scale goes into the norm, the up rows or the value rows before it. Query and key
 * share their range evenly, and values fill that of the cache. A tied head stays as it is.
 */
export function smooth(model: FloatModel, calibration: readonly number[]): FloatModel {
  const ranges = calibrate(model, calibration)
  return {
    ...model,
    layers: model.layers.map((layer, i) => smoothLayer(model, layer, (tap) => rangeOf(ranges, i, tap))),
  }
}

function smoothLayer(model: FloatModel, layer: FloatLayer, range: (tap: Tap) => Float64Array): FloatLayer {
  const { heads, kvHeads, headDim } = model.config
  const attention = scales(range('attention'), [layer.query, layer.key, layer.value])
  const ffn = scales(range('ffn'), [layer.gate, layer.up])
  const down = scales(range('activation'), [layer.down])
  const balance = powerOfTwo(Math.sqrt(largest(range('query')) / largest(range('key'))))
  const values = valueScales(range('value'), range('mix'), layer.output, heads / kvHeads, headDim)
  const spread = Float64Array.from(
    { length: heads * headDim },
    (_, i) => values[valueChannel(i, heads / kvHeads, headDim)] ?? 1,
  )
  const one = (factor: number) => new Float64Array(layer.query.rows).fill(factor)
  return {
    attentionNorm: layer.attentionNorm.map((weight, i) => weight / (attention[i] ?? 1)),
    query: rowsBy(columnsBy(layer.query, attention), one(1 / balance)),
    key: rowsBy(columnsBy(layer.key, attention), one(balance)),
    value: rowsBy(columnsBy(layer.value, attention), values.map(inverse)),
    output: columnsBy(layer.output, spread),
    ffnNorm: layer.ffnNorm.map((weight, i) => weight / (ffn[i] ?? 1)),
    gate: columnsBy(layer.gate, ffn),
    up: rowsBy(columnsBy(layer.up, ffn), down.map(inverse)),
    down: columnsBy(layer.down, down),
  }
}

function calibrate(model: FloatModel, tokens: readonly number[]): Ranges {
  const ranges = new Map<string, Float64Array>()
  const { context } = model.config
  for (let start = 0; start < tokens.length; start += context) {
    const reference = new FloatReference(model, (tap, layer, vector) => {
      const range = ranges.get(`${layer} ${tap}`) ?? new Float64Array(vector.length)
      ranges.set(`${layer} ${tap}`, range)
      for (const [i, value] of vector.entries()) range[i] = Math.max(range[i] ?? 0, Math.abs(value))
    })
    for (const token of tokens.slice(start, start + context)) reference.step(token)
  }
  return ranges
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
  for (const [i, weight] of weights.entries())
    ranges[i % columns] = Math.max(ranges[i % columns] ?? 0, Math.abs(weight))
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

function rangeOf(ranges: Ranges, layer: number, tap: Tap): Float64Array {
  const range = ranges.get(`${layer} ${tap}`)
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
