import type { L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { maxSequencerDrift } from '../derive/max-sequencer-drift.ts'
import { DriverError } from '../driver/driver-error.ts'

/**
 * The L1 origin of the block after `head`: the next L1 block as soon as its time allows, else the present one.
 * Throws DriverError `reset` where the head's origin is no longer on L1's chain, `temporary` where the drift is used up
 * and the next L1 block is not known. Spec: op-node's L1OriginSelector.
 */
export async function selectL1Origin(
  config: RollupConfig,
  head: L2BlockRef,
  l1: {
    /** Undefined above the confirmation depth. */
    readonly blockRefByNumber: (number: bigint) => Promise<L1BlockRef | undefined>
    readonly blockInfoByHash: (hash: Hex) => Promise<L1BlockRef>
  },
): Promise<L1BlockRef> {
  const current = await l1.blockInfoByHash(head.l1Origin.hash)
  const time = head.timestamp + config.blockTime
  const mayRepeat = time <= current.timestamp + maxSequencerDrift(config, current.timestamp)
  const next = await l1.blockRefByNumber(current.number + 1n).catch((error: unknown) => {
    // An L1 that does not answer now must not stop a chain that does not need its next block yet.
    if (mayRepeat) return undefined
    throw error
  })
  if (next !== undefined && next.parentHash !== current.hash) {
    throw new DriverError(
      'reset',
      `L1 block ${next.number} no longer follows ${current.hash}, the unsafe head's origin`,
    )
  }
  if (next === undefined) {
    if (mayRepeat) return current
    throw new DriverError('temporary', `L1 block ${current.number + 1n} is needed: the sequencer drift is used up`)
  }
  return time >= next.timestamp ? next : current
}
