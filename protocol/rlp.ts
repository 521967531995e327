import { bigintToBytes, bytesToBigint, FormatError } from './bytes.ts'

/** A byte string or a list of items. Source: Ethereum yellow paper, appendix B. */
export type RlpItem = Uint8Array | readonly RlpItem[]

/** Nesting an input may have; access lists need 4. Stops a hostile input from exhausting the stack. */
export const rlpDepthMax = 64

/** Encodes an item. */
export function rlpEncode(item: RlpItem): Uint8Array {
  const bytes = new Uint8Array(encodedLength(item))
  write(item, bytes, 0)
  return bytes
}

/** Encodes an unsigned integer as RLP wants it inside a list: minimal bytes. */
export function rlpUint(value: bigint | number): Uint8Array {
  return bigintToBytes(BigInt(value))
}

/** Decodes exactly one item; strict: canonical lengths, no trailing bytes. Throws {@link FormatError}. */
export function rlpDecode(bytes: Uint8Array): RlpItem {
  const { item, end } = rlpDecodeAt(bytes, 0)
  if (end !== bytes.length) throw new FormatError(`${bytes.length - end} bytes after the RLP item`)
  return item
}

/** Decodes the item that begins at `offset`; `end` is the offset behind it. Throws {@link FormatError}. */
export function rlpDecodeAt(bytes: Uint8Array, offset: number, depth = 0): { item: RlpItem; end: number } {
  if (depth > rlpDepthMax) throw new FormatError('RLP nested too deeply')
  const { isList, start, end } = rlpHeaderAt(bytes, offset)
  if (end > bytes.length) throw new FormatError('RLP item longer than its input')
  if (!isList) return { item: bytes.subarray(start, end), end }
  const items: RlpItem[] = []
  let position = start
  while (position < end) {
    const next = rlpDecodeAt(bytes, position, depth + 1)
    if (next.end > end) throw new FormatError('RLP item crosses the end of its list')
    items.push(next.item)
    position = next.end
  }
  return { item: items, end }
}

/** Reads the header at `offset`: payload bounds `[start, end)`; `end` may lie beyond the input. Throws {@link FormatError}. */
export function rlpHeaderAt(bytes: Uint8Array, offset: number): { isList: boolean; start: number; end: number } {
  const first = bytes[offset]
  if (first === undefined) throw new FormatError('RLP input is empty')
  if (first < 0x80) return { isList: false, start: offset, end: offset + 1 }
  if (first <= 0xb7) {
    const length = first - 0x80
    if (length === 1 && offset + 1 < bytes.length && (bytes[offset + 1] ?? 0) < 0x80) {
      throw new FormatError('RLP single byte below 0x80 must stand for itself')
    }
    return { isList: false, start: offset + 1, end: offset + 1 + length }
  }
  if (first <= 0xbf) return longHeader(bytes, offset, first - 0xb7, false)
  if (first <= 0xf7) return { isList: true, start: offset + 1, end: offset + 1 + first - 0xc0 }
  return longHeader(bytes, offset, first - 0xf7, true)
}

/** The item as a list, or a {@link FormatError}. */
export function asList(item: RlpItem | undefined, what: string, length?: number): readonly RlpItem[] {
  if (item === undefined || item instanceof Uint8Array) throw new FormatError(`${what} must be an RLP list`)
  if (length !== undefined && item.length !== length) {
    throw new FormatError(`${what} must have ${length} fields, has ${item.length}`)
  }
  return item
}

/** The item as a byte string, of `length` bytes where given, or a {@link FormatError}. */
export function asBytes(item: RlpItem | undefined, what: string, length?: number): Uint8Array {
  if (!(item instanceof Uint8Array)) throw new FormatError(`${what} must be an RLP byte string`)
  if (length !== undefined && item.length !== length) {
    throw new FormatError(`${what} must be ${length} bytes, is ${item.length}`)
  }
  return item
}

/** The item as an unsigned integer of at most `bytesMax` bytes without leading zeros, or a {@link FormatError}. */
export function asUint(item: RlpItem | undefined, what: string, bytesMax = 32): bigint {
  const bytes = asBytes(item, what)
  if (bytes.length > bytesMax) throw new FormatError(`${what} exceeds ${bytesMax} bytes`)
  if (bytes.length > 0 && bytes[0] === 0) throw new FormatError(`${what} has a leading zero`)
  return bytesToBigint(bytes)
}

function longHeader(bytes: Uint8Array, offset: number, lengthBytes: number, isList: boolean) {
  if (offset + 1 + lengthBytes > bytes.length) throw new FormatError('RLP length is cut short')
  if (bytes[offset + 1] === 0) throw new FormatError('RLP length has a leading zero')
  let length = 0
  for (let i = 1; i <= lengthBytes; i++) length = length * 256 + (bytes[offset + i] ?? 0)
  if (length < 56) throw new FormatError('RLP long form for a short item')
  if (!Number.isSafeInteger(length)) throw new FormatError('RLP length too large')
  const start = offset + 1 + lengthBytes
  return { isList, start, end: start + length }
}

function encodedLength(item: RlpItem): number {
  if (item instanceof Uint8Array) {
    if (item.length === 1 && (item[0] ?? 0) < 0x80) return 1
    return item.length + headerLength(item.length)
  }
  const payload = payloadLength(item)
  return payload + headerLength(payload)
}

function payloadLength(items: readonly RlpItem[]): number {
  let length = 0
  for (const item of items) length += encodedLength(item)
  return length
}

function headerLength(length: number): number {
  if (length < 56) return 1
  let bytes = 1
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes++
  return bytes
}

function write(item: RlpItem, out: Uint8Array, offset: number): number {
  if (item instanceof Uint8Array) {
    if (item.length === 1 && (item[0] ?? 0) < 0x80) {
      out[offset] = item[0] ?? 0
      return offset + 1
    }
    const start = writeHeader(item.length, 0x80, out, offset)
    out.set(item, start)
    return start + item.length
  }
  let position = writeHeader(payloadLength(item), 0xc0, out, offset)
  for (const child of item) position = write(child, out, position)
  return position
}

function writeHeader(length: number, base: number, out: Uint8Array, offset: number): number {
  if (length < 56) {
    out[offset] = base + length
    return offset + 1
  }
  const lengthBytes = headerLength(length) - 1
  out[offset] = base + 55 + lengthBytes
  let rest = length
  for (let i = lengthBytes; i >= 1; i--) {
    out[offset + i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  return offset + 1 + lengthBytes
}
