import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { type IndexSubject, recordOf } from './build-index.ts'
import { encodeIndexHead, fileSections, indexHeadBytes } from './index-file.ts'
import type { IndexRecord } from './index-record.ts'
import { mergeSuffixes, type SuffixCursor } from './merge-suffixes.ts'
import { PagedEntries, readFully } from './paged-entries.ts'
import { SuffixError } from './suffix-error.ts'
import { separator, sortSuffixes } from './suffix-sort.ts'
import { documentTable, type Table } from './table.ts'
import { checkDocument, type TokenDocument, textTokensMax } from './text.ts'

export type FileBuild = {
  readonly path: string
  /** Tokens that are sorted at once, about 17 bytes each; a longer document is sorted by itself. */
  readonly shardTokens: number
  /** Of the text, held while shards are merged: reads beyond it go to the disk. */
  readonly cacheBytes: number
}

/** Where documents of a text that is being built begin. */
export type DocumentStarts = {
  readonly starts: readonly number[]
  readonly contribIds: readonly bigint[]
  readonly n: number
}

/** Writes documents to `<path>.part`, one after the other; {@link finishIndexFile} makes the index of them. */
export class IndexFileText {
  readonly #fd: number
  readonly #vocab: number
  readonly #starts: number[] = []
  readonly #contribIds: bigint[] = []
  #n = 0

  constructor(path: string, vocab: number) {
    this.#fd = openSync(`${path}.part`, 'w')
    this.#vocab = vocab
  }

  /** Throws {@link SuffixError}: `order`, `size`, `token`; then nothing was written. */
  add(document: TokenDocument): void {
    checkDocument(document, this.#contribIds.at(-1) ?? 0n, this.#vocab)
    const { contribId, tokens } = document
    if (this.#n + tokens.length + 1 > textTokensMax)
      throw new SuffixError('size', 'a text of more than 2^32 − 1 tokens')
    const entries = new Uint32Array(tokens.length + 1)
    entries.set(tokens)
    entries[tokens.length] = separator
    writeEntries(this.#fd, entries, indexHeadBytes + 4 * this.#n)
    this.#starts.push(this.#n)
    this.#contribIds.push(contribId)
    this.#n += entries.length
  }

  end(): DocumentStarts {
    closeSync(this.#fd)
    return { starts: this.#starts, contribIds: this.#contribIds, n: this.#n }
  }
}

/** Sorts the text of `<path>.part` shard by shard, merges them on disk, hashes, and gives the file its name. */
export function finishIndexFile(build: FileBuild, text: DocumentStarts, subject: IndexSubject): IndexRecord {
  const part = `${build.path}.part`
  const fd = openSync(part, 'r+')
  try {
    const record = completed(fd, build, text, subject)
    writeSync(fd, encodeIndexHead(record), 0, indexHeadBytes, 0)
    renameSync(part, build.path)
    return record
  } finally {
    closeSync(fd)
    rmSync(part, { force: true })
  }
}

function completed(fd: number, build: FileBuild, text: DocumentStarts, subject: IndexSubject): IndexRecord {
  const { n } = text
  const vocab = subject.tokenLengths.length
  const at = fileSections({ n, documents: text.starts.length, vocab })
  const tokens = new PagedEntries(fd, at.tokens, n, build.cacheBytes)
  const unigrams = new Uint32Array(vocab)
  const shards = shardsOf(text, build.shardTokens)
  const paths = shards.map((_, i) => `${build.path}.shard-${i}`)
  try {
    for (const [i, shard] of shards.entries()) sortShard(fd, shard, paths[i] as string, unigrams)
    mergeShards(fd, at.suffixes, tokens, vocab, paths, shards)
  } finally {
    for (const path of paths) rmSync(path, { force: true })
  }
  const tables = {
    ...{ tokens, unigrams, suffixes: new PagedEntries(fd, at.suffixes, n, 4096) },
    starts: Uint32Array.from(text.starts),
    contribIds: BigUint64Array.from(text.contribIds),
  }
  const documents = documentTable(tables.starts, tables.contribIds)
  writeSync(fd, documents.read(0, documents.entries), 0, 12 * documents.entries, at.documents)
  writeEntries(fd, unigrams.slice(), at.unigrams)
  const hashed = { tokens: fileTable(fd, at.tokens, n), suffixes: fileTable(fd, at.suffixes, n) }
  return recordOf(tables, hashed, subject)
}

type Shard = { readonly start: number; readonly end: number }

/** Whole documents, of about so many tokens together. */
function shardsOf({ starts, n }: DocumentStarts, shardTokens: number): Shard[] {
  const shards: Shard[] = []
  let start = 0
  for (const [d, begins] of starts.entries()) {
    const end = starts[d + 1] ?? n
    if (end - start > shardTokens && begins > start) {
      shards.push({ start, end: begins })
      start = begins
    }
  }
  if (n > start) shards.push({ start, end: n })
  return shards
}

function sortShard(fd: number, { start, end }: Shard, path: string, unigrams: Uint32Array): void {
  const tokens = new Uint32Array(end - start)
  const bytes = Buffer.from(tokens.buffer)
  readFully(fd, bytes, indexHeadBytes + 4 * start)
  bytes.swap32()
  for (const token of tokens) if (token !== separator) (unigrams[token] as number)++
  const suffixes = sortSuffixes(tokens, unigrams.length)
  for (let i = 0; i < suffixes.length; i++) (suffixes[i] as number) += start
  const shard = openSync(path, 'w')
  try {
    writeEntries(shard, suffixes, 0)
  } finally {
    closeSync(shard)
  }
}

function mergeShards(
  fd: number,
  position: number,
  tokens: PagedEntries,
  vocab: number,
  paths: readonly string[],
  shards: readonly Shard[],
): void {
  const files = paths.map((path) => openSync(path, 'r'))
  try {
    const cursors = files.map((file, i) => fileCursor(file, (shards[i] as Shard).end - (shards[i] as Shard).start))
    const block = new Uint32Array(blockEntries)
    let [filled, at] = [0, position]
    const flush = () => {
      writeEntries(fd, block.subarray(0, filled), at)
      at += 4 * filled
      filled = 0
    }
    mergeSuffixes(tokens, vocab, cursors, (suffix) => {
      block[filled++] = suffix
      if (filled === blockEntries) flush()
    })
    flush()
  } finally {
    for (const file of files) closeSync(file)
  }
}

/** Entries that are read or written at once. */
const blockEntries = 2 ** 16

function fileCursor(fd: number, entries: number): SuffixCursor {
  const block = new Uint32Array(blockEntries)
  let [at, end] = [0, 0]
  const refill = () => {
    const bytes = Buffer.from(block.buffer, 0, 4 * Math.min(blockEntries, entries - end))
    readFully(fd, bytes, 4 * end)
    bytes.swap32()
    end += bytes.length / 4
  }
  return {
    next() {
      if (at === entries) return undefined
      if (at === end) refill()
      return block[at++ % blockEntries]
    },
  }
}

/** A table of u32 in a file. */
function fileTable(fd: number, start: number, entries: number): Table {
  return {
    width: 4,
    entries,
    read(from, to) {
      const bytes = Buffer.alloc(4 * (to - from))
      readFully(fd, bytes, start + 4 * from)
      return bytes
    },
  }
}

/** Writes entries big-endian; their own bytes are turned over. */
function writeEntries(fd: number, entries: Uint32Array, position: number): void {
  const bytes = Buffer.from(entries.buffer, entries.byteOffset, entries.byteLength).swap32()
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, position + done)
}
