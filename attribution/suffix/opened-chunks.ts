import { bytesToBigint, type Hex } from '../../protocol/bytes.ts'
import { verifyChunk } from '../../protocol/content-hash.ts'
import type { IndexRecord } from './index-record.ts'
import { SuffixError } from './suffix-error.ts'
import { chunkEntries } from './table.ts'

/** Chunks of an index's tables that were opened and lead to its roots: `around` of docs/ATTRIBUTION.md §6. */
export class OpenedChunks {
  readonly #record: IndexRecord
  readonly #tokens: ReadonlyMap<number, Uint8Array>
  readonly #suffixes: ReadonlyMap<number, Uint8Array>
  readonly #documents: ReadonlyMap<number, Uint8Array>

  /** Throws {@link SuffixError} `format` or `root`. */
  constructor(record: IndexRecord, around: Uint8Array) {
    this.#record = record
    if (around.length < 6) throw new SuffixError('format', 'openings are cut off')
    const count = (at: number) => Number(bytesToBigint(around.subarray(at, at + 2)))
    const { n, documents } = record
    let at = 6
    const open = (root: Hex, entries: number, width: number, chunks: number) => {
      const opened = openTable(root, entries, width, around, at, chunks)
      at = opened.end
      return opened.chunks
    }
    this.#tokens = open(record.tokenRoot, n, 4, count(0))
    this.#suffixes = open(record.suffixRoot, n, 4, count(2))
    this.#documents = open(record.documentRoot, documents, 12, count(4))
    if (at !== around.length) throw new SuffixError('format', 'bytes behind the openings')
  }

  /** Throws {@link SuffixError} `unproven` for what was not opened; so do the others. */
  token(position: number): number {
    return Number(bytesToBigint(entryOf(this.#tokens, position, 4)))
  }

  suffix(place: number): number {
    return Number(bytesToBigint(entryOf(this.#suffixes, place, 4)))
  }

  contributionAt(position: number): bigint {
    for (const chunk of this.#documents.keys()) {
      const end = Math.min(this.#record.documents, (chunk + 1) * chunkEntries)
      for (let d = chunk * chunkEntries; d < end; d++) {
        if (this.#start(d) > position) break
        const isLast = d + 1 === this.#record.documents || this.#start(d + 1) > position
        if (isLast) return bytesToBigint(entryOf(this.#documents, d, 12).subarray(4))
      }
    }
    throw new SuffixError('unproven', `the document of position ${position}`)
  }

  #start(document: number): number {
    return Number(bytesToBigint(entryOf(this.#documents, document, 12).subarray(0, 4)))
  }
}

function entryOf(chunks: ReadonlyMap<number, Uint8Array>, place: number, width: number): Uint8Array {
  const chunk = chunks.get(Math.floor(place / chunkEntries))
  const at = width * (place % chunkEntries)
  if (chunk === undefined || at + width > chunk.length)
    throw new SuffixError('unproven', `entry ${place} is not opened`)
  return chunk.subarray(at, at + width)
}

/** So many opened chunks of a table from byte `begin` on, ascending. Throws {@link SuffixError} `format` or `root`. */
export function openTable(
  root: Hex,
  entries: number,
  width: number,
  bytes: Uint8Array,
  begin: number,
  count: number,
): { readonly chunks: Map<number, Uint8Array>; readonly end: number } {
  const leaves = Math.ceil(entries / chunkEntries)
  const depth = Math.ceil(Math.log2(leaves))
  const chunks = new Map<number, Uint8Array>()
  let [at, previous] = [begin, -1]
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length) throw new SuffixError('format', 'openings are cut off')
    const index = Number(bytesToBigint(bytes.subarray(at, at + 4)))
    if (index >= leaves || index <= previous) throw new SuffixError('format', `chunk ${index} behind ${previous}`)
    const path = at + 4 + width * Math.min(chunkEntries, entries - index * chunkEntries)
    const end = path + 32 * depth
    if (end > bytes.length) throw new SuffixError('format', 'openings are cut off')
    const chunk = bytes.subarray(at + 4, path)
    const siblings = Array.from({ length: depth }, (_, height) =>
      bytes.subarray(path + 32 * height, path + 32 * height + 32),
    )
    if (!verifyChunk(root, { index, count: leaves, chunk, siblings })) {
      throw new SuffixError('root', `chunk ${index} does not lead to its root`)
    }
    chunks.set(index, chunk)
    ;[at, previous] = [end, index]
  }
  return { chunks, end: at }
}
