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
 * Leaves asked for at once. Answers of a round are due a sixteenth of the window later, so that five rounds fit its first third:
 * enough for a million leaves, whoever answers at the last moment.
 */
export const leavesPerRound = 64

/** Leaves `from` to below `to`. */
type Range = { readonly from: number; readonly to: number }

/**
 * The leaves to ask for next, of a tree of `count` leaves of which only `served` are known, the last among them; by their number
 * ascending, each a canonical row, no two neighbours out of order. None where nothing is left to find. The first one alone would do;
 * the others narrow the search by as much as five more rounds would.
 *
 * Where ranks run away from the leaves' numbers and back, something between is invalid or out of order: there is asked. Else,
 * with as many leaves as the canonical tree, a sibling that differs from the canonical one shows where to look.
 */
export function nextLeaves(count: number, served: readonly RankedLeaf[], canonical: RowTree): number[] {
  const ends = [{ index: -1, rank: -1 }, ...served, { index: count, rank: canonical.count }]
  for (const [i, { index, rank }] of ends.slice(1).entries()) {
    const before = ends[i] ?? { index: -1, rank: -1 }
    const runsBack = rank - index < before.rank - before.index
    if (runsBack && index - before.index > 1) return middles({ from: before.index + 1, to: index })
  }
  if (count !== canonical.count) return middles(widestGap(ends))
  const differing = differingRange(count, served, canonical)
  return differing === undefined ? [] : firsts(differing)
}

/** The leaves to begin with: the last, which shows what the padding holds, and others at equal distances. */
export function firstLeaves(count: number): number[] {
  return [...new Set([count - 1, ...firsts({ from: 0, to: count })])].slice(0, leavesPerRound)
}

/** The smallest known subtree that is not the canonical one. */
function differingRange(count: number, served: readonly RankedLeaf[], canonical: RowTree): Range | undefined {
  const shown = new Set(served.map(({ index }) => index))
  let best: { readonly height: number; readonly range: Range } | undefined
  for (const { index, siblings } of served) {
    for (const [height, row] of siblings.entries()) {
      const place = Math.floor(index / 2 ** height)
      const sibling = isLeft(index, height) ? place + 1 : place - 1
      const from = sibling * 2 ** height
      const differs = from < count && !equalBytes(row, canonical.row(height, sibling))
      if (!differs || shown.has(from) || height >= (best?.height ?? Number.POSITIVE_INFINITY)) continue
      best = { height, range: { from, to: Math.min(from + 2 ** height, count) } }
    }
  }
  return best?.range
}

/** The most leaves in a row that nobody has seen. */
function widestGap(ends: readonly { readonly index: number }[]): Range {
  let best: Range = { from: 0, to: 0 }
  for (const [i, { index }] of ends.slice(1).entries()) {
    const from = (ends[i]?.index ?? -1) + 1
    if (index - from > best.to - best.from) best = { from, to: index }
  }
  return best
}

/** The first leaf of each of equal parts: of a subtree, the siblings of these show which part differs. */
function firsts({ from, to }: Range): number[] {
  const part = Math.max(2 ** Math.ceil(Math.log2((to - from) / leavesPerRound)), 1)
  return Array.from({ length: Math.ceil((to - from) / part) }, (_, i) => from + i * part)
}

/** Leaves at equal distances, the one in the middle first. */
function middles({ from, to }: Range): number[] {
  if (to <= from) return []
  const middle = Math.floor((from + to - 1) / 2)
  const parts = Math.min(leavesPerRound, to - from)
  const spread = Array.from({ length: parts }, (_, i) => from + Math.floor(((i + 0.5) * (to - from)) / parts))
  return [...new Set([middle, ...spread])].slice(0, leavesPerRound)
}

/** True where the leaf's ancestor at this height is a left child. */
function isLeft(index: number, height: number): boolean {
  return Math.floor(index / 2 ** height) % 2 === 0
}
