import type { L1BlockRef } from './block-ref.ts'
import type { Hex } from './bytes.ts'
import type { Receipt } from './receipt.ts'

/** What derivation reads of an L1 header. */
export type L1BlockInfo = L1BlockRef & {
  readonly prevRandao: Hex
  readonly baseFee: bigint
  readonly gasUsed: bigint
  readonly gasLimit: bigint
  /** Absent before Cancun. */
  readonly excessBlobGas?: bigint | undefined
  readonly parentBeaconBlockRoot?: Hex | undefined
}

/** An L1 transaction as data retrieval reads it. */
export type L1Transaction = {
  readonly hash: Hex
  readonly type: number
  readonly to?: Hex | undefined
  readonly data: Uint8Array
  /** Empty but for blob transactions. */
  readonly blobVersionedHashes: readonly Hex[]
  /** Recovers the sender; throws FormatError for a signature that recovers none. */
  readonly sender: () => Hex
}

/** An L1 block's receipts, checked against its receiptsRoot. */
export type L1BlockReceipts = { readonly info: L1BlockInfo; readonly receipts: readonly Receipt[] }

/** Which blob of an L1 block: its position among all blobs of the block, and its versioned hash. */
export type IndexedBlobHash = { readonly index: number; readonly hash: Hex }
