import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CodedError, errorMessage } from './errors.ts'

/** Bytes one piece of content may have: the list of the largest batch that the DatanetRegistry accepts. */
export const contentBytesMax = 65 * 1024 * 1024

/** Root of the SHA-256 tree over chunks of `chunkBytes`; `merkleRoot` of protocol/content-hash.ts. */
export type RootOf = (bytes: Uint8Array, chunkBytes: number) => `0x${string}`

/**
 * `corrupt`: a file does not have the hash it is filed under. `too-large`: past {@link contentBytesMax}. `unreadable`:
 * the file is there and cannot be read.
 */
export class ContentError extends CodedError<'corrupt' | 'too-large' | 'unreadable'> {}

/**
 * Content by its hash, a file each in one directory: texts under the root over their 1 KiB chunks, lists of fixed-size
 * records under the root over their records. Nothing is trusted when it is read: the root is computed again.
 */
export class ContentStore {
  readonly #dir: string
  readonly #rootOf: RootOf

  constructor(dir: string, rootOf: RootOf) {
    this.#dir = dir
    this.#rootOf = rootOf
  }

  /** Stores a text or document; returns its content hash. */
  put(bytes: Uint8Array): `0x${string}` {
    return this.putRecords(bytes, contentChunkBytes)
  }

  /** Stores records of `recordBytes` each; returns the root over them. */
  putRecords(bytes: Uint8Array, recordBytes: number): `0x${string}` {
    if (bytes.length > contentBytesMax)
      throw new ContentError('too-large', `content of ${bytes.length} bytes exceeds ${contentBytesMax}`)
    const hash = this.#rootOf(bytes, recordBytes)
    if (!existsSync(this.#file(hash))) this.keep(hash, bytes)
    return hash
  }

  /** Files bytes under their hash, which the caller has computed. What stood there, a damaged file say, is replaced. */
  keep(hash: `0x${string}`, bytes: Uint8Array): void {
    const file = this.#file(hash)
    mkdirSync(dirname(file), { recursive: true })
    // No fsync for each of thousands of texts: a file that a crash cut short fails its hash when it is read.
    writeFileSync(`${file}.new`, bytes)
    renameSync(`${file}.new`, file)
  }

  /** The content, or undefined where it is not here. Throws {@link ContentError} where the file is damaged. */
  get(hash: string): Uint8Array | undefined {
    return this.getRecords(hash, contentChunkBytes)
  }

  /** Records that were stored with {@link putRecords}. */
  getRecords(hash: string, recordBytes: number): Uint8Array | undefined {
    if (!/^0x[0-9a-f]{64}$/.test(hash)) return undefined
    const file = this.#file(hash)
    const bytes = readContent(file)
    if (bytes === undefined) return undefined
    const actual = this.#rootOf(bytes, recordBytes)
    if (actual !== hash) throw new ContentError('corrupt', `${file} holds content of hash ${actual}; remove it`)
    return bytes
  }

  /** Where a content lies and how long it is, unread and unchecked; undefined where it is not here. */
  place(hash: string): { readonly file: string; readonly bytes: number } | undefined {
    if (!/^0x[0-9a-f]{64}$/.test(hash)) return undefined
    const file = this.#file(hash)
    const bytes = statSync(file, { throwIfNoEntry: false })?.size
    return bytes === undefined || bytes > contentBytesMax ? undefined : { file, bytes }
  }

  #file(hash: string): string {
    return join(this.#dir, hash.slice(2, 4), hash.slice(4))
  }
}

/** Chunk of a content hash: 1 KiB, so that a proof opens no more of a text than needed. */
export const contentChunkBytes = 1024

/** The size is looked at first: a file of any length may lie there. */
function readContent(file: string): Uint8Array | undefined {
  try {
    const size = statSync(file, { throwIfNoEntry: false })?.size
    if (size === undefined) return undefined
    if (size > contentBytesMax) throw new ContentError('too-large', `${file} has ${size} bytes; remove it`)
    return new Uint8Array(readFileSync(file))
  } catch (cause) {
    if (cause instanceof ContentError) throw cause
    throw new ContentError('unreadable', `${file} cannot be read: ${errorMessage(cause)}`, { cause })
  }
}
