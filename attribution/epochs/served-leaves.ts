import { equalBytes } from '../../protocol/bytes.ts'
import { u128At, viewOf } from './epoch-rows.ts'
import type { Padding, RowTree } from './row-tree.ts'

/** A leaf that a proposer showed on chain, which verified it: its row as a file has it, its siblings from the leaf upwards. */
export type ServedLeaf = { readonly index: number; readonly row: Uint8Array; readonly siblings: readonly Uint8Array[] }

/** What stands in the padding behind the last of `count` leaves; undefined until that leaf was shown. */
export function paddingOf(count: number, served: readonly ServedLeaf[]): Padding | undefined {
  const last = served.find(({ index }) => index === count - 1)
  return last?.siblings.map((row, height) => (isLeft(last.index, height) ? row : undefined))
}

/** wei that hide there. */
export function paddingSum(padding: Padding): bigint {
  return padding.reduce((sum, row) => sum + (row === undefined ? 0n : u128At(viewOf(row), 32)), 0n)
}

/** A served leaf and where its row stands among the canonical ones. */
type RankedLeaf = ServedLeaf & { readonly rank: number }

/**
 * The leaf to ask for next, of a tree of `count` leaves of which only `served` are known, the last among them; by their number
 * ascending, each a canonical row, no two neighbours out of order. Undefined where nothing is left to find.
 *
 * Where ranks run away from the leaves' numbers and back, something between is invalid or out of order: the middle is asked
 * for. Else, with as many leaves as the canonical tree, a sibling that differs from the canonical one shows where to look.
 */
export function nextLeaf(count: number, served: readonly RankedLeaf[], canonical: RowTree): number | undefined {
  const ends = [{ index: -1, rank: -1 }, ...served, { index: count, rank: canonical.count }]
  for (const [i, { index, rank }] of ends.slice(1).entries()) {
    const before = ends[i] ?? { index: -1, rank: -1 }
    const runsBack = rank - index < before.rank - before.index
    if (runsBack && index - before.index > 1) return Math.floor((index + before.index) / 2)
  }
  return count === canonical.count ? differingLeaf(count, served, canonical) : widestGap(ends)
}

/** The first leaf of the smallest known subtree that is not the canonical one. */
function differingLeaf(count: number, served: readonly RankedLeaf[], canonical: RowTree): number | undefined {
  const shown = new Set(served.map(({ index }) => index))
  let best: { readonly height: number; readonly leaf: number } | undefined
  for (const { index, siblings } of served) {
    for (const [height, row] of siblings.entries()) {
      const place = Math.floor(index / 2 ** height)
      const sibling = isLeft(index, height) ? place + 1 : place - 1
      const leaf = sibling * 2 ** height
      const differs = leaf < count && !equalBytes(row, canonical.row(height, sibling))
      if (differs && !shown.has(leaf) && height < (best?.height ?? Number.POSITIVE_INFINITY)) best = { height, leaf }
    }
  }
  return best?.leaf
}

/** The middle of the most leaves in a row that nobody has seen. */
function widestGap(ends: readonly { readonly index: number }[]): number | undefined {
  let best = { from: 0, leaves: 0 }
  for (const [i, { index }] of ends.slice(1).entries()) {
    const from = (ends[i]?.index ?? -1) + 1
    if (index - from > best.leaves) best = { from, leaves: index - from }
  }
  return best.leaves === 0 ? undefined : best.from + Math.floor(best.leaves / 2)
}

/** True where the leaf's ancestor at this height is a left child. */
function isLeft(index: number, height: number): boolean {
  return Math.floor(index / 2 ** height) % 2 === 0
}
