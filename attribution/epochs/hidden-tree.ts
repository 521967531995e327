import type { Verdict } from './challenge.ts'
import type { Padding, RowTree } from './row-tree.ts'
import { firstLeaves, nextLeaves, paddingSum, type ServedLeaf } from './served-leaves.ts'

/** A tree whose leaves are not published, and how it is judged. */
export type HiddenTree = {
  readonly count: number
  /** By their number ascending. */
  readonly served: readonly ServedLeaf[]
  /** Undefined until the last leaf was shown. */
  readonly padding: Padding | undefined
  /** The tree that should be under the root, with this padding. */
  readonly canonical: (padding: Padding) => RowTree
  /** Where a row stands, or would, among the canonical ones. */
  readonly rankOf: (row: Uint8Array) => number
  readonly ask: (...indexes: readonly number[]) => Verdict
  /** The challenge that rows hide behind the last leaf. */
  readonly badTotal: (last: ServedLeaf) => Verdict
  /** What is wrong with the served leaves by themselves or beside each other. */
  readonly fault: () => Verdict | undefined
}

/** What to do about a tree of which only some leaves were shown; undefined where no difference is left to find. */
export function checkHiddenTree(tree: HiddenTree): Verdict | undefined {
  const { count, served, padding } = tree
  const last = served.at(-1)
  if (padding === undefined || last === undefined) return tree.ask(...firstLeaves(count))
  if (paddingSum(padding) > 0n) return tree.badTotal(last)
  const fault = tree.fault()
  if (fault !== undefined) return fault
  const ranked = served.map((leaf) => ({ ...leaf, rank: tree.rankOf(leaf.row) }))
  const next = nextLeaves(count, ranked, tree.canonical(padding))
  return next.length === 0 ? undefined : tree.ask(...next)
}
