import { type InputMax, narrowInput } from './model-config.ts'

/**
 * Units of the graph in the order of a forward pass: `id` and element width of what each puts out, where inputs are wide 2 bytes of
 * each of their elements, see {@link elementBytes}. A unit is named by
 * (op, layer, position, part); `part` numbers the tiles of attention (head by head), is 7·slot + target for adapters and 0
 * elsewhere; ops outside the layers have layer 0. docs/canonical-inference.md §7.
 */
export const ops = {
  embedding: { id: 0, bytes: 4 },
  attentionNorm: { id: 1, bytes: 4 },
  /** Mantissa and exponent of the input that follows. */
  attentionScale: { id: 2, bytes: 4 },
  attentionInput: { id: 3, bytes: 1 },
  /** Accumulators, as those of every linear below. */
  query: { id: 4, bytes: 4 },
  key: { id: 5, bytes: 4 },
  value: { id: 6, bytes: 4 },
  rotatedQuery: { id: 7, bytes: 2 },
  cachedKey: { id: 8, bytes: 2 },
  cachedValue: { id: 9, bytes: 2 },
  /** Max, sum, mix. */
  attentionTile: { id: 10, bytes: 8 },
  attentionMix: { id: 11, bytes: 4 },
  outputScale: { id: 12, bytes: 4 },
  outputInput: { id: 13, bytes: 1 },
  output: { id: 14, bytes: 4 },
  attentionResidual: { id: 15, bytes: 4 },
  ffnNorm: { id: 16, bytes: 4 },
  ffnScale: { id: 17, bytes: 4 },
  ffnInput: { id: 18, bytes: 1 },
  gate: { id: 19, bytes: 4 },
  up: { id: 20, bytes: 4 },
  activation: { id: 21, bytes: 4 },
  downScale: { id: 22, bytes: 4 },
  downInput: { id: 23, bytes: 1 },
  down: { id: 24, bytes: 4 },
  ffnResidual: { id: 25, bytes: 4 },
  finalNorm: { id: 26, bytes: 4 },
  headScale: { id: 27, bytes: 4 },
  headInput: { id: 28, bytes: 1 },
  head: { id: 29, bytes: 4 },
  logits: { id: 30, bytes: 4 },
  /** Accumulators. */
  loraDown: { id: 31, bytes: 4 },
  loraScale: { id: 32, bytes: 4 },
  loraInput: { id: 33, bytes: 1 },
  /** Accumulators. */
  loraUp: { id: 34, bytes: 4 },
  /** Marks and sums of the sampler, and the sums of each 256 logits; §8.1. No engine puts them out. */
  choice: { id: 35, bytes: 8 },
  choiceTile: { id: 36, bytes: 8 },
} as const satisfies Record<string, { readonly id: number; readonly bytes: 1 | 2 | 4 | 8 }>

export type Op = keyof typeof ops

export type Unit = { readonly op: Op; readonly layer: number; readonly position: number; readonly part: number }

/** Told every unit's output; `values` are the engine's own and change after the call. */
export type Trace = (unit: Unit, values: ArrayLike<number>) => void

/** Bytes of an element of what an op puts out: linears' inputs take 2 where they are wide. */
export function elementBytes(op: Op, inputMax: InputMax): number {
  const { bytes } = ops[op]
  return bytes === 1 && inputMax > narrowInput ? 2 : bytes
}

/** A unit's output as it is committed: little-endian two's complement at the op's width. */
export function unitBytes(op: Op, values: ArrayLike<number>, inputMax: InputMax): Uint8Array {
  const bytes = elementBytes(op, inputMax)
  const view = new DataView(new ArrayBuffer(values.length * bytes))
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0
    if (bytes === 1) view.setInt8(i, value)
    else if (bytes === 2) view.setInt16(2 * i, value, true)
    else if (bytes === 4) view.setInt32(4 * i, value, true)
    else view.setBigInt64(8 * i, BigInt(value), true)
  }
  return new Uint8Array(view.buffer)
}
