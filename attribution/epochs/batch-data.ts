import type { Hex } from '../../protocol/bytes.ts'
import type { InferenceReceipt } from '../../protocol/inference-receipt.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import type { BatchEntry, BatchPayment } from './batch-rows.ts'

/** What is known of a batch beyond its header and segments. The file counts only as far as it opens the header's root. */
export type BatchData = {
  /** The bytes found under the header's `dataHash`. */
  readonly file?: Uint8Array | undefined
  /** Numbers of receipts that are void already. */
  readonly voided?: ReadonlySet<number>
  /** Leaves that were shown on chain, which verified them. */
  readonly receipts?: readonly ShownReceipt[]
  readonly entries?: readonly ShownEntry[]
  readonly tokens?: readonly ShownTokens[]
  /** Leaves that were asked for and are not shown yet, as {@link leafKey} names them. */
  readonly demanded?: ReadonlySet<string>
}

/** A receipt with its request and payment; undefined payment: the request was opened on chain. */
export type ShownReceipt = {
  readonly index: number
  readonly receipt: InferenceReceipt
  readonly request: InferenceRequest
  readonly payment: BatchPayment | undefined
  readonly sums: readonly bigint[]
  /** Rows, from the leaf upwards. */
  readonly siblings: readonly Uint8Array[]
}

/** Entry `index` of the `count` under an `attrRoot`. */
export type ShownEntry = {
  readonly root: Hex
  readonly count: number
  readonly index: number
  readonly entry: BatchEntry
  readonly sums: readonly bigint[]
  readonly siblings: readonly Uint8Array[]
}

/** Leaf `index` of the list of `count` tokens under a root: that it could be shown proves the count. */
export type ShownTokens = {
  readonly root: Hex
  readonly count: number
  readonly index: number
  /** Those of the leaf, where they were kept. */
  readonly tokens?: Uint32Array
}

/** Kinds of leaves that can be demanded of a batch, in the order of contracts/src/lib/Demands.sol. */
export const leafKinds = ['receipt', 'entry', 'prompt', 'output'] as const
export type LeafKind = (typeof leafKinds)[number]

/** What a `Demand` of the contract says of a leaf; `count` is that of the tree's leaves, of a token list that of its tokens. */
export type Leaf = { readonly kind: LeafKind; readonly root: Hex; readonly count: number; readonly index: number }

export function leafKey({ kind, root, count, index }: Leaf): string {
  return `${kind} ${root} ${count} ${index}`
}
