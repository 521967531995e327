import type { Call, Verdict } from '../../attribution/epochs/challenge.ts'
import type { Demand, DemandKind } from '../../chain/ledger/demand-state.ts'
import { demandKinds } from '../../chain/ledger/demand-state.ts'
import { encodeCall, type MoneyCall, type MoneyContract } from '../../chain/ledger/money-contracts.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import { type EpochRecord, epochRecordHash } from '../../protocol/epoch-record.ts'
import { keccak256, keccakHex } from '../../protocol/keccak.ts'
import { type BatchHeader, batchHash } from '../../protocol/receipt-batch.ts'

/** A transaction that the watcher wants to see mined. */
export type Action = {
  /** Two of one key are one. */
  readonly key: string
  readonly kind: 'challenge' | 'demand' | 'overdue' | 'refund' | 'reward' | 'shown' | 'vote' | 'case'
  readonly call: MoneyCall
  /** What a challenge is about: its evidence can be committed first. */
  readonly subject?: Hex
  /** Who keeps the reward and takes the commitment; absent: the contract that is called. */
  readonly rewardedBy?: MoneyContract
  /** A view that says what the call has to pay for, in wei: the answer to a demand is prepaid. */
  readonly price?: MoneyCall
  /** What it is about, for the log. */
  readonly about:
    | { readonly batch: bigint }
    | { readonly epoch: bigint }
    | { readonly subject: Hex }
    | { readonly contribution: bigint }
    | { readonly datanet: bigint; readonly version: number }
}

export function action(kind: Action['kind'], call: MoneyCall, about: Action['about']): Action {
  return { key: keyOf(call), kind, call, about }
}

/** What is to be done about a verdict on a batch or epoch. */
export function actionsOf(verdict: Verdict, about: Action['about']): Action[] {
  if (verdict.kind === 'right') return []
  if (verdict.kind === 'demand') return [verdict.call, ...(verdict.also ?? [])].map((call) => demandAction(call, about))
  const { functionName, args } = verdict.call
  const call = { contract: 'DisputeGame', functionName, args } as const
  return [{ ...action('challenge', call, about), subject: subjectOf(verdict.call) }]
}

function demandAction({ functionName, args }: Call, about: Action['about']): Action {
  const call = { contract: 'AttributionLedger', functionName, args } as const
  const price = { contract: 'AttributionLedger', functionName: 'answerPrice', args: [demandOf(call)] } as const
  return { ...action('demand', call, about), price }
}

/** The `Demand` that a call of AttributionLedger's request functions makes. */
export function demandOf({ functionName, args }: Call): Demand {
  const index = Number(args.at(-1))
  const [first, request] = args as readonly [unknown, { readonly promptRoot: Hex }]
  if (functionName === 'requestCredit' || functionName === 'requestPayout') {
    const record = first as EpochRecord
    const { creditsRoot, creditsCount, payoutRoot, payoutCount } = record.header
    const [kind, root, count] =
      functionName === 'requestCredit'
        ? (['credit', creditsRoot, creditsCount] as const)
        : (['payout', payoutRoot, payoutCount] as const)
    return { kind: demandKinds.indexOf(kind), subject: bytesToHex(epochRecordHash(record)), root, count, index }
  }
  const isReceipt = functionName === 'requestReceipt'
  const header = isReceipt ? (first as BatchHeader) : (first as Opened).header
  const [kind, root, count] = isReceipt ? receiptLeaf(header) : receiptPart(functionName, first as Opened, request)
  return { kind: demandKinds.indexOf(kind), subject: bytesToHex(batchHash(header)), root, count, index }
}

type Opened = {
  readonly header: BatchHeader
  readonly receipt: {
    readonly attrRoot: Hex
    readonly attrEntries: number
    readonly outputRoot: Hex
    readonly tin: number
    readonly tout: number
  }
}
type LeafOf = readonly [kind: DemandKind, root: Hex, count: number]

function receiptLeaf({ receiptRoot, count }: BatchHeader): LeafOf {
  return ['receipt', receiptRoot, count]
}

function receiptPart(name: string, { receipt }: Opened, request: { readonly promptRoot: Hex }): LeafOf {
  if (name === 'requestEntry') return ['entry', receipt.attrRoot, receipt.attrEntries]
  if (name === 'requestOutput') return ['output', receipt.outputRoot, receipt.tout]
  return ['prompt', request.promptRoot, receipt.tin]
}

/** EvidenceRewards' scopes. */
const scopes = { receipt: 0, batch: 1, credit: 2, payout: 3, fault: 6, signature: 7, table: 8 } as const

/** What a challenge of DisputeGame is about: `keccak(abi.encode(scope, id, index))`, MONEY §7. */
export function subjectOf({ functionName, args }: Call): Hex {
  const [first, second] = args
  if (functionName === 'badSegment' || functionName === 'badBatchTotal') {
    return subject('batch', batchId((first as BatchHeader).batchId), 0)
  }
  if (typeof first === 'object' && first !== null && 'proposer' in first) {
    const record = first as EpochRecord
    const id = epochRecordHash(record)
    if (functionName === 'badCreditsTotal') return subject('credit', id, record.header.creditsCount)
    if (functionName === 'badPayoutsTotal') return subject('payout', id, record.header.payoutCount)
    const leaf = second as {
      readonly credit?: { readonly index: number }
      readonly payout?: { readonly index: number }
    }
    return leaf.credit === undefined
      ? subject('payout', id, leaf.payout?.index ?? 0)
      : subject('credit', id, leaf.credit.index)
  }
  const opened = first as { readonly header: BatchHeader; readonly index: number }
  return subject('receipt', batchId(opened.header.batchId), opened.index)
}

/** What is shown of a contribution: a fault, of whatever kind, or the signature that was demanded. */
export function contributionSubject(what: 'fault' | 'signature', id: bigint): Hex {
  return subject(what, uintBytes(id, 32), 0)
}

/** What a challenge of a table of influences is about. */
export function tableSubject(modelVersion: Hex, adapterRoot: Hex): Hex {
  return subject('table', keccak256(concatBytes(hexToBytes(modelVersion), hexToBytes(adapterRoot))), 0)
}

function subject(scope: keyof typeof scopes, id: Uint8Array, index: number): Hex {
  return bytesToHex(keccak256(concatBytes(uintBytes(scopes[scope], 32), id, uintBytes(index, 32))))
}

function batchId(id: bigint): Uint8Array {
  return uintBytes(id, 32)
}

function keyOf(call: MoneyCall): string {
  const { to, data } = encodeCall(call)
  return keccakHex(concatBytes(hexToBytes(to), hexToBytes(data)))
}
