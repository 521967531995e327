import { closeSync, fstatSync, openSync } from 'node:fs'
import { concatBytes, equalBytes } from '../../protocol/bytes.ts'
import { heldStride, recordOf } from './build-index.ts'
import { HeldEntries } from './entries.ts'
import { decodeIndexRecord, encodeIndexRecord, type IndexRecord, indexRecordBytes } from './index-record.ts'
import { PagedEntries, readFully } from './paged-entries.ts'
import { SuffixError } from './suffix-error.ts'
import { type IndexTables, SuffixIndex } from './suffix-index.ts'
import { documentTable, entriesTable, type Table } from './table.ts'

/** Magic and version. */
export const indexMagic = concatBytes(new TextEncoder().encode('OLINDEX'), Uint8Array.of(1))
/** Bytes before the tables. */
export const indexHeadBytes = indexMagic.length + indexRecordBytes

/** Where the tables of an index file begin, and where it ends. */
export function fileSections({ n, documents, vocab }: Pick<IndexRecord, 'n' | 'documents' | 'vocab'>) {
  const tokens = indexHeadBytes
  const suffixes = tokens + 4 * n
  const documentRows = suffixes + 4 * n
  const unigrams = documentRows + 12 * documents
  return { tokens, suffixes, documents: documentRows, unigrams, end: unigrams + 4 * vocab }
}

/** Magic and record. */
export function encodeIndexHead(record: IndexRecord): Uint8Array {
  return concatBytes(indexMagic, encodeIndexRecord(record))
}

/** The file of an index. docs/ATTRIBUTION.md §2. */
export function encodeIndexFile({ record, tables }: SuffixIndex): Uint8Array {
  const whole = (table: Table) => table.read(0, table.entries)
  return concatBytes(
    encodeIndexHead(record),
    whole(entriesTable(tables.tokens)),
    whole(entriesTable(tables.suffixes)),
    whole(documentTable(tables.starts, tables.contribIds)),
    whole(entriesTable(new HeldEntries(tables.unigrams))),
  )
}

/** An index from its file's bytes, in memory. Throws {@link SuffixError} `format` or `size`. */
export function decodeIndexFile(bytes: Uint8Array): SuffixIndex {
  const record = decodeHead(bytes, bytes.length)
  const at = fileSections(record)
  const uints = (from: number, to: number) => {
    const values = new Uint32Array((to - from) / 4)
    const copy = Buffer.from(values.buffer)
    copy.set(bytes.subarray(from, to))
    copy.swap32()
    return values
  }
  const tables = {
    tokens: new HeldEntries(uints(at.tokens, at.suffixes)),
    suffixes: new HeldEntries(uints(at.suffixes, at.documents)),
    ...documentsOf(bytes.subarray(at.documents, at.unigrams)),
    unigrams: uints(at.unigrams, at.end),
  }
  checkPositions(record, tables)
  return new SuffixIndex(record, tables, heldStride)
}

/** An index on disk: documents and unigrams are held, of the long tables `cacheBytes` each. */
export class IndexFile {
  readonly index: SuffixIndex
  readonly #fd: number

  private constructor(fd: number, index: SuffixIndex) {
    this.#fd = fd
    this.index = index
  }

  /** Throws {@link SuffixError} `format` or `size`, and what the file system throws. */
  static open(path: string, cacheBytes = cacheBytesDefault): IndexFile {
    const fd = openSync(path, 'r')
    try {
      return new IndexFile(fd, indexOnDisk(fd, cacheBytes))
    } catch (error) {
      closeSync(fd)
      throw error
    }
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** Of tokens and of suffixes each: what queries touch often. */
const cacheBytesDefault = 2 ** 26
/** Suffixes between two samples: a page. */
const diskStride = 256

function indexOnDisk(fd: number, cacheBytes: number): SuffixIndex {
  const { size } = fstatSync(fd)
  const read = (from: number, to: number) => {
    const bytes = Buffer.alloc(to - from)
    readFully(fd, bytes, from)
    return bytes
  }
  const record = decodeHead(read(0, Math.min(size, indexHeadBytes)), size)
  const at = fileSections(record)
  const unigrams = read(at.unigrams, at.end)
  const tables = {
    tokens: new PagedEntries(fd, at.tokens, record.n, cacheBytes),
    suffixes: new PagedEntries(fd, at.suffixes, record.n, cacheBytes),
    ...documentsOf(read(at.documents, at.unigrams)),
    unigrams: Uint32Array.from({ length: record.vocab }, (_, t) => unigrams.readUInt32BE(4 * t)),
  }
  checkPositions(record, tables)
  return new SuffixIndex(record, tables, diskStride)
}

/**
 * Hashes all tables anew. Throws {@link SuffixError} `root` where they do not lead to the record: then they are not what was
 * published, whatever the file says.
 */
export function checkIndexRoots({ record, tables }: SuffixIndex, tokenLengths: Uint32Array): void {
  const hashed = { tokens: entriesTable(tables.tokens), suffixes: entriesTable(tables.suffixes) }
  const actual = recordOf(tables, hashed, { ...record, tokenLengths })
  if (!equalBytes(encodeIndexRecord(actual), encodeIndexRecord(record))) {
    throw new SuffixError('root', 'the tables of the index do not lead to its record')
  }
}

/** The record of an index file; its tables are not read. Throws {@link SuffixError} `format` or `size`. */
export function readIndexRecord(path: string): IndexRecord {
  const fd = openSync(path, 'r')
  try {
    const { size } = fstatSync(fd)
    const head = Buffer.alloc(Math.min(size, indexHeadBytes))
    readFully(fd, head, 0)
    return decodeHead(head, size)
  } finally {
    closeSync(fd)
  }
}

function decodeHead(bytes: Uint8Array, size: number): IndexRecord {
  if (!equalBytes(bytes.subarray(0, indexMagic.length), indexMagic)) throw new SuffixError('format', 'no index file')
  const record = decodeIndexRecord(bytes.subarray(indexMagic.length, indexHeadBytes))
  const { end } = fileSections(record)
  if (size !== end) throw new SuffixError('format', `an index file of ${size} bytes, not ${end}`)
  return record
}

function documentsOf(rows: Uint8Array): Pick<IndexTables, 'starts' | 'contribIds'> {
  const view = Buffer.from(rows.buffer, rows.byteOffset, rows.length)
  const count = rows.length / 12
  return {
    starts: Uint32Array.from({ length: count }, (_, d) => view.readUInt32BE(12 * d)),
    contribIds: BigUint64Array.from({ length: count }, (_, d) => view.readBigUInt64BE(12 * d + 4)),
  }
}

/** What no search could stand: a text that does not end, documents out of order. Deeper lies are for challenges. */
function checkPositions({ n }: IndexRecord, { tokens, starts }: IndexTables): void {
  const inOrder = starts.every((start, d) => (d === 0 ? start === 0 : start > (starts[d - 1] as number) && start < n))
  if (!inOrder || tokens.at(n - 1) !== 0xffff_ffff)
    throw new SuffixError('format', 'an index whose documents are not in order')
}
