/**
 * Byte strings and integers.
 *
 * Two forms, one rule: what is RLP-encoded or hashed in bulk (transactions, headers, receipts, logs) holds `Uint8Array`;
 * identities that are compared with `===`, used as map keys or written to JSON (block references, rollup config,
 * payload attributes) are lower-case `Hex`.
 */
export type Hex = `0x${string}`

/** A malformed byte string, hex string or integer. Thrown by every parser of this folder for input it refuses. */
export class FormatError extends Error {
  override name = 'FormatError'
}

export const emptyBytes = new Uint8Array(0)
export const zeroHash: Hex = `0x${'00'.repeat(32)}`
export const zeroAddress: Hex = `0x${'00'.repeat(20)}`

const hexPattern = /^0x(?:[0-9a-fA-F]{2})*$/

/** `0x…` with an even number of digits to bytes. Throws {@link FormatError}. */
export function hexToBytes(hex: string): Uint8Array {
  if (!hexPattern.test(hex)) throw new FormatError(`not an even-length 0x hex string: ${preview(hex)}`)
  const buffer = Buffer.from(hex.slice(2), 'hex')
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)
}

/** Bytes to lower-case `0x…`. */
export function bytesToHex(bytes: Uint8Array): Hex {
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`
}

/** A hex string of exactly `length` bytes, lower-cased. Throws {@link FormatError}. */
export function fixedHex(value: unknown, length: number, what = 'value'): Hex {
  if (typeof value !== 'string' || value.length !== 2 + 2 * length || !hexPattern.test(value)) {
    throw new FormatError(`${what} must be 0x and ${2 * length} hex digits, got ${preview(value)}`)
  }
  return value.toLowerCase() as Hex
}

/** Integers of so many bytes are exact as a `number`, which is several times faster than by way of hex. */
const smallBytesMax = 6
const smallMax = 256n ** 6n - 1n

/** Big-endian bytes to an unsigned integer; the empty string is 0. */
export function bytesToBigint(bytes: Uint8Array): bigint {
  if (bytes.length > smallBytesMax) return BigInt(bytesToHex(bytes))
  let value = 0
  for (const byte of bytes) value = value * 256 + byte
  return BigInt(value)
}

/** An unsigned integer as minimal big-endian bytes; 0 is the empty string (RLP's form). */
export function bigintToBytes(value: bigint): Uint8Array {
  if (value < 0n) throw new FormatError(`negative integer ${value}`)
  if (value === 0n) return emptyBytes
  if (value <= smallMax) return smallToBytes(Number(value))
  const digits = value.toString(16)
  return hexToBytes(`0x${digits.length % 2 === 1 ? '0' : ''}${digits}`)
}

function smallToBytes(value: number): Uint8Array {
  let length = 1
  for (let bound = 256; value >= bound; bound *= 256) length++
  const bytes = new Uint8Array(length)
  let left = value
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = left % 256
    left = Math.floor(left / 256)
  }
  return bytes
}

/** An unsigned integer as `length` big-endian bytes. Throws {@link FormatError} where it does not fit. */
export function uintBytes(value: bigint | number, length: number): Uint8Array {
  const minimal = bigintToBytes(BigInt(value))
  if (minimal.length > length) throw new FormatError(`${value} does not fit ${length} bytes`)
  return padLeft(minimal, length)
}

/** Left-pads with zeros to `length` bytes; longer input throws. */
export function padLeft(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length === length) return bytes
  if (bytes.length > length) throw new FormatError(`${bytes.length} bytes do not fit ${length}`)
  const padded = new Uint8Array(length)
  padded.set(bytes, length - bytes.length)
  return padded
}

/** Drops leading zero bytes. */
export function trimLeft(bytes: Uint8Array): Uint8Array {
  let start = 0
  while (start < bytes.length && bytes[start] === 0) start++
  return start === 0 ? bytes : bytes.subarray(start)
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const joined = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    joined.set(part, offset)
    offset += part.length
  }
  return joined
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** JSON-RPC quantity: `0x` and the minimal hex digits. */
export function quantity(value: bigint | number): Hex {
  return `0x${value.toString(16)}`
}

/** Parses a JSON-RPC quantity (`0x` and 1 to 64 digits). Throws {@link FormatError}. */
export function parseQuantity(value: unknown, what = 'quantity'): bigint {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{1,64}$/.test(value)) {
    throw new FormatError(`${what} must be a 0x quantity, got ${preview(value)}`)
  }
  return BigInt(value)
}

function preview(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
