import { epochCredits, sortCredits } from './epoch-credits.ts'
import { epochPayouts } from './epoch-payouts.ts'
import { creditBytes, creditTree, payoutBytes, payoutTree, u128At, viewOf } from './epoch-rows.ts'
import type { EpochProgress, EpochTask } from './epoch-task.ts'
import type { RowTree } from './row-tree.ts'

/** Rows of credits or payouts with the tree over them. */
export type Rows = { readonly rows: Uint8Array; readonly tree: RowTree }
export type EpochTrees = { readonly credits: Rows; readonly payouts: Rows }

/** The credits and payouts that follow from a parent and batches, MONEY §6. Throws {@link EpochError}. */
export function epochTrees(task: EpochTask, report: (progress: EpochProgress) => void = () => {}): EpochTrees {
  const total = task.batches.length
  const unsorted = epochCredits(task.batches, (done) => report({ step: 'credits', done, total }))
  const begin = (step: EpochProgress['step'], rows: Uint8Array, rowBytes: number) =>
    report({ step, done: 0, total: rows.length / rowBytes })
  begin('sort', unsorted, creditBytes)
  const credits = sortCredits(unsorted)
  begin('credit tree', credits, creditBytes)
  const creditsTree = creditTree(credits)
  begin('payouts', credits, creditBytes)
  const payouts = epochPayouts(task.parent.payouts, credits)
  begin('payout tree', payouts, payoutBytes)
  return { credits: { rows: credits, tree: creditsTree }, payouts: { rows: payouts, tree: payoutTree(payouts) } }
}

/** wei of all leaves. */
export function sumOf(tree: RowTree): bigint {
  return u128At(viewOf(tree.totals), 0)
}
