import type { ModelConfig } from './model-config.ts'

/**
 * Matrix of int8 in [-127, 127], `rows` × `columns`, row after row. A row's scale is `mantissa / 2^shift`: what one step of
 * its weights is worth, over the largest input of linears, see docs/canonical-inference.md §5.3.
 */
export type Matrix = {
  readonly rows: number
  readonly columns: number
  readonly weights: Int8Array
  readonly scales: RowScales
}

/** `mantissa << 8 | shift` per row, mantissa 15 bits, shift 17 … 62. */
export type RowScales = Uint32Array

export type Layer = {
  /** Q16, `dim` of them. */
  readonly attentionNorm: Int32Array
  readonly query: Matrix
  readonly key: Matrix
  readonly value: Matrix
  readonly output: Matrix
  readonly ffnNorm: Int32Array
  readonly gate: Matrix
  readonly up: Matrix
  readonly down: Matrix
}

/** Everything that decides an output. */
export type CanonicalModel = {
  readonly config: ModelConfig
  readonly expTable: Uint32Array
  readonly sigmoidTable: Uint32Array
  /** Q14, `context` × `headDim / 2`. */
  readonly ropeCos: Int16Array
  readonly ropeSin: Int16Array
  /** See tokenizer/tokenizer-file.ts. */
  readonly tokenizer: Uint8Array
  /** Scales are what one step of a weight is worth. */
  readonly embedding: Matrix
  readonly layers: readonly Layer[]
  readonly finalNorm: Int32Array
  /** Its weights are the embedding's where the head is tied. */
  readonly head: Matrix
}

export const shiftMin = 17
export const shiftMax = 62
export const mantissaMax = 2 ** 15 - 1

/** The nearest row scale to a positive real; 0 where it is too small for any. Throws RangeError where it is too large. */
export function rowScale(real: number): number {
  if (!(real >= 0) || real >= mantissaMax / 2 ** shiftMin)
    throw new RangeError(`a row whose step would be ${real}; it must be below ${mantissaMax / 2 ** shiftMin}`)
  if (real === 0) return shiftMin
  const shift = Math.min(shiftMax, Math.max(shiftMin, 14 - exponentOf(real)))
  return Math.min(Math.round(real * 2 ** shift), mantissaMax) * 256 + shift
}

const word = new DataView(new ArrayBuffer(8))

/** `⌊log2 real⌋` of a normal positive double, exact where Math.log2 may not be; what is smaller has -1023. */
function exponentOf(real: number): number {
  word.setFloat64(0, real)
  return (word.getUint16(0) >> 4) - 1023
}
