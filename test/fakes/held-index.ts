import { recordOf } from '../../attribution/suffix/build-index.ts'
import { type Entries, HeldEntries } from '../../attribution/suffix/entries.ts'
import { IndexOpener } from '../../attribution/suffix/index-opener.ts'
import type { VersionItem } from '../../attribution/suffix/item-tree.ts'
import { type IndexTables, SuffixIndex } from '../../attribution/suffix/suffix-index.ts'
import { uintTable } from '../../attribution/suffix/table.ts'
import { bytesToHex, type Hex, uintBytes } from '../../protocol/bytes.ts'
import { Random } from './random.ts'
import { randomSet } from './span-receipt.ts'

/** The tables of an index as arrays that may be spoiled. */
export type Held = {
  tokens: Uint32Array
  suffixes: Uint32Array
  starts: Uint32Array
  contribIds: BigUint64Array
  unigrams: Uint32Array
}

/** Tables of a random index, right as they are. */
export function heldOf(seed: number, vocab = 12): Held {
  const [index] = randomSet(new Random(seed), 1, vocab, 6)
  if (index === undefined) throw new Error('no index')
  const { tokens, suffixes, starts, contribIds, unigrams } = index.tables
  const copy = (entries: Entries) => Uint32Array.from({ length: entries.length }, (_, i) => entries.at(i))
  return {
    ...{ tokens: copy(tokens), suffixes: copy(suffixes), starts: starts.slice() },
    ...{ contribIds: contribIds.slice(), unigrams: unigrams.slice() },
  }
}

/** An index of these tables, however wrong, with the roots that they have. */
export function openerOf(held: Held): IndexOpener {
  const tables: IndexTables = {
    ...held,
    tokens: new HeldEntries(held.tokens),
    suffixes: new HeldEntries(held.suffixes),
  }
  const hashed = { tokens: uintTable(held.tokens), suffixes: uintTable(held.suffixes) }
  const tokenLengths = new Uint32Array(held.unigrams.length).fill(1)
  const subject = { datanet: 1n, version: 1, tokenizerHash: `0x${'7e'.repeat(32)}` as Hex, tokenLengths }
  // Offsets are not looked at: a token outside the vocabulary has no length.
  const known = {
    ...tables,
    tokens: new HeldEntries(held.tokens.map((t) => (t < held.unigrams.length ? t : 0xffff_ffff))),
  }
  const record = { ...recordOf(tables, hashed, subject), offsetRoot: recordOf(known, hashed, subject).offsetRoot }
  return new IndexOpener(new SuffixIndex(record, tables, 64))
}

/** The items of a version that the index is of. */
export function itemsOf({ contribIds }: Held): VersionItem[] {
  return [...contribIds].map((contribId) => ({ contribId, contentHash: bytesToHex(uintBytes(contribId + 7n, 32)) }))
}
