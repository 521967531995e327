import type { Hex } from './bytes.ts'

/** A block by hash and number. */
export type BlockId = { readonly hash: Hex; readonly number: bigint }

/** An L1 block as derivation sees it. Spec name: L1BlockRef. */
export type L1BlockRef = BlockId & { readonly parentHash: Hex; readonly timestamp: bigint }

/** An L2 block with its L1 origin. Spec name: L2BlockRef. */
export type L2BlockRef = BlockId & {
  readonly parentHash: Hex
  readonly timestamp: bigint
  readonly l1Origin: BlockId
  /** Distance to the first block of the epoch. */
  readonly sequenceNumber: bigint
}

export const sameBlock = (a: BlockId, b: BlockId): boolean => a.hash === b.hash && a.number === b.number
