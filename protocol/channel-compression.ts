import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  createBrotliDecompress,
  deflateSync,
  inflateSync,
} from 'node:zlib'
import { Inflate } from 'pako'
import { concatBytes, emptyBytes, equalBytes, FormatError } from './bytes.ts'
import { losesLastString } from './go-stream.ts'

export type Compression = 'zlib' | 'brotli'

/** Bytes a channel may decompress to, before Fjord and from Fjord on (by L1 time). Spec: protocol/derivation.md, fjord/derivation.md. */
export const rlpBytesPerChannelMaxBedrock = 10_000_000
export const rlpBytesPerChannelMaxFjord = 100_000_000

/** First byte of a brotli channel. Spec: protocol/fjord/derivation.md, "Brotli Channel Compression". */
export const brotliVersion = 1

/** How a channel says it is compressed. Throws {@link FormatError} for what is not allowed. */
export function channelCompression(data: Uint8Array, isFjord: boolean): Compression {
  const first = data[0]
  if (first === undefined) throw new FormatError('channel is empty')
  const method = first & 0x0f
  if (method === 8 || method === 15) return 'zlib'
  if (first !== brotliVersion) throw new FormatError(`channel begins with unknown byte ${first}`)
  if (!isFjord) throw new FormatError('brotli channel before Fjord')
  return 'brotli'
}

/**
 * The channel's bytes, at most `limit` of them: output past the limit is cut, not refused. A corrupt or truncated
 * stream yields what was decoded before the fault, as Go's readers do; the batches in it count.
 * Throws {@link FormatError} where not even the header is valid.
 */
export async function decompressChannel(data: Uint8Array, isFjord: boolean, limit: number): Promise<Uint8Array> {
  return channelCompression(data, isFjord) === 'zlib' ? inflate(data, limit) : unbrotli(data.subarray(1), limit)
}

/** Raw brotli, without the version byte; see {@link decompressChannel}. */
export async function unbrotli(data: Uint8Array, limit: number): Promise<Uint8Array> {
  try {
    return plainBytes(brotliDecompressSync(data, { maxOutputLength: limit }))
  } catch (error) {
    if (isTooLarge(error)) return unbrotliPrefix(data, limit)
  }
  // A stream may end or break in the chunk of output that crosses the limit: what stands before the limit counts.
  const most = limit + brotliChunkBytes
  return (flushedBrotli(data, most) ?? unbrotliToFault(data, most)).subarray(0, limit)
}

/** Output that Node makes between two looks at its limit. */
const brotliChunkBytes = constants.Z_DEFAULT_CHUNK

/** Compresses a channel; brotli gets its version byte. */
export function compressChannel(data: Uint8Array, compression: Compression): Uint8Array {
  if (compression === 'zlib') return deflateSync(data, { level: 9 })
  const params = { [constants.BROTLI_PARAM_QUALITY]: 10, [constants.BROTLI_PARAM_LGWIN]: 22 }
  return concatBytes(Uint8Array.of(brotliVersion), brotliCompressSync(data, { params }))
}

function inflate(data: Uint8Array, limit: number): Uint8Array {
  checkZlibHeader(data)
  try {
    return plainBytes(inflateSync(data, { maxOutputLength: limit }))
  } catch {
    return inflatePrefix(data, limit)
  }
}

/** The same memory without Buffer's slower views, of which decoding a span takes several for each transaction. */
function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length)
}

/** RFC 1950: method 8, window of at most 32 KiB, check bits, no preset dictionary. */
function checkZlibHeader(data: Uint8Array): void {
  const [first = 0, second] = data
  if (second === undefined) throw new FormatError('zlib header is cut short')
  if ((first & 0x0f) !== 8 || first >> 4 > 7) throw new FormatError(`zlib method ${first}`)
  if (((first << 8) | second) % 31 !== 0) throw new FormatError('zlib header check fails')
  if ((second & 0x20) !== 0) throw new FormatError('zlib with a preset dictionary')
}

class LimitReached extends Error {}

