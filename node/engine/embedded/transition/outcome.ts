import { CodedError } from '../../../../common/errors.ts'
import type { Log } from '../../../../protocol/receipt.ts'

/** What a transaction did, before it is put in a receipt. */
export type TxOutcome = {
  readonly status: 0 | 1
  readonly gasUsed: bigint
  readonly output: Uint8Array
  readonly logs: readonly Log[]
  readonly error?: string | undefined
  readonly contractAddress?: Uint8Array | undefined
  readonly effectiveGasPrice: bigint
  /** Of deposits. */
  readonly depositNonce?: bigint | undefined
}

/**
 * Why a transaction cannot be in the block. `block-full`: it may fit a later one. `nonce-gap`: it may follow one that is
 * not there yet. `stale`: its nonce is used. `unpayable`: its sender cannot pay, or it offers less than the base fee.
 * `invalid`: never.
 */
export class TxError extends CodedError<'block-full' | 'nonce-gap' | 'stale' | 'unpayable' | 'invalid'> {}
