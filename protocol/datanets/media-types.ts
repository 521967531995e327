import { contentChunkBytes } from '../content-hash.ts'
import { canonicalText } from './canonical-text.ts'
import { ContentRefused } from './content-refused.ts'

/** As the DatanetRegistry numbers them. */
export const mediaTypes = ['text', 'image', 'audio', 'structured'] as const
export type MediaType = (typeof mediaTypes)[number]

/** Files of each media type, by the end of their name. docs/DATANETS.md §2. */
export const extensions: Readonly<Record<MediaType, readonly string[]>> = {
  text: ['md', 'txt', 'pdf', 'docx'],
  image: ['png', 'jpg', 'jpeg', 'webp', 'tiff', 'bmp'],
  audio: ['wav', 'mp3', 'flac'],
  structured: ['json', 'jsonl', 'csv', 'parquet'],
}

type Signature = (head: Uint8Array) => boolean

const starts =
  (...bytes: readonly number[]): Signature =>
  (head) =>
    bytes.every((byte, i) => head[i] === byte)
const ascii =
  (text: string, at = 0): Signature =>
  (head) =>
    [...text].every((c, i) => head[at + i] === c.charCodeAt(0))
const riff =
  (kind: string): Signature =>
  (head) =>
    ascii('RIFF')(head) && ascii(kind, 8)(head)
/** A frame of MPEG audio: eleven bits of sync, no reserved version or layer. */
const mpegFrame: Signature = ([first = 0, second = 0]) =>
  first === 0xff && second >= 0xe0 && (second & 0x18) !== 0x08 && (second & 0x06) !== 0

/** How a file begins, by its extension; the others are UTF-8 without zero bytes. MediaTypes.sol has the same. */
const signatures: Readonly<Record<string, Signature>> = {
  pdf: ascii('%PDF-'),
  docx: starts(0x50, 0x4b, 0x03, 0x04),
  png: starts(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
  jpg: starts(0xff, 0xd8, 0xff),
  jpeg: starts(0xff, 0xd8, 0xff),
  webp: riff('WEBP'),
  tiff: (head) => starts(0x49, 0x49, 0x2a, 0x00)(head) || starts(0x4d, 0x4d, 0x00, 0x2a)(head),
  bmp: ascii('BM'),
  wav: riff('WAVE'),
  mp3: (head) => ascii('ID3')(head) || mpegFrame(head),
  flac: ascii('fLaC'),
  parquet: ascii('PAR1'),
}

/** Whether content that begins with this chunk is of the type: what a challenge proves on chain. */
export function isOfType(type: MediaType, firstChunk: Uint8Array): boolean {
  if (extensions[type].some((extension) => signatures[extension]?.(firstChunk) === true)) return true
  const hasPlainFiles = extensions[type].some((extension) => signatures[extension] === undefined)
  return hasPlainFiles && isPlain(firstChunk)
}

/**
 * The bytes that are contributed for a file: a plain text in its canonical form, any other file as it is. Throws ContentRefused
 * `TYPE_MISMATCH` where the name or the bytes are not of the Datanet's type, `NOT_UTF8`.
 */
export function contributionOfFile(type: MediaType, name: string, bytes: Uint8Array): Uint8Array {
  const extension = /\.([A-Za-z0-9]+)$/.exec(name)?.[1]?.toLowerCase()
  if (extension === undefined || !extensions[type].includes(extension)) {
    const known = extensions[type].map((each) => `.${each}`).join(' ')
    throw new ContentRefused('TYPE_MISMATCH', `${name} is no file of a Datanet of type ${type}: ${known}`)
  }
  const signature = signatures[extension]
  if (signature === undefined) {
    if (!isPlain(bytes.subarray(0, contentChunkBytes))) {
      throw new ContentRefused('TYPE_MISMATCH', `${name} does not begin as .${extension} does: it is no UTF-8 text`)
    }
    return canonicalText(bytes)
  }
  if (!signature(bytes)) throw new ContentRefused('TYPE_MISMATCH', `${name} does not begin as .${extension} does`)
  return bytes
}

/** UTF-8 without zero bytes; a chunk that is full may end within a character. */
function isPlain(chunk: Uint8Array): boolean {
  if (chunk.includes(0)) return false
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(chunk, { stream: chunk.length === contentChunkBytes })
    return true
  } catch {
    return false
  }
}
