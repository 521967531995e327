import { concatBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { type Leaf, leafKey } from './batch-data.ts'
import type { Verdict } from './challenge.ts'
import { viewOf } from './epoch-rows.ts'

/**
 * How leaves are asked for. `seed`: 32 bytes that the watcher keeps to itself, or whoever hides a leaf could tell which is not
 * asked for. `limit`: how many at once.
 */
export type Asking = { readonly seed: Uint8Array; readonly limit: number }

/** A leaf that nobody knows, and the call that asks for it. */
export type Wanted = {
  readonly leaf: Leaf
  /**
   * How near it is to what is wrong, low is near: below 0 a leaf that shows what no other does, else the height of the
   * smallest subtree around it that the root is known to have, as a part of the tree's.
   */
  readonly distance: number
  readonly ask: () => Verdict
}

/** The leaves to ask for now, each once: the nearest first, among equals in an order that only the seed tells. */
export function chosen(wanted: readonly Wanted[], { seed, limit }: Asking): Verdict[] {
  const leaves = new Map(wanted.map((each) => [leafKey(each.leaf), each]))
  return [...leaves.values()]
    .map((each) => ({ ...each, lot: lotOf(seed, each.leaf) }))
    .sort((a, b) => a.distance - b.distance || a.lot - b.lot)
    .slice(0, limit)
    .map(({ ask }) => ask())
}

/** A number that only the seed tells, of 32 bits. */
export function lotOf(seed: Uint8Array, leaf: Leaf): number {
  return viewOf(keccak256(concatBytes(seed, new TextEncoder().encode(leafKey(leaf))))).getUint32(0)
}