/** Node's zlib drops up to a chunk of output at a fault; pako keeps its last, partial one. */
function inflatePrefix(data: Uint8Array, limit: number): Uint8Array {
  const inflator = new Inflate({ chunkSize: 65_536 })
  const chunks: Uint8Array[] = []
  let size = 0
  let status: number | undefined
  inflator.onData = (chunk) => {
    const bytes = chunk as Uint8Array
    chunks.push(bytes)
    size += bytes.length
    if (size >= limit) throw new LimitReached()
  }
  inflator.onEnd = (result) => {
    status = result
  }
  try {
    // Not `Z_FINISH`: with it a full chunk of output ends the work, and what is still to come of the input is lost.
    inflator.push(data, syncFlush)
    // Only a stream that ends well delivers its last chunk; a fault or a cut leaves it in the buffer.
    if (status !== 0) {
      const { output, next_out: end } = streamOf(inflator)
      chunks.push(output.subarray(0, end))
    }
  } catch (error) {
    if (!(error instanceof LimitReached)) throw error
  }
  const plain = concatBytes(...chunks)
  // One byte less makes its last string an incomplete one, which ends the channel.
  const isLost = status !== 0 && plain.length <= limit && !endsFlushed(data) && losesLastString(plain)
  const given = isLost ? plain.length - 1 : plain.length
  return plain.subarray(0, Math.min(given, limit))
}

/** A stream cut behind an empty stored block, which a compressor writes to flush: all output was given away before. */
function endsFlushed(data: Uint8Array): boolean {
  return equalBytes(data.subarray(-4), emptyStoredBlock)
}

const emptyStoredBlock = Uint8Array.of(0, 0, 0xff, 0xff)

/** `Z_SYNC_FLUSH`. */
const syncFlush = 2

/** pako has this field, but its types leave it out. */
function streamOf(inflator: Inflate): { readonly output: Uint8Array; readonly next_out: number } {
  return (inflator as unknown as { readonly strm: { readonly output: Uint8Array; readonly next_out: number } }).strm
}

/** op-node hands its decoder a channel in pieces: what a buffer of 4096 bytes held behind the version byte, then 32 KiB each. */
const goFirstReadBytes = 4095
const goReadBytes = 32_768

/**
 * What op-node sees of a corrupt stream. Its decoder gives its output away when it has used up a piece of input, or
 * when the window is full; at a fault the rest is lost, though it was decoded.
 */
function unbrotliToFault(data: Uint8Array, limit: number): Uint8Array {
  const pieces = Math.ceil(Math.max(0, data.length - goFirstReadBytes) / goReadBytes)
  const boundary = (piece: number) => (piece === 0 ? 0 : goFirstReadBytes + (piece - 1) * goReadBytes)
  const decodes = (bytes: number) => flushedBrotli(data.subarray(0, bytes), limit) !== undefined
  const piece = lastTrue(0, pieces, (n) => decodes(boundary(n)))
  const used = boundary(piece)
  const given = flushedBrotli(data.subarray(0, used), limit) ?? emptyBytes
  const faultAt = lastTrue(used, Math.min(data.length, boundary(piece + 1)), decodes)
  const decoded = flushedBrotli(data.subarray(0, faultAt), limit) ?? emptyBytes
  const windowBytes = brotliWindowBytes(data[0] ?? 0)
  return decoded.subarray(0, Math.max(given.length, decoded.length - (decoded.length % windowBytes)))
}

/** The largest integer of `[low, high]` for which `holds`, given that it holds for `low` and, once false, stays so. */
function lastTrue(low: number, high: number, holds: (n: number) => boolean): number {
  let [from, to] = [low, high]
  while (from < to) {
    const middle = Math.ceil((from + to) / 2)
    if (holds(middle)) from = middle
    else to = middle - 1
  }
  return from
}

/** RFC 7932, section 9.1: WBITS stands in the first bits of the stream. */
function brotliWindowBytes(first: number): number {
  if ((first & 1) === 0) return 1 << 16
  if (((first >> 1) & 7) !== 0) return 1 << (17 + ((first >> 1) & 7))
  const small = (first >> 4) & 7
  return 1 << (small === 0 ? 17 : 8 + small)
}

function flushedBrotli(data: Uint8Array, limit: number): Uint8Array | undefined {
  try {
    return brotliDecompressSync(data, { maxOutputLength: limit, finishFlush: constants.BROTLI_OPERATION_FLUSH })
  } catch {
    return undefined
  }
}

/** The first `limit` bytes of a stream that decodes to more. */
function unbrotliPrefix(data: Uint8Array, limit: number): Promise<Uint8Array> {
  return new Promise((resolve) => {
    const stream = createBrotliDecompress()
    const chunks: Uint8Array[] = []
    let size = 0
    const finish = () => {
      stream.destroy()
      resolve(concatBytes(...chunks).subarray(0, limit))
    }
    stream.on('data', (chunk: Uint8Array) => {
      chunks.push(chunk)
      size += chunk.length
      if (size >= limit) finish()
    })
    stream.on('error', finish)
    stream.on('end', finish)
    stream.end(data)
  })
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
}
