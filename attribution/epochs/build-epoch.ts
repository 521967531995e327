import { bytesToHex } from '../../protocol/bytes.ts'
import { contentChunkBytes, contentHash } from '../../protocol/content-hash.ts'
import type { EpochHeader } from '../../protocol/payout-epoch.ts'
import { type EpochFile, encodeEpochFile } from './epoch-file.ts'
import type { EpochProgress, EpochTask } from './epoch-task.ts'
import { epochTrees, sumOf } from './epoch-trees.ts'
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
 * many credits (see `buildEpochInThread`). Throws EpochError.
 */
export function buildEpoch(task: EpochTask, report: (progress: EpochProgress) => void = () => {}): BuiltEpoch {
  const { credits, payouts } = epochTrees(task, report)
  const data: EpochFile = {
    epoch: task.epoch,
    parentRoot: task.parent.payoutRoot,
    firstBatch: task.parent.lastBatch + 1n,
    lastBatch: task.lastBatch,
    credits: credits.rows,
    payouts: payouts.rows,
  }
  const file = encodeEpochFile(data)
  report({ step: 'file', done: 0, total: Math.ceil(file.length / contentChunkBytes) })
  const header: EpochHeader = {
    epoch: data.epoch,
    parentRoot: data.parentRoot,
    firstBatch: data.firstBatch,
    lastBatch: data.lastBatch,
    creditsRoot: bytesToHex(credits.tree.root),
    creditsSum: sumOf(credits.tree),
    creditsCount: credits.tree.count,
    payoutRoot: bytesToHex(payouts.tree.root),
    payoutSum: sumOf(payouts.tree),
    payoutCount: payouts.tree.count,
    dataHash: contentHash(file),
    algoHash: task.algoHash,
  }
  return { header, file, credits: credits.tree, payouts: payouts.tree }
}
