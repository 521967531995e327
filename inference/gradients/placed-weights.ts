import { type Target, targets } from '../adapter/adapter.ts'
import type { CanonicalModel, Layer, Matrix } from '../model.ts'
import type { FloatMemory } from './float-memory.ts'

/** A matrix of the model, twice: for `x · Wᵀ` and for `x · W`, each in panels of 8 columns. */
export type PlacedLinear = {
  readonly rows: number
  readonly columns: number
  /** `columns` × `paddedRows`. */
  readonly forward: number
  /** `rows` × `columns`. */
  readonly backward: number
  readonly paddedRows: number
}

export type PlacedLayer = { readonly attentionNorm: number; readonly ffnNorm: number } & {
  readonly [Name in Target]: PlacedLinear
}

/** The float model that a canonical one stands for. docs/GRADIENTS.md §1. */
export type PlacedWeights = {
  readonly layers: readonly PlacedLayer[]
  readonly finalNorm: number
  readonly head: PlacedLinear
  /** `context` × `headDim / 2`. */
  readonly cos: number
  readonly sin: number
}

/** Weights as reals, each rounded once: `divisor` the largest input for linears and heads, 1 for embeddings. */
export function dequantiseRows({ rows, columns, weights, scales }: Matrix, divisor: number): Float32Array {
  const out = new Float32Array(weights.length)
  for (let row = 0; row < rows; row++) {
    const scale = scales[row] as number
    const step = (divisor * (scale >>> 8)) / 2 ** (scale & 255)
    for (let i = row * columns; i < (row + 1) * columns; i++) out[i] = (weights[i] as number) * step
  }
  return out
}

/** Q`bits` integers as reals. */
export function fixedToFloat(values: Int32Array | Int16Array, bits: number): Float32Array {
  return Float32Array.from(values, (value) => value / 2 ** bits)
}

export function placeWeights(model: CanonicalModel, memory: FloatMemory): PlacedWeights {
  const { inputMax } = model.config
  return {
    layers: model.layers.map((layer) => placeLayer(layer, inputMax, memory)),
    finalNorm: memory.putFloats(fixedToFloat(model.finalNorm, 16)),
    head: placeLinear(model.head, inputMax, memory),
    cos: memory.putFloats(fixedToFloat(model.ropeCos, 14)),
    sin: memory.putFloats(fixedToFloat(model.ropeSin, 14)),
  }
}

function placeLayer(layer: Layer, inputMax: number, memory: FloatMemory): PlacedLayer {
  const linears = targets.map((target) => [target, placeLinear(layer[target], inputMax, memory)])
  return {
    attentionNorm: memory.putFloats(fixedToFloat(layer.attentionNorm, 16)),
    ffnNorm: memory.putFloats(fixedToFloat(layer.ffnNorm, 16)),
    ...(Object.fromEntries(linears) as Record<Target, PlacedLinear>),
  }
}

function placeLinear(matrix: Matrix, inputMax: number, memory: FloatMemory): PlacedLinear {
  const { rows, columns } = matrix
  const values = dequantiseRows(matrix, inputMax)
  const paddedRows = Math.ceil(rows / 8) * 8
  const forward = new Float32Array(paddedRows * columns)
  const backward = new Float32Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < columns; i++) {
      const value = values[row * columns + i] as number
      forward[(row >> 3) * 8 * columns + i * 8 + (row & 7)] = value
      backward[(i >> 3) * 8 * rows + row * 8 + (i & 7)] = value
    }
  }
  return { rows, columns, paddedRows, forward: memory.putFloats(forward), backward: memory.putFloats(backward) }
}
