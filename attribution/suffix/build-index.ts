import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { HeldEntries } from './entries.ts'
import type { IndexRecord } from './index-record.ts'
import { SuffixError } from './suffix-error.ts'
import { type IndexTables, SuffixIndex } from './suffix-index.ts'
import { separator, sortSuffixes } from './suffix-sort.ts'
import { documentTable, offsetTable, type Table, uintTable } from './table.ts'
import { TableTree } from './table-tree.ts'
import type { Text } from './text.ts'

/** What an index is of. */
export type IndexSubject = {
  readonly datanet: bigint
  readonly version: number
  readonly tokenizerHash: Hex
  /** Bytes of each token. */
  readonly tokenLengths: Uint32Array
}

/** Suffixes between two samples of an index in memory. */
export const heldStride = 32

/** Sorts, counts and hashes a text. Throws {@link SuffixError} `size` for one without tokens. */
export function buildIndex(text: Text, subject: IndexSubject): SuffixIndex {
  return indexOf(text, sortSuffixes(text.tokens, text.vocab), subject)
}

/** The index of a text whose suffixes are sorted. */
export function indexOf(text: Text, suffixes: Uint32Array, subject: IndexSubject): SuffixIndex {
  const { starts, contribIds } = text
  const unigrams = new Uint32Array(text.vocab)
  for (const token of text.tokens) if (token !== separator) (unigrams[token] as number)++
  const tables = {
    ...{ starts, contribIds, unigrams },
    tokens: new HeldEntries(text.tokens),
    suffixes: new HeldEntries(suffixes),
  }
  const hashed = { tokens: uintTable(text.tokens), suffixes: uintTable(suffixes) }
  return new SuffixIndex(recordOf(tables, hashed, subject), tables, heldStride)
}

/** Roots of all tables; `hashed`: the long ones as they are hashed. */
export function recordOf(
  tables: IndexTables,
  hashed: { readonly tokens: Table; readonly suffixes: Table },
  { datanet, version, tokenizerHash, tokenLengths }: IndexSubject,
): IndexRecord {
  const [n, documents, vocab] = [tables.tokens.length, tables.starts.length, tables.unigrams.length]
  if (documents === 0 || documents >= n) throw new SuffixError('size', `${documents} documents without a token`)
  if (tokenLengths.length !== vocab) throw new SuffixError('size', `${tokenLengths.length} lengths of ${vocab} tokens`)
  const root = (table: Table) => bytesToHex(new TableTree(table).root)
  return {
    ...{ datanet, version, tokenizerHash, vocab, n, documents },
    tokenRoot: root(hashed.tokens),
    suffixRoot: root(hashed.suffixes),
    documentRoot: root(documentTable(tables.starts, tables.contribIds)),
    unigramRoot: root(uintTable(tables.unigrams)),
    offsetRoot: root(offsetsOf(tables, tokenLengths)),
  }
}

/** The table of offsets, which no index keeps. */
export function offsetsOf({ tokens, starts }: IndexTables, tokenLengths: Uint32Array): Table {
  let document = 0
  const documentStart = (position: number): number => {
    if ((starts[document] as number) > position) document = 0
    while (document + 1 < starts.length && (starts[document + 1] as number) <= position) document++
    return starts[document] as number
  }
  return offsetTable({ n: tokens.length, token: (p) => tokens.at(p), documentStart }, tokenLengths)
}
