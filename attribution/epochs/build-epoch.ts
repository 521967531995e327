import { bytesToHex } from '../../protocol/bytes.ts'
import { contentChunkBytes, contentHash } from '../../protocol/content-hash.ts'
import type { EpochHeader } from '../../protocol/payout-epoch.ts'
import { epochCredits, sortCredits } from './epoch-credits.ts'
import { type EpochFile, encodeEpochFile } from './epoch-file.ts'
import { epochPayouts } from './epoch-payouts.ts'
import { creditBytes, creditTree, payoutBytes, payoutTree, u128At, viewOf } from './epoch-rows.ts'
import { EpochError, type EpochProgress, type EpochTask } from './epoch-task.ts'
import type { RowTree } from './row-tree.ts'

export type BuiltEpoch = {
  readonly header: EpochHeader
  /** The encoded file; its content hash is the header's `dataHash`. */
  readonly file: Uint8Array
  readonly credits: RowTree
  readonly payouts: RowTree
}

/**
 * The one epoch that follows from a parent and batches, MONEY §6. Deterministic; blocks its thread for seconds where there are
 * many credits (see `buildEpochInThread`). Throws {@link EpochError}.
 */
export function buildEpoch(task: EpochTask, report: (progress: EpochProgress) => void = () => {}): BuiltEpoch {
  const total = task.batches.length
  const { rows, payable } = epochCredits(task.batches, (done) => report({ step: 'credits', done, total }))
  const begin = (step: EpochProgress['step'], bytes: number, rowBytes: number) =>
    report({ step, done: 0, total: bytes / rowBytes })
  begin('sort', rows.length, creditBytes)
  const credits = sortCredits(rows)
  begin('credit tree', credits.length, creditBytes)
  const creditsTree = creditTree(credits)
  const creditsSum = u128At(viewOf(creditsTree.totals), 0)
  if (creditsSum > payable) throw new EpochError('overpaid', `credits of ${creditsSum} wei from shares of ${payable}`)
  begin('payouts', credits.length, creditBytes)
  const payouts = epochPayouts(task.parent.payouts, credits)
  begin('payout tree', payouts.length, payoutBytes)
  const payoutsTree = payoutTree(payouts)
  const data: EpochFile = {
    epoch: task.epoch,
    parentRoot: task.parent.payoutRoot,
    firstBatch: task.parent.lastBatch + 1n,
    lastBatch: task.lastBatch,
    credits,
    payouts,
  }
  const file = encodeEpochFile(data)
  begin('file', file.length, contentChunkBytes)
  const header: EpochHeader = {
    epoch: data.epoch,
    parentRoot: data.parentRoot,
    firstBatch: data.firstBatch,
    lastBatch: data.lastBatch,
    creditsRoot: bytesToHex(creditsTree.root),
    creditsSum,
    creditsCount: creditsTree.count,
    payoutRoot: bytesToHex(payoutsTree.root),
    payoutSum: u128At(viewOf(payoutsTree.totals), 0),
    payoutCount: payoutsTree.count,
    dataHash: contentHash(file),
    algoHash: task.algoHash,
  }
  return { header, file, credits: creditsTree, payouts: payoutsTree }
}
