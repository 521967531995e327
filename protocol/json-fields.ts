import { FormatError, fixedHex, type Hex, hexToBytes, parseQuantity } from './bytes.ts'

/** A JSON value as an object, or a {@link FormatError}. */
export function asObject(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FormatError(`${what} must be a JSON object`)
  }
  return value as Readonly<Record<string, unknown>>
}

/** A JSON value as an array, or a {@link FormatError}. */
export function asArray(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new FormatError(`${what} must be a JSON array`)
  return value
}

/** Refuses an object with a key that `known` lacks: a misspelt setting must not be ignored in silence. */
export function refuseUnknownKeys(object: Readonly<Record<string, unknown>>, known: ReadonlySet<string>, what: string) {
  const unknown = Object.keys(object).filter((key) => !known.has(key))
  if (unknown.length > 0) throw new FormatError(`${what} has unknown fields: ${unknown.join(', ')}`)
}

/** A JSON number (or bigint, from a lossless parser) as an unsigned integer of `bits`, or a {@link FormatError}. */
export function uintNumber(value: unknown, what: string, bits = 64): bigint {
  const valid = typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))
  if (!valid) throw new FormatError(`${what} must be a whole JSON number`)
  const uint = BigInt(value)
  if (uint < 0n || uint >> BigInt(bits) !== 0n) throw new FormatError(`${what} is out of range: ${uint}`)
  return uint
}

/** As {@link uintNumber}; undefined where absent or null. */
export function optionalUint(value: unknown, what: string, bits = 64): bigint | undefined {
  return value === undefined || value === null ? undefined : uintNumber(value, what, bits)
}

/** A 20-byte address in lower case, whatever its capitals say. */
export function asAddress(value: unknown, what: string): Hex {
  return fixedHex(value, 20, what)
}

/** A bigint as the JSON number op-node reads; what a double cannot hold is refused. */
export function jsonNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FormatError(`${value} cannot be written as a JSON number`)
  return Number(value)
}

/** A JSON-RPC quantity as an unsigned integer of `bits`, or a {@link FormatError}. */
export function uintQuantity(value: unknown, what: string, bits = 64): bigint {
  const uint = parseQuantity(value, what)
  if (uint >> BigInt(bits) !== 0n) throw new FormatError(`${what} exceeds ${bits} bits`)
  return uint
}

/** As {@link uintQuantity}; undefined where absent or null. */
export function optionalQuantity(value: unknown, what: string, bits = 64): bigint | undefined {
  return value === undefined || value === null ? undefined : uintQuantity(value, what, bits)
}

/** A hex string as bytes of a length within the bounds, or a {@link FormatError}. */
export function asData(value: unknown, what: string, bytesMax: number, bytesMin = 0): Uint8Array {
  if (typeof value !== 'string') throw new FormatError(`${what} must be a hex string`)
  const bytes = hexToBytes(value)
  if (bytes.length < bytesMin || bytes.length > bytesMax) throw new FormatError(`${what} has ${bytes.length} bytes`)
  return bytes
}

/** A hex string as exactly `length` bytes, or a {@link FormatError}. */
export function asFixed(value: unknown, what: string, length: number): Uint8Array {
  return asData(value, what, length, length)
}

/** A 32-byte hash in lower case; undefined where absent or null. */
export function optionalHash(value: unknown, what: string): Hex | undefined {
  return value === undefined || value === null ? undefined : fixedHex(value, 32, what)
}

/** The object with `key`, or an empty one where the value is undefined: for optional properties. */
export function optional<K extends string, T>(key: K, value: T | undefined): { readonly [P in K]?: T } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: T })
}
