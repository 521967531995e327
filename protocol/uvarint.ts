import { FormatError } from './bytes.ts'

/** Bytes a 64-bit unsigned LEB128 integer may have (Go's `binary.MaxVarintLen64`). */
export const uvarintBytesMax = 10
const uint64Max = (1n << 64n) - 1n

/** Reads an unsigned LEB128 integer at `offset`. Throws {@link FormatError} where it is cut short or exceeds 64 bits. */
export function readUvarint(bytes: Uint8Array, offset: number): { readonly value: bigint; readonly end: number } {
  let low = 0
  for (let i = 0; i < 7; i++) {
    const byte = bytes[offset + i]
    if (byte === undefined) throw new FormatError('uvarint is cut short')
    // Multiplication, not shifts: seven groups of seven bits are 49, past 32 and within 53.
    low += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return { value: BigInt(low), end: offset + i + 1 }
  }
  let value = BigInt(low)
  for (let i = 7; i < uvarintBytesMax; i++) {
    const byte = bytes[offset + i]
    if (byte === undefined) throw new FormatError('uvarint is cut short')
    value += BigInt(byte & 0x7f) << BigInt(7 * i)
    if (byte >= 0x80) continue
    if (value > uint64Max) break
    return { value, end: offset + i + 1 }
  }
  throw new FormatError('uvarint exceeds 64 bits')
}

/** Encodes a 64-bit unsigned integer. Throws {@link FormatError} where it does not fit. */
export function encodeUvarint(value: bigint | number): Uint8Array {
  let rest = BigInt(value)
  if (rest < 0n || rest > uint64Max) throw new FormatError(`${value} is no 64-bit unsigned integer`)
  const bytes: number[] = []
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}
