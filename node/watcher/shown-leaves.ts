import { type AbiFunction, type AbiParameter, decodeAbiParameters, toFunctionSelector } from 'viem'
import type { BatchData, ShownEntry, ShownReceipt, ShownTokens } from '../../attribution/epochs/batch-data.ts'
import type { BatchEntry, BatchPayment } from '../../attribution/epochs/batch-rows.ts'
import type { EpochData } from '../../attribution/epochs/check-epoch.ts'
import type { ServedLeaf } from '../../attribution/epochs/served-leaves.ts'
import type { Demand } from '../../chain/ledger/demand-state.ts'
import { lowerCase } from '../../chain/ledger/money-contracts.ts'
import { loadArtifact } from '../../contracts/artifact.ts'
import { concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import type { InferenceReceipt } from '../../protocol/inference-receipt.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import type { Credit, Payout } from '../../protocol/payout-epoch.ts'
import type { Cancel, Voucher } from '../../protocol/voucher.ts'

type Signature = { readonly r: Hex; readonly vs: Hex }
type ServedReceipt = {
  readonly receipt: InferenceReceipt
  readonly request: InferenceRequest
  readonly onChain: unknown
  readonly payment: {
    readonly voucher: Voucher
    readonly signature: Signature
    readonly cut: unknown
    readonly cancel: Cancel
    readonly cancelSignature: Signature
  }
  readonly sums: readonly bigint[]
  readonly siblings: Hex
}
type ServedEntry = {
  readonly entry: BatchEntry & { readonly index: number }
  readonly sums: readonly bigint[]
  readonly siblings: Hex
}

/** Bytes of rows of the trees of receipts, of entries, and of credits and payouts. */
const rowBytes = { receipt: 192, entry: 96, leaf: 48 } as const

/** Leaves of a batch out of the calls that answered demands, which the chain verified; calls of no such form show nothing. */
export function shownOfBatch(answers: readonly Hex[]): Required<Pick<BatchData, 'receipts' | 'entries' | 'tokens'>> {
  const receipts: ShownReceipt[] = []
  const entries: ShownEntry[] = []
  const tokens: ShownTokens[] = []
  for (const [name, demand, answer] of answers.flatMap(readAnswer)) {
    const { root, count, index } = demand
    if (name === 'serveReceipt') receipts.push(shownReceipt(index, answer as ServedReceipt))
    if (name === 'serveEntry') entries.push({ root, count, ...shownEntry(index, answer as ServedEntry) })
    if (name === 'serveTokens') tokens.push({ root, count, index, tokens: wordsOf(answer as Hex) })
  }
  return { receipts, entries, tokens }
}

/** The same of an epoch. */
export function shownOfEpoch(answers: readonly Hex[]): Required<Pick<EpochData, 'credits' | 'payouts'>> {
  const credits: ServedLeaf[] = []
  const payouts: ServedLeaf[] = []
  for (const [name, { index }, answer, siblings] of answers.flatMap(readAnswer)) {
    const rows = () => rowsOf(siblings as Hex, rowBytes.leaf)
    if (name === 'serveCredit') credits.push({ index, row: creditFileRow(answer as Credit), siblings: rows() })
    if (name === 'servePayout') payouts.push({ index, row: payoutFileRow(answer as Payout), siblings: rows() })
  }
  return { credits, payouts }
}

function shownReceipt(
  index: number,
  { receipt, request, onChain, payment, sums, siblings }: ServedReceipt,
): ShownReceipt {
  const { voucher, signature, cut, cancel, cancelSignature } = payment
  const signed: BatchPayment = {
    voucher: { value: voucher, signature: joined(signature) },
    cancel: isTrue(cut) ? { value: cancel, signature: joined(cancelSignature) } : undefined,
  }
  return {
    ...{ index, receipt, request, sums },
    payment: isTrue(onChain) ? undefined : signed,
    siblings: rowsOf(siblings, rowBytes.receipt),
  }
}

function shownEntry(index: number, { entry, sums, siblings }: ServedEntry): Omit<ShownEntry, 'root' | 'count'> {
  return { index, entry, sums, siblings: rowsOf(siblings, rowBytes.entry) }
}

/** As a file has them. */
function creditFileRow({ payee, receipt, entry, amount }: Credit): Uint8Array {
  return concatBytes(hexToBytes(payee), uintBytes(receipt, 4), uintBytes(entry, 4), uintBytes(amount, 16))
}

function payoutFileRow({ payee, cumulative }: Payout): Uint8Array {
  return concatBytes(hexToBytes(payee), uintBytes(cumulative, 16))
}

function rowsOf(siblings: Hex, width: number): Uint8Array[] {
  const bytes = hexToBytes(siblings)
  return Array.from({ length: bytes.length / width }, (_, i) => bytes.subarray(i * width, (i + 1) * width))
}

/** Big-endian u32. */
function wordsOf(text: Hex): Uint32Array {
  const bytes = Buffer.from(hexToBytes(text))
  return Uint32Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => bytes.readUInt32BE(4 * i))
}

function joined({ r, vs }: Signature): Uint8Array {
  return concatBytes(hexToBytes(r), hexToBytes(vs))
}

function isTrue(word: unknown): boolean {
  return word !== 0n
}

type Answer = readonly [name: string, demand: Demand, ...rest: readonly unknown[]]

/** None where the call is none of these. */
function readAnswer(answer: Hex): Answer[] {
  answers ??= new Map(serving().map((item) => [toFunctionSelector(item), item]))
  const item = answers.get(answer.slice(0, 10) as Hex)
  if (item === undefined) return []
  try {
    const args = decodeAbiParameters(item.inputs.map(withoutBools), `0x${answer.slice(10)}`)
    return [[item.name, ...(lowerCase(args) as readonly [Demand, ...unknown[]])]]
  } catch {
    return []
  }
}

let answers: Map<Hex, AbiFunction> | undefined

function serving(): AbiFunction[] {
  const { abi } = loadArtifact('AttributionLedger')
  return (abi as unknown as readonly AbiFunction[]).filter(
    ({ type, name }) => type === 'function' && /^serve[A-Z]/.test(name),
  )
}

/**
 * A contract judges no word that it does not read: a boolean that a decoder would refuse may stand in an answer that counts.
 */
function withoutBools(parameter: AbiParameter): AbiParameter {
  const type = parameter.type.replace(/^bool/, 'uint256')
  if (!('components' in parameter)) return { ...parameter, type }
  return { ...parameter, type, components: parameter.components.map(withoutBools) }
}
