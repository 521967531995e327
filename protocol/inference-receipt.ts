import { concatBytes, type Hex } from './bytes.ts'
import { hashStruct, type StructTypes } from './eip712.ts'
import { keccak256 } from './keccak.ts'
import { sumRow } from './sum-tree.ts'

/** What a worker is paid for, one per answered request. docs/MONEY.md §2. */
export type InferenceReceipt = {
  readonly requestId: Hex
  readonly worker: Hex
  readonly tin: number
  readonly tout: number
  /** wei. */
  readonly fee: bigint
  /** Root of the output's token list. */
  readonly outputRoot: Hex
  readonly traceRoot: Hex
  /** Proof class. */
  readonly class: number
  readonly proofHash: Hex
  readonly indexSetHash: Hex
  readonly algoHash: Hex
  readonly attrRoot: Hex
  readonly attrEntries: number
  readonly royaltyHash: Hex
}

/** Its fields as they are signed, and as they stand in messages. */
export const receiptFields = [
  ['requestId', 'bytes32'],
  ['worker', 'address'],
  ['tin', 'uint32'],
  ['tout', 'uint32'],
  ['fee', 'uint128'],
  ['outputRoot', 'bytes32'],
  ['traceRoot', 'bytes32'],
  ['class', 'uint8'],
  ['proofHash', 'bytes32'],
  ['indexSetHash', 'bytes32'],
  ['algoHash', 'bytes32'],
  ['attrRoot', 'bytes32'],
  ['attrEntries', 'uint32'],
  ['royaltyHash', 'bytes32'],
] as const
export const receiptTypes: StructTypes = { Receipt: receiptFields }

export function receiptStructHash(receipt: InferenceReceipt): Uint8Array {
  return hashStruct(receiptTypes, 'Receipt', receipt)
}

/** Hash of the receipt's leaf in its batch. docs/MONEY.md §4. */
export function receiptLeaf(structHash: Uint8Array, paymentHash: Uint8Array): Uint8Array {
  return keccak256(concatBytes(leafPrefix, structHash, paymentHash))
}

/** Row of the receipt in its batch's tree; `sums` as `receiptSums` of fee.ts gives them. */
export function receiptRow(
  receipt: InferenceReceipt,
  paymentHash: Uint8Array,
  sums: readonly (bigint | number)[],
): Uint8Array {
  return sumRow(receiptLeaf(receiptStructHash(receipt), paymentHash), sums)
}

const leafPrefix = Uint8Array.of(2)
