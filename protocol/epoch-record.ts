import { encodeStruct, type StructFields } from './abi-struct.ts'
import { bytesToHex, concatBytes, type Hex, zeroHash } from './bytes.ts'
import { keccak256 } from './keccak.ts'
import { type EpochHeader, epochHeaderFields } from './payout-epoch.ts'

/** Live sums of all matured batches through some batch. docs/MONEY.md §6. */
export type Totals = {
  readonly receipts: bigint
  readonly entries: bigint
  /** wei, as are the others; in Solidity too the name has its underscore. */
  readonly payable_: bigint
  readonly platform: bigint
  readonly stakers: bigint
}

/** An epoch as it was proposed: what `EpochProposed` shows. `proposedAt` in Unix seconds, `bond` in wei. */
export type EpochRecord = {
  readonly header: EpochHeader
  readonly proposer: Hex
  readonly proposedAt: bigint
  readonly bond: bigint
  readonly totals: Totals
}

/** What the next epoch's proposal and finality have to show of an epoch. */
export type EpochState = {
  readonly proposal: Hex
  readonly payoutRoot: Hex
  readonly payoutSum: bigint
  readonly lastBatch: bigint
  readonly totals: Totals
}

/** Before the first epoch. */
export const noEpoch: EpochState = {
  proposal: zeroHash,
  payoutRoot: zeroHash,
  payoutSum: 0n,
  lastBatch: 0n,
  totals: { receipts: 0n, entries: 0n, payable_: 0n, platform: 0n, stakers: 0n },
}

export function epochStateOf({ header, totals, ...proposal }: EpochRecord): EpochState {
  const words = concatBytes(encodeStruct(epochHeaderFields, header), encodeStruct(proposalFields, proposal))
  const { payoutRoot, payoutSum, lastBatch } = header
  return { proposal: bytesToHex(keccak256(words)), payoutRoot, payoutSum, lastBatch, totals }
}

/** What the AttributionLedger stores of an epoch. */
export function epochRecordHash(record: EpochRecord): Uint8Array {
  const { totals, ...state } = epochStateOf(record)
  return keccak256(concatBytes(encodeStruct(stateFields, state), encodeStruct(totalsFields, totals)))
}

const proposalFields: StructFields = [
  ['proposer', 'address'],
  ['proposedAt', 'uint64'],
  ['bond', 'uint128'],
]

const stateFields: StructFields = [
  ['proposal', 'bytes32'],
  ['payoutRoot', 'bytes32'],
  ['payoutSum', 'uint128'],
  ['lastBatch', 'uint64'],
]

const totalsFields: StructFields = [
  ['receipts', 'uint64'],
  ['entries', 'uint64'],
  ['payable_', 'uint128'],
  ['platform', 'uint128'],
  ['stakers', 'uint128'],
]
