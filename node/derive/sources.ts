import type { L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../protocol/engine-api.ts'
import type { IndexedBlobHash, L1BlockInfo, L1BlockReceipts, L1Transaction } from '../../protocol/l1-block.ts'
import type { SystemConfig } from '../../protocol/system-config.ts'

/**
 * L1 as derivation reads it; everything is checked against the block's hash. An error whose `code` is `missing` means
 * that L1 no longer has the block; any other error is worth a retry.
 */
export type L1Chain = {
  /** Undefined above the head. */
  readonly blockRefByNumber: (number: bigint) => Promise<L1BlockRef | undefined>
  readonly blockInfoByHash: (hash: Hex) => Promise<L1BlockInfo>
  readonly receipts: (hash: Hex) => Promise<L1BlockReceipts>
  readonly transactions: (hash: Hex) => Promise<readonly L1Transaction[]>
  /** In the order asked for, 131,072 bytes each. */
  readonly blobs: (ref: L1BlockRef, hashes: readonly IndexedBlobHash[]) => Promise<readonly Uint8Array[]>
}

/** The L2 chain derived so far. */
export type L2Chain = {
  readonly l2BlockRefByNumber: (number: bigint) => Promise<L2BlockRef | undefined>
  readonly payloadByNumber: (number: bigint) => Promise<PayloadEnvelope | undefined>
  readonly systemConfigByL2Hash: (hash: Hex) => Promise<SystemConfig>
}
