import { type AttributionEntry, entryPools, poolOf } from '../../protocol/attribution-entry.ts'
import { entryTree, siblingsOf } from './money-batch.ts'

/** `OpenedEntry` of a challenge. */
export function openedEntry(entries: readonly AttributionEntry[], index: number) {
  const entry = entries[index] as AttributionEntry
  const pool = poolOf(entry.class)
  const sums = entryPools.map((each) => (each === pool ? BigInt(entry.weight) : 0n))
  return { n: entries.length, entry: { index, ...entry }, sums, siblings: siblingsOf(entryTree(entries), index) }
}
