import { encodeStruct, type StructFields } from './abi-struct.ts'
import { concatBytes, type Hex, hexToBytes, uintBytes } from './bytes.ts'
import { keccak256 } from './keccak.ts'
import { sumRow } from './sum-tree.ts'

/** What one entry of one receipt is paid. docs/MONEY.md §4. */
export type Credit = {
  readonly payee: Hex
  /** Number of the receipt in its epoch. */
  readonly receipt: number
  /** Number of the entry in its receipt. */
  readonly entry: number
  /** wei. */
  readonly amount: bigint
}

/** All that a payee was ever paid, in wei. */
export type Payout = { readonly payee: Hex; readonly cumulative: bigint }

/** What the ledger's hash of an epoch opens. docs/MONEY.md §6. */
export type EpochHeader = {
  readonly epoch: bigint
  readonly parentRoot: Hex
  readonly firstBatch: bigint
  readonly lastBatch: bigint
  readonly creditsRoot: Hex
  readonly creditsSum: bigint
  readonly creditsCount: number
  readonly payoutRoot: Hex
  readonly payoutSum: bigint
  readonly payoutCount: number
  readonly dataHash: Hex
  readonly algoHash: Hex
}

/** `keccak(abi.encode(header))`. */
export function epochHash(header: EpochHeader): Uint8Array {
  return keccak256(encodeStruct(epochHeaderFields, header))
}

/** Row of credit `index`. */
export function creditRow(index: number, { payee, receipt, entry, amount }: Credit): Uint8Array {
  const place = [uintBytes(receipt, 4), uintBytes(entry, 4)]
  const hash = keccak256(
    concatBytes(creditPrefix, uintBytes(index, 4), hexToBytes(payee), ...place, uintBytes(amount, 16)),
  )
  return sumRow(hash, [amount])
}

/** Row of payout `index`. */
export function payoutRow(index: number, { payee, cumulative }: Payout): Uint8Array {
  const leaf = concatBytes(payoutPrefix, uintBytes(index, 4), hexToBytes(payee), uintBytes(cumulative, 16))
  return sumRow(keccak256(leaf), [cumulative])
}

const creditPrefix = Uint8Array.of(5)
const payoutPrefix = Uint8Array.of(6)

export const epochHeaderFields: StructFields = [
  ['epoch', 'uint64'],
  ['parentRoot', 'bytes32'],
  ['firstBatch', 'uint64'],
  ['lastBatch', 'uint64'],
  ['creditsRoot', 'bytes32'],
  ['creditsSum', 'uint128'],
  ['creditsCount', 'uint32'],
  ['payoutRoot', 'bytes32'],
  ['payoutSum', 'uint128'],
  ['payoutCount', 'uint32'],
  ['dataHash', 'bytes32'],
  ['algoHash', 'bytes32'],
]
