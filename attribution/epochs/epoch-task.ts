import { CodedError } from '../../common/errors.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import type { BatchFile } from './batch-file.ts'

/** What an epoch is built from: all on chain or in the files of its batches. */
export type EpochTask = {
  readonly epoch: bigint
  readonly parent: EpochParent
  /** The last batch that it takes, void or not. */
  readonly lastBatch: bigint
  /** Those of the parent's last + 1 … `lastBatch` that are not void, in order. */
  readonly batches: readonly EpochBatch[]
  /** The rules in force. */
  readonly algoHash: Hex
}

/** The last epoch proposed; before the first, {@link noEpoch}. */
export type EpochParent = {
  readonly lastBatch: bigint
  readonly payoutRoot: Hex
  /** Rows of its payouts. */
  readonly payouts: Uint8Array
}

export const noEpoch: EpochParent = { lastBatch: 0n, payoutRoot: zeroHash, payouts: new Uint8Array(0) }

export type EpochBatch = {
  readonly batchId: bigint
  readonly file: Pick<BatchFile, 'receipts' | 'entries'>
  /** Numbers of its void receipts. */
  readonly voided: readonly number[]
}

/** Nothing to propose: `empty` no live receipt, `overflow` more receipts than u32 or a payout beyond u128. */
export class EpochError extends CodedError<'empty' | 'overflow'> {}

/** Which step runs, and how much of it is done. */
export type EpochProgress = {
  readonly step: 'credits' | 'sort' | 'credit tree' | 'payouts' | 'payout tree' | 'file'
  readonly done: number
  readonly total: number
}
