import type { Hex } from '../../protocol/bytes.ts'
import type { InferenceReceipt } from '../../protocol/inference-receipt.ts'
import type { Credit, Payout } from '../../protocol/payout-epoch.ts'
import type { BatchHeader } from '../../protocol/receipt-batch.ts'
import type { BatchEntry } from './batch-rows.ts'

/** What the challenges of DisputeGame take, in the forms of contracts/src/lib/Openings.sol; siblings from the leaf upwards. */
export type OpenedReceipt = {
  readonly header: BatchHeader
  readonly index: number
  readonly receipt: InferenceReceipt
  readonly paymentHash: Hex
  readonly sums: readonly bigint[]
  readonly siblings: Hex
}
export type OpenedEntry = {
  readonly n: number
  readonly entry: BatchEntry & { readonly index: number }
  readonly sums: readonly bigint[]
  readonly siblings: Hex
}
export type OpenedCredit = { readonly credit: Credit & { readonly index: number }; readonly siblings: Hex }
export type OpenedPayout = { readonly payout: Payout & { readonly index: number }; readonly siblings: Hex }

/** The place `at` of sorted credits: leaves at − 1 and `at`, which do not count at the ends. */
export type CreditCut = { readonly at: number; readonly before: OpenedCredit; readonly behind: OpenedCredit }
/** The like of the `n` payouts under the parent's root. */
export type PayoutCut = {
  readonly n: number
  readonly at: number
  readonly before: OpenedPayout
  readonly behind: OpenedPayout
}
