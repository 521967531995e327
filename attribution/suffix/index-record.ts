import { bytesToBigint, bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { SuffixError } from './suffix-error.ts'
import { vocabMax } from './text.ts'

/** Bytes of a record. */
export const indexRecordBytes = 216

/** What is published of an index. docs/ATTRIBUTION.md §2. */
export type IndexRecord = {
  readonly datanet: bigint
  readonly version: number
  readonly tokenizerHash: Hex
  readonly vocab: number
  /** Entries of the text, separators included. */
  readonly n: number
  readonly documents: number
  readonly tokenRoot: Hex
  readonly suffixRoot: Hex
  readonly documentRoot: Hex
  readonly unigramRoot: Hex
  readonly offsetRoot: Hex
}

export function encodeIndexRecord(record: IndexRecord): Uint8Array {
  return concatBytes(
    uintBytes(record.datanet, 8),
    uintBytes(record.version, 4),
    hexToBytes(record.tokenizerHash),
    uintBytes(record.vocab, 4),
    uintBytes(record.n, 4),
    uintBytes(record.documents, 4),
    ...roots.map((root) => hexToBytes(record[root])),
  )
}

/** Throws {@link SuffixError} `format` for another length, `size` for sizes that no index has. */
export function decodeIndexRecord(bytes: Uint8Array): IndexRecord {
  if (bytes.length !== indexRecordBytes) throw new SuffixError('format', `an index record of ${bytes.length} bytes`)
  const uint = (at: number, size: number) => bytesToBigint(bytes.subarray(at, at + size))
  const word = (at: number) => bytesToHex(bytes.subarray(at, at + 32))
  const record = {
    datanet: uint(0, 8),
    version: Number(uint(8, 4)),
    tokenizerHash: word(12),
    vocab: Number(uint(44, 4)),
    n: Number(uint(48, 4)),
    documents: Number(uint(52, 4)),
    tokenRoot: word(56),
    suffixRoot: word(88),
    documentRoot: word(120),
    unigramRoot: word(152),
    offsetRoot: word(184),
  }
  const { vocab, n, documents } = record
  if (documents < 1 || documents >= n || vocab < 1 || vocab > vocabMax) {
    throw new SuffixError('size', `an index of ${n} entries, ${documents} documents, ${vocab} tokens`)
  }
  return record
}

const roots = ['tokenRoot', 'suffixRoot', 'documentRoot', 'unigramRoot', 'offsetRoot'] as const

export function indexId(record: IndexRecord): Hex {
  return bytesToHex(keccak256(concatBytes(idPrefix, encodeIndexRecord(record))))
}

const idPrefix = Uint8Array.of(0x0a)
