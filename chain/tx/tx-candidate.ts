import type { Hex } from '../../protocol/bytes.ts'

/** A transaction as its owner wants it; nonce and fees are the TxManager's. */
export type TxCandidate = {
  /** The caller's name for this transaction; one key is sent once, whatever happens in between. */
  readonly key: string
  readonly to: Hex
  readonly data: Uint8Array
  readonly value?: bigint
  /** Makes it a blob transaction. */
  readonly blobs?: readonly Uint8Array[]
  /** Estimated by L1 where absent. */
  readonly gasLimit?: bigint
}

/** With its gas known. */
export type GasCandidate = TxCandidate & { readonly gasLimit: bigint }
