import { compress } from 'snappyjs'
import { concatBytes, equalBytes, FormatError } from './bytes.ts'
import { crc32c } from './crc32c.ts'

/** Compresses in the block format: gossip's. Source: google/snappy, format_description.txt. */
export function snappyEncode(data: Uint8Array): Uint8Array {
  return compress(data)
}

/** The length a block declares for what is in it. Throws {@link FormatError}. */
export function snappyDecodedLength(block: Uint8Array): number {
  return readPreamble(block).length
}

/** Decompresses a block of at most `bytesMax`. Strict: it must give exactly the length it declares. Throws {@link FormatError}. */
export function snappyDecode(block: Uint8Array, bytesMax: number): Uint8Array {
  const { length, start } = readPreamble(block)
  if (length > bytesMax) throw new FormatError(`snappy block of ${length} bytes, at most ${bytesMax} allowed`)
  const out = new Uint8Array(length)
  let position = start
  let written = 0
  while (position < block.length) {
    const tag = block[position++] ?? 0
    const kind = tag & 3
    if (kind === 0) {
      const { count, next } = literalLength(block, tag >> 2, position)
      if (next + count > block.length || written + count > length) throw new FormatError('snappy literal out of range')
      out.set(block.subarray(next, next + count), written)
      position = next + count
      written += count
      continue
    }
    const { count, offset, next } = copyElement(block, tag, kind, position)
    if (offset === 0 || offset > written || written + count > length) throw new FormatError('snappy copy out of range')
    // Byte by byte: a copy may read what it has just written.
    for (let i = 0; i < count; i++) out[written + i] = out[written - offset + i] as number
    position = next
    written += count
  }
  if (written !== length) throw new FormatError(`snappy block gives ${written} bytes, declares ${length}`)
  return out
}

/** Compresses in the framing format: req/resp's. Source: google/snappy, framing_format.txt. */
export function snappyFrameEncode(data: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [streamIdentifier]
  for (let offset = 0; offset < data.length; offset += chunkBytesMax) {
    parts.push(...encodeChunk(data.subarray(offset, offset + chunkBytesMax)))
  }
  return concatBytes(...parts)
}

/** Decompresses a framed stream of at most `bytesMax`, checksums verified. Throws {@link FormatError}. */
export function snappyFrameDecode(stream: Uint8Array, bytesMax: number): Uint8Array {
  if (!equalBytes(stream.subarray(0, streamIdentifier.length), streamIdentifier)) {
    throw new FormatError('snappy stream without identifier')
  }
  const parts: Uint8Array[] = []
  let length = 0
  let position = streamIdentifier.length
  while (position < stream.length) {
    if (position + 4 > stream.length) throw new FormatError('snappy chunk header is cut short')
    const type = stream[position] ?? 0
    const size = read24(stream, position + 1)
    const body = stream.subarray(position + 4, position + 4 + size)
    if (body.length !== size) throw new FormatError('snappy chunk is cut short')
    position += 4 + size
    const data = decodeChunk(type, body, bytesMax - length)
    if (data === undefined) continue
    length += data.length
    if (length > bytesMax) throw new FormatError(`snappy stream exceeds ${bytesMax} bytes`)
    parts.push(data)
  }
  return concatBytes(...parts)
}

const streamIdentifier = Uint8Array.of(0xff, 6, 0, 0, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59)
/** A chunk's uncompressed data. */
const chunkBytesMax = 65_536
const chunkType = { compressed: 0, uncompressed: 1, reservedMax: 0x7f, identifier: 0xff } as const

function encodeChunk(data: Uint8Array): Uint8Array[] {
  const packed = compress(data)
  const isSmaller = packed.length < data.length
  const body = isSmaller ? packed : data
  const header = new Uint8Array(8)
  const view = new DataView(header.buffer)
  view.setUint32(0, body.length + 4, true)
  // The size has 24 bits: shifting it in leaves the first byte for the type.
  header.copyWithin(1, 0, 3)
  header[0] = isSmaller ? chunkType.compressed : chunkType.uncompressed
  view.setUint32(4, maskedCrc(data), true)
  return [header, body]
}

/** The chunk's data; undefined for one without data. */
function decodeChunk(type: number, body: Uint8Array, bytesMax: number): Uint8Array | undefined {
  if (type === chunkType.identifier) {
    if (!equalBytes(body, streamIdentifier.subarray(4))) throw new FormatError('snappy stream identifier')
    return undefined
  }
  if (type > chunkType.reservedMax) return undefined
  if (type > chunkType.uncompressed) throw new FormatError(`snappy chunk of reserved type ${type}`)
  if (body.length < 4) throw new FormatError('snappy chunk without checksum')
  const limit = Math.min(chunkBytesMax, bytesMax)
  const data = type === chunkType.compressed ? snappyDecode(body.subarray(4), limit) : body.slice(4)
  if (data.length > chunkBytesMax) throw new FormatError(`snappy chunk of ${data.length} bytes`)
  const checksum = new DataView(body.buffer, body.byteOffset, 4).getUint32(0, true)
  if (checksum !== maskedCrc(data)) throw new FormatError('snappy checksum')
  return data
}

function maskedCrc(data: Uint8Array): number {
  const crc = crc32c(data)
  return (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0
}

function readPreamble(block: Uint8Array): { length: number; start: number } {
  let length = 0
  for (let i = 0; i < 5; i++) {
    const byte = block[i]
    if (byte === undefined) break
    length += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) {
      if (length > 0xffff_ffff) break
      return { length, start: i + 1 }
    }
  }
  throw new FormatError('snappy block without length')
}

function literalLength(block: Uint8Array, code: number, position: number): { count: number; next: number } {
  if (code < 60) return { count: code + 1, next: position }
  const bytes = code - 59
  if (position + bytes > block.length) throw new FormatError('snappy literal length is cut short')
  let count = 0
  for (let i = bytes - 1; i >= 0; i--) count = count * 256 + (block[position + i] ?? 0)
  return { count: count + 1, next: position + bytes }
}

function copyElement(block: Uint8Array, tag: number, kind: number, position: number) {
  const bytes = kind === 3 ? 4 : kind
  if (position + bytes > block.length) throw new FormatError('snappy copy is cut short')
  if (kind === 1) {
    return { count: ((tag >> 2) & 7) + 4, offset: ((tag >> 5) << 8) | (block[position] ?? 0), next: position + 1 }
  }
  let offset = 0
  for (let i = bytes - 1; i >= 0; i--) offset = offset * 256 + (block[position + i] ?? 0)
  return { count: (tag >> 2) + 1, offset, next: position + bytes }
}

function read24(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16)
}
