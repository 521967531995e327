import type { KernelMemory } from '../kernel-memory.ts'
import { accumulatorMax, centred, fieldPrime, highDigit, inputSpan, lowDigit } from './field.ts'
import type { KeptMatrix, KeptModel } from './kept-model.ts'
import type { SecretPair } from './pair-file.ts'
import { type Linear, linearsOf, projectionOrder, type SecretVectors } from './secret-vectors.ts'

/** Linears with one input: their accumulators lie side by side and are checked as one matrix. */
export type PlacedGroup = {
  readonly linears: readonly PlacedLinear[]
  readonly rows: number
  readonly columns: number
  /** Both secret vectors over all rows, see `dotRows`; both projections, see `dotInputs`. */
  readonly vectors: number
  readonly projections: number
  /** Groups of four accumulators in range that sum up without overflow. */
  readonly every: number
  /** Columns of inputs that do. */
  readonly span: number
  readonly accumulatorMax: number
}

/** One of a group, its own projections for telling which of them is wrong. */
export type PlacedLinear = Linear & {
  /** Of the group's rows. */
  readonly firstRow: number
  readonly vectors: number
  readonly projections: readonly [Uint32Array, Uint32Array]
}

/** How `takeRows` wants the row scales of a matrix. */
export type PlacedScales = {
  readonly rows: number
  readonly scales: number
  readonly factors: number
  readonly shift: number
  readonly accMax: number
  readonly largest: number
}

export type PlacedPair = { readonly layers: readonly (readonly PlacedGroup[])[]; readonly head: PlacedGroup }

/** Which targets share an input, by their index: query, key, value; output; gate, up; down. */
export const groupsOfLayer: readonly (readonly number[])[] = [[0, 1, 2], [3], [4, 5], [6]]

export function placePair(
  { config }: Pick<KeptModel, 'config'>,
  pair: SecretPair,
  vectorsOf: SecretVectors,
  memory: KernelMemory,
): PlacedPair {
  const linears = linearsOf(config)
  const projections = projectionsOf(linears, projectionOrder(config), pair.projections)
  const group = (indexes: readonly number[]): PlacedGroup => {
    const parts = indexes.map((index) => ({ ...(linears[index] as Linear), index }))
    const vectors = memory.put(interleaved(parts.map(({ index, rows }) => vectorsOf(pair.seed, index, rows))))
    const own = parts.map(({ index }) => projections[index] as readonly [Uint32Array, Uint32Array])
    const { columns } = parts[0] as Linear
    const top = accumulatorMax(columns, config.inputMax)
    let row = 0
    const placed = parts.map((part, i): PlacedLinear => {
      row += part.rows
      const firstRow = row - part.rows
      const its = own[i] as [Uint32Array, Uint32Array]
      return { ...part, firstRow, vectors: vectors + 8 * firstRow, projections: its }
    })
    return {
      linears: placed,
      rows: row,
      columns,
      vectors,
      projections: memory.put(digits(sum(own.map(([a]) => a)), sum(own.map(([, b]) => b)))),
      every: Math.floor(2 ** 32 / top),
      accumulatorMax: top,
      span: inputSpan(config.inputMax),
    }
  }
  const perLayer = (linears.length - 1) / config.layers
  return {
    layers: Array.from({ length: config.layers }, (_, i) =>
      groupsOfLayer.map((members) => group(members.map((member) => perLayer * i + member))),
    ),
    head: group([linears.length - 1]),
  }
}

/** Per linear its two projections, out of the pair's list in the order in which the file has them. */
function projectionsOf(
  linears: readonly Linear[],
  order: readonly number[],
  all: Uint32Array,
): (readonly [Uint32Array, Uint32Array])[] {
  const found: (readonly [Uint32Array, Uint32Array])[] = []
  let at = 0
  for (const index of order) {
    const { columns } = linears[index] as Linear
    found[index] = [all.subarray(at, at + columns), all.subarray(at + columns, at + 2 * columns)]
    at += 2 * columns
  }
  return found
}

/** Four elements of the first vector and four of the second by turns; zeros behind the end. */
export function interleaved(parts: readonly (readonly [Int32Array, Int32Array])[]): Int32Array {
  const rows = parts.reduce((total, [first]) => total + first.length, 0)
  const out = new Int32Array(8 * Math.ceil(rows / 4))
  let row = 0
  for (const [first, second] of parts) {
    for (let i = 0; i < first.length; i++, row++) {
      const to = 8 * (row >> 2) + (row & 3)
      out[to] = first[i] ?? 0
      out[to + 4] = second[i] ?? 0
    }
  }
  return out
}

function sum(vectors: readonly Uint32Array[]): Float64Array {
  const out = new Float64Array(vectors[0]?.length ?? 0)
  for (const vector of vectors) for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? 0) + (vector[i] ?? 0)
  return out
}

/** Per eight columns: low digits of the first, high digits of the first, and so of the second. */
export function digits(first: ArrayLike<number>, second: ArrayLike<number>): Int16Array {
  const out = new Int16Array(4 * first.length)
  for (let i = 0; i < first.length; i++) {
    const to = 32 * (i >> 3) + (i & 7)
    const [a, b] = [centred((first[i] ?? 0) % fieldPrime), centred((second[i] ?? 0) % fieldPrime)]
    out[to] = lowDigit(a)
    out[to + 8] = highDigit(a)
    out[to + 16] = lowDigit(b)
    out[to + 24] = highDigit(b)
  }
  return out
}

/** More than so many bits between the row scales of a matrix: the plain kernel does it. */
const spreadMax = 16

export function placeScales({ rows, scales }: KeptMatrix, memory: KernelMemory): PlacedScales {
  const real = scales.filter((scale) => scale >>> 8 !== 0)
  const shift = real.reduce((most, scale) => Math.max(most, scale & 255), 17)
  const least = real.reduce((low, scale) => Math.min(low, scale & 255), shift)
  const factors = new Int32Array(8 * Math.ceil(rows / 4))
  let largest = 0
  for (const [row, scale] of scales.entries()) {
    const to = 8 * (row >> 2) + (row & 3)
    const mantissa = scale >>> 8
    const power = Math.min(shift - (scale & 255), spreadMax)
    factors[to] = mantissa === 0 ? 1 : 2 ** power
    factors[to + 4] = mantissa
    largest = Math.max(largest, mantissa / 2 ** (scale & 255))
  }
  return {
    rows,
    scales: memory.put(scales),
    factors: memory.put(factors),
    shift,
    accMax: shift - least > spreadMax ? 0 : Math.floor((2 ** 31 - 1) / 2 ** (shift - least)),
    largest,
  }
}
