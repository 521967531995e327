import { concatBytes, FormatError, uintBytes } from './bytes.ts'

/** Values of the CBOR subset that ERC-8021 suffixes use: unsigned integers, byte and text strings, arrays, maps with text keys. */
export type CborValue = bigint | Uint8Array | string | readonly CborValue[] | ReadonlyMap<string, CborValue>

/** Nesting an input may have. */
export const cborDepthMax = 8
/** Items of one array or map. */
export const cborItemsMax = 256

/** Encodes canonically: shortest lengths, map entries in the map's order. Source: RFC 8949. */
export function encodeCbor(value: CborValue): Uint8Array {
  if (typeof value === 'bigint') return head(0, value)
  if (value instanceof Uint8Array) return concatBytes(head(2, value.length), value)
  if (typeof value === 'string') {
    const text = new TextEncoder().encode(value)
    return concatBytes(head(3, text.length), text)
  }
  if (value instanceof Map) {
    const entries = [...value].flatMap(([key, item]) => [encodeCbor(key), encodeCbor(item)])
    return concatBytes(head(5, value.size), ...entries)
  }
  const items = value as readonly CborValue[]
  return concatBytes(head(4, items.length), ...items.map(encodeCbor))
}

/** Decodes exactly one value. Throws {@link FormatError} for anything outside the subset, repeated keys, or bytes left over. */
export function decodeCbor(bytes: Uint8Array): CborValue {
  const { value, end } = decodeAt(bytes, 0, 0)
  if (end !== bytes.length) throw new FormatError(`${bytes.length - end} bytes after the CBOR value`)
  return value
}

function decodeAt(bytes: Uint8Array, offset: number, depth: number): { value: CborValue; end: number } {
  if (depth > cborDepthMax) throw new FormatError('CBOR nested too deeply')
  const first = bytes[offset]
  if (first === undefined) throw new FormatError('CBOR is cut short')
  const { argument, start } = readArgument(bytes, offset, first & 31)
  switch (first >> 5) {
    case 0:
      return { value: argument, end: start }
    case 2: {
      const end = stringEnd(bytes, start, argument)
      return { value: bytes.slice(start, end), end }
    }
    case 3: {
      const end = stringEnd(bytes, start, argument)
      return { value: utf8(bytes.subarray(start, end)), end }
    }
    case 4:
      return decodeArray(bytes, start, argument, depth)
    case 5:
      return decodeMap(bytes, start, argument, depth)
    default:
      throw new FormatError(`CBOR major type ${first >> 5} is not used here`)
  }
}

function decodeArray(bytes: Uint8Array, start: number, count: bigint, depth: number) {
  if (count > BigInt(cborItemsMax)) throw new FormatError(`CBOR array of ${count} items`)
  const items: CborValue[] = []
  let end = start
  for (let i = 0; i < Number(count); i++) {
    const next = decodeAt(bytes, end, depth + 1)
    items.push(next.value)
    end = next.end
  }
  return { value: items, end }
}

function decodeMap(bytes: Uint8Array, start: number, count: bigint, depth: number) {
  if (count > BigInt(cborItemsMax)) throw new FormatError(`CBOR map of ${count} entries`)
  const entries = new Map<string, CborValue>()
  let end = start
  for (let i = 0; i < Number(count); i++) {
    const key = decodeAt(bytes, end, depth + 1)
    if (typeof key.value !== 'string') throw new FormatError('CBOR map key is no text')
    if (entries.has(key.value)) throw new FormatError(`CBOR map has the key ${key.value} twice`)
    const item = decodeAt(bytes, key.end, depth + 1)
    entries.set(key.value, item.value)
    end = item.end
  }
  return { value: entries, end }
}

function readArgument(bytes: Uint8Array, offset: number, info: number): { argument: bigint; start: number } {
  if (info < 24) return { argument: BigInt(info), start: offset + 1 }
  if (info > 27) throw new FormatError('CBOR of indefinite length')
  const length = 1 << (info - 24)
  if (offset + 1 + length > bytes.length) throw new FormatError('CBOR is cut short')
  let argument = 0n
  for (let i = 1; i <= length; i++) argument = (argument << 8n) | BigInt(bytes[offset + i] ?? 0)
  return { argument, start: offset + 1 + length }
}

function stringEnd(bytes: Uint8Array, start: number, length: bigint): number {
  if (BigInt(start) + length > BigInt(bytes.length)) throw new FormatError('CBOR string is cut short')
  return start + Number(length)
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new FormatError('CBOR text is not UTF-8', { cause })
  }
}

function head(major: number, argument: bigint | number): Uint8Array {
  const value = BigInt(argument)
  if (value < 24n) return Uint8Array.of((major << 5) | Number(value))
  const size = value < 256n ? 0 : value < 65_536n ? 1 : value < 1n << 32n ? 2 : 3
  return concatBytes(Uint8Array.of((major << 5) | (24 + size)), uintBytes(value, 1 << size))
}
