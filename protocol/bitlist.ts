import { FormatError } from './bytes.ts'

/**
 * Bits of a span batch: a big-endian integer in ceil(n/8) bytes, so bit 0 is the lowest bit of the last byte.
 * Spec: protocol/delta/span-batches.md, "Span batch format".
 */
export function bitAt(bits: Uint8Array, index: number): 0 | 1 {
  const byte = bits[bits.length - 1 - (index >> 3)] ?? 0
  return ((byte >> (index & 7)) & 1) as 0 | 1
}

export function bitlistBytes(length: number): number {
  return (length + 7) >> 3
}

/** The bit list of `length` bits at `offset`. Throws {@link FormatError} where it is cut short or has a bit set past its length. */
export function readBitlist(bytes: Uint8Array, offset: number, length: number): Uint8Array {
  const end = offset + bitlistBytes(length)
  if (end > bytes.length) throw new FormatError('bit list is cut short')
  const bits = bytes.subarray(offset, end)
  const spare = bits.length * 8 - length
  if (spare > 0 && (bits[0] ?? 0) >> (8 - spare) !== 0)
    throw new FormatError(`bit list has a bit set past its ${length} bits`)
  return bits
}

export function encodeBitlist(bits: readonly (boolean | 0 | 1)[]): Uint8Array {
  const bytes = new Uint8Array(bitlistBytes(bits.length))
  bits.forEach((bit, index) => {
    if (bit) {
      const at = bytes.length - 1 - (index >> 3)
      bytes[at] = (bytes[at] ?? 0) | (1 << (index & 7))
    }
  })
  return bytes
}
