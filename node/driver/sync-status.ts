import type { BlockId, L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'

/** All heads at one moment. Spec: op-node's `optimism_syncStatus`. An L1 head not yet seen is absent. */
export type SyncStatus = {
  /** The L1 block that derivation reads. */
  readonly currentL1: L1BlockRef | undefined
  readonly headL1: L1BlockRef | undefined
  readonly safeL1: L1BlockRef | undefined
  readonly finalizedL1: L1BlockRef | undefined
  readonly unsafeL2: L2BlockRef
  readonly crossUnsafeL2: L2BlockRef
  /** Derived, but its span batch is not complete. */
  readonly pendingSafeL2: L2BlockRef
  readonly localSafeL2: L2BlockRef
  readonly safeL2: L2BlockRef
  readonly finalizedL2: L2BlockRef
}

/** As `optimism_syncStatus` answers it: numbers are JSON numbers, an absent L1 block is all zeros. */
export function syncStatusJson(status: SyncStatus): Record<string, unknown> {
  return {
    current_l1: l1RefJson(status.currentL1),
    current_l1_finalized: l1RefJson(status.finalizedL1),
    head_l1: l1RefJson(status.headL1),
    safe_l1: l1RefJson(status.safeL1),
    finalized_l1: l1RefJson(status.finalizedL1),
    unsafe_l2: l2RefJson(status.unsafeL2),
    safe_l2: l2RefJson(status.safeL2),
    finalized_l2: l2RefJson(status.finalizedL2),
    pending_safe_l2: l2RefJson(status.pendingSafeL2),
    cross_unsafe_l2: l2RefJson(status.crossUnsafeL2),
    local_safe_l2: l2RefJson(status.localSafeL2),
  }
}

export function l2RefJson(ref: L2BlockRef): Record<string, unknown> {
  return {
    hash: ref.hash,
    number: Number(ref.number),
    parentHash: ref.parentHash,
    timestamp: Number(ref.timestamp),
    l1origin: blockIdJson(ref.l1Origin),
    sequenceNumber: Number(ref.sequenceNumber),
  }
}

export function blockIdJson(id: BlockId): Record<string, unknown> {
  return { hash: id.hash, number: Number(id.number) }
}

function l1RefJson(ref: L1BlockRef | undefined): Record<string, unknown> {
  return {
    hash: ref?.hash ?? zeroHash,
    number: Number(ref?.number ?? 0n),
    parentHash: ref?.parentHash ?? zeroHash,
    timestamp: Number(ref?.timestamp ?? 0n),
  }
}

const zeroHash = `0x${'00'.repeat(32)}`
