import { encodeStruct, encodeStructs, type StructFields } from './abi-struct.ts'
import type { Hex } from './bytes.ts'
import { keccak256 } from './keccak.ts'

/** Consecutive receipts of a batch that one channel pays, or one request opened on chain. docs/MONEY.md §5. */
export type Segment = {
  /** Zero: a request opened on chain. */
  readonly channel: Hex
  readonly count: number
  /** wei; the sum of its receipts' fees. */
  readonly fee: bigint
  readonly requestId: Hex
  readonly maxFee: bigint
  readonly cumulativeCap: bigint
  readonly deadline: bigint
  /** Signature of the last voucher, `r ‖ vs`. */
  readonly r: Hex
  readonly vs: Hex
}

/** What the contract's hash of a batch opens. */
export type BatchHeader = {
  readonly batchId: bigint
  readonly worker: Hex
  /** Unix seconds. */
  readonly committedAt: bigint
  /** Number of the block that committed it. */
  readonly l2Block: bigint
  readonly receiptRoot: Hex
  readonly count: number
  /** In the order of `receiptSumNames` of fee.ts. */
  readonly sums: readonly bigint[]
  readonly class: number
  readonly dataHash: Hex
  readonly segmentsHash: Hex
}

/** `keccak(abi.encode(header))`, what stands on chain of a batch. */
export function batchHash(header: BatchHeader): Uint8Array {
  return keccak256(encodeStruct(headerFields, header))
}

/** `keccak(abi.encode(segments))`. */
export function segmentsHash(segments: readonly Segment[]): Uint8Array {
  return keccak256(encodeStructs(segmentFields, segments))
}

const segmentFields: StructFields = [
  ['channel', 'bytes32'],
  ['count', 'uint32'],
  ['fee', 'uint128'],
  ['requestId', 'bytes32'],
  ['maxFee', 'uint128'],
  ['cumulativeCap', 'uint128'],
  ['deadline', 'uint64'],
  ['r', 'bytes32'],
  ['vs', 'bytes32'],
]

const headerFields: StructFields = [
  ['batchId', 'uint64'],
  ['worker', 'address'],
  ['committedAt', 'uint64'],
  ['l2Block', 'uint64'],
  ['receiptRoot', 'bytes32'],
  ['count', 'uint32'],
  ['sums', 'uint128[10]'],
  ['class', 'uint8'],
  ['dataHash', 'bytes32'],
  ['segmentsHash', 'bytes32'],
]
