import type { L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { SingularBatch } from '../../protocol/singular-batch.ts'

/**
 * What happens when no batch fits the next block: `wait`; an empty batch once the sequencing window is over; or
 * `next-epoch`, where the epoch's blocks are complete. Spec: protocol/derivation.md, "Batch Queue", empty batches.
 */
export function emptyBatch(
  config: RollupConfig,
  state: {
    readonly l1Blocks: readonly L1BlockRef[]
    readonly safeHead: L2BlockRef
    readonly origin: L1BlockRef
    readonly isOutOfData: boolean
  },
): SingularBatch | 'wait' | 'next-epoch' {
  const { l1Blocks, safeHead, origin, isOutOfData } = state
  const [epoch, nextL1] = l1Blocks
  if (epoch === undefined || nextL1 === undefined) return 'wait'
  const expiry = epoch.number + config.seqWindowSize
  const isForced = (expiry === origin.number && isOutOfData) || expiry < origin.number
  if (!isForced) return 'wait'
  const timestamp = safeHead.timestamp + config.blockTime
  // Every epoch gets at least one block.
  const isFirstOfEpoch = epoch.number === safeHead.l1Origin.number + 1n
  if (timestamp >= nextL1.timestamp && !isFirstOfEpoch) return 'next-epoch'
  return {
    kind: 'singular',
    parentHash: safeHead.hash,
    epochNum: epoch.number,
    epochHash: epoch.hash,
    timestamp,
    transactions: [],
  }
}
