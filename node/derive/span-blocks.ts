import type { L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import { FormatError, zeroHash } from '../../protocol/bytes.ts'
import type { SingularBatch } from '../../protocol/singular-batch.ts'
import type { SpanBatch } from '../../protocol/span-batch.ts'

/**
 * The blocks of an accepted span after the safe head, as singular batches. Parent hashes are unknown until each block
 * is built: whoever emits one sets it. Throws {@link FormatError} for an epoch outside the window.
 */
export function singularBatchesAfter(
  batch: SpanBatch,
  safeHead: L2BlockRef,
  l1Blocks: readonly L1BlockRef[],
): SingularBatch[] {
  const singular: SingularBatch[] = []
  let originIndex = 0
  for (const block of batch.blocks) {
    if (block.timestamp <= safeHead.timestamp) continue
    if (block.epochNum < safeHead.l1Origin.number)
      throw new FormatError('a block of the span has an epoch before the safe head')
    while (originIndex < l1Blocks.length && l1Blocks[originIndex]?.number !== block.epochNum) originIndex++
    const origin = l1Blocks[originIndex]
    if (origin === undefined) throw new FormatError(`epoch ${block.epochNum} of the span is outside the window`)
    const { timestamp, transactions, epochNum } = block
    singular.push({ kind: 'singular', parentHash: zeroHash, epochNum, epochHash: origin.hash, timestamp, transactions })
  }
  return singular
}
