import { bytesToHex, concatBytes, type Hex, hexToBytes } from './bytes.ts'
import { hashStruct, type StructTypes } from './eip712.ts'
import { keccak256 } from './keccak.ts'

/** A payer's word that a worker may take up to `cumulativeCap` of their channel in all. docs/MONEY.md §2. */
export type Voucher = {
  readonly channel: Hex
  readonly requestId: Hex
  readonly worker: Hex
  /** wei. */
  readonly maxFee: bigint
  /** wei. */
  readonly cumulativeCap: bigint
  /** Unix seconds. */
  readonly deadline: bigint
}

/** The payer's consent to settle a cut stream for the prefix that was delivered. */
export type Cancel = { readonly requestId: Hex; readonly tout: number; readonly outputRoot: Hex }

/** An object with its 64-byte signature `r ‖ vs`. */
export type Signed<T> = { readonly value: T; readonly signature: Uint8Array }

/** Fields as they are signed, and as they stand in messages. */
export const voucherFields = [
  ['channel', 'bytes32'],
  ['requestId', 'bytes32'],
  ['worker', 'address'],
  ['maxFee', 'uint128'],
  ['cumulativeCap', 'uint128'],
  ['deadline', 'uint64'],
] as const
export const cancelFields = [
  ['requestId', 'bytes32'],
  ['tout', 'uint32'],
  ['outputRoot', 'bytes32'],
] as const
export const voucherTypes: StructTypes = { Voucher: voucherFields }
export const cancelTypes: StructTypes = { Cancel: cancelFields }

export function voucherStructHash(voucher: Voucher): Uint8Array {
  return hashStruct(voucherTypes, 'Voucher', voucher)
}

export function cancelStructHash(cancel: Cancel): Uint8Array {
  return hashStruct(cancelTypes, 'Cancel', cancel)
}

/** The one deposit of a payer for a worker. */
export function channelOf(payer: Hex, worker: Hex): Hex {
  return bytesToHex(keccak256(concatBytes(hexToBytes(payer), hexToBytes(worker))))
}

/** What a receipt's leaf says of its payment; a request opened on chain has 32 zero bytes there. docs/MONEY.md §4. */
export function paymentHash(voucher: Signed<Voucher>, cancel?: Signed<Cancel>): Uint8Array {
  const cut = cancel === undefined ? [] : [cancelStructHash(cancel.value), cancel.signature]
  return keccak256(concatBytes(paymentPrefix, voucherStructHash(voucher.value), voucher.signature, ...cut))
}

const paymentPrefix = Uint8Array.of(7)
