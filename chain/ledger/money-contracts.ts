import type { Abi, AbiEvent } from 'viem'
import {
  decodeErrorResult,
  decodeEventLog,
  decodeFunctionData,
  decodeFunctionResult,
  encodeFunctionData,
  toEventSelector,
} from 'viem/utils'
import { openLedgerPredeploys, predeploys } from '../../contracts/addresses.ts'
import { interfaceOf } from '../../contracts/interface-of.ts'
import type { Hex } from '../../protocol/bytes.ts'

/** The contracts that hold money or judge it, by their sources' names. */
export const moneyContracts = {
  InferenceMarket: openLedgerPredeploys.inferenceMarket,
  AttributionLedger: openLedgerPredeploys.attributionLedger,
  DisputeGame: openLedgerPredeploys.disputeGame,
  RoyaltyVault: openLedgerPredeploys.royaltyVault,
  WorkerRegistry: openLedgerPredeploys.workerRegistry,
  ModelRegistry: openLedgerPredeploys.modelRegistry,
  RevenueSplitter: openLedgerPredeploys.revenueSplitter,
  OpenBurner: openLedgerPredeploys.openBurner,
  GOPEN: openLedgerPredeploys.gopen,
  OpenLedgerGovernor: openLedgerPredeploys.governor,
  Timelock: openLedgerPredeploys.timelock,
  MoneyTimelock: openLedgerPredeploys.moneyTimelock,
  StakePool: openLedgerPredeploys.stakePool,
  FeeSplitter: predeploys.feeSplitter,
  FeeShares: openLedgerPredeploys.feeShares,
  CodeRegistry: openLedgerPredeploys.codeRegistry,
  DatanetRegistry: openLedgerPredeploys.datanetRegistry,
  DatanetRelay: openLedgerPredeploys.datanetRelay,
  DatanetJudge: openLedgerPredeploys.datanetJudge,
  DatanetUnits: openLedgerPredeploys.datanetUnits,
  DatanetVotes: openLedgerPredeploys.datanetVotes,
  DatanetAccess: openLedgerPredeploys.datanetAccess,
  DatanetReview: openLedgerPredeploys.datanetReview,
  SignatureProofs: openLedgerPredeploys.signatureProofs,
  LicencePolicy: openLedgerPredeploys.licencePolicy,
  ReceiptJudge: openLedgerPredeploys.receiptJudge,
  EntryJudge: openLedgerPredeploys.entryJudge,
  EpochJudge: openLedgerPredeploys.epochJudge,
  AnswerJudge: openLedgerPredeploys.answerJudge,
  IndexRegistry: openLedgerPredeploys.indexRegistry,
  SpanJudge: openLedgerPredeploys.spanJudge,
  ShareJudge: openLedgerPredeploys.shareJudge,
  SketchJudge: openLedgerPredeploys.sketchJudge,
  SignatureRegistry: openLedgerPredeploys.signatureRegistry,
  SketchRegistry: openLedgerPredeploys.sketchRegistry,
  EvidenceDemands: openLedgerPredeploys.evidenceDemands,
  TraceDemands: openLedgerPredeploys.traceDemands,
  CheckerCommittee: openLedgerPredeploys.checkerCommittee,
  FingerprintJudge: openLedgerPredeploys.fingerprintJudge,
  TraceJudge: openLedgerPredeploys.traceJudge,
  StopJudge: openLedgerPredeploys.stopJudge,
  LinearStep: openLedgerPredeploys.linearStep,
  QuantiseStep: openLedgerPredeploys.quantiseStep,
  ElementStep: openLedgerPredeploys.elementStep,
  AttentionStep: openLedgerPredeploys.attentionStep,
  ChoiceStep: openLedgerPredeploys.choiceStep,
  AgentRegistry: openLedgerPredeploys.agentRegistry,
  AgentReviews: openLedgerPredeploys.agentReviews,
  AgentSpending: openLedgerPredeploys.agentSpending,
  AgentTrails: openLedgerPredeploys.agentTrails,
  Grants: openLedgerPredeploys.grants,
  EAS: predeploys.eas,
  SchemaRegistry: predeploys.schemaRegistry,
} as const satisfies Record<string, Hex>

export type MoneyContract = keyof typeof moneyContracts

/** A call of one of them; integers up to 32 bits are numbers, others bigints, addresses of any case. `value` in wei. */
export type MoneyCall = {
  readonly contract: MoneyContract
  readonly functionName: string
  readonly args: readonly unknown[]
  readonly value?: bigint
}

/** What a decoder gives back: addresses in lower case, structs as objects. */
export type Decoded = Readonly<Record<string, unknown>>

export function encodeCall({ contract, functionName, args }: Omit<MoneyCall, 'value'>): { to: Hex; data: Hex } {
  return { to: moneyContracts[contract], data: encodeFunctionData({ abi: abiOf(contract), functionName, args }) }
}

export function decodeResult(contract: MoneyContract, functionName: string, data: Hex): unknown {
  return lowerCase(decodeFunctionResult({ abi: abiOf(contract), functionName, data }))
}

/** Whether a function has results; what has none answers with no bytes, as an account without code does to anything. */
export function returnsSomething(contract: MoneyContract, functionName: string): boolean {
  return abiOf(contract).some(
    (item) => item.type === 'function' && item.name === functionName && item.outputs.length > 0,
  )
}

/** The call that somebody made of a contract. Throws for another contract's. */
export function decodeCall(
  contract: MoneyContract,
  data: Hex,
): { readonly functionName: string; readonly args: readonly unknown[] } {
  const { functionName, args } = decodeFunctionData({ abi: abiOf(contract), data })
  return { functionName, args: lowerCase(args ?? []) as readonly unknown[] }
}

/** The custom error that a revert names, whichever contract it comes from: `WindowOpen(3, 1700000030)`. */
export function decodeRevert(data: Hex): { readonly error: string; readonly args: readonly unknown[] } {
  try {
    const { errorName, args } = decodeErrorResult({ abi: allErrors(), data })
    return { error: errorName, args: lowerCase(args ?? []) as readonly unknown[] }
  } catch {
    return { error: data === '0x' ? 'a revert without words' : data, args: [] }
  }
}

/** Topic of an event of that name. */
export function eventTopic(contract: MoneyContract, name: string): Hex {
  const event = abiOf(contract).find((item): item is AbiEvent => item.type === 'event' && item.name === name)
  if (event === undefined) throw new Error(`${contract} has no event ${name}`)
  return toEventSelector(event)
}

/** Undefined for an event that the contract's interface does not know. */
export function decodeEvent(
  contract: MoneyContract,
  topics: readonly Hex[],
  data: Hex,
): { readonly name: string; readonly args: Decoded } | undefined {
  try {
    const found = decodeEventLog({ abi: abiOf(contract), topics: topics as [Hex, ...Hex[]], data })
    return { name: found.eventName ?? '', args: lowerCase(found.args ?? {}) as Decoded }
  } catch {
    return undefined
  }
}

export function contractAt(address: string): MoneyContract | undefined {
  return byAddress.get(address.toLowerCase())
}

const names = Object.keys(moneyContracts) as readonly MoneyContract[]
const byAddress = new Map<string, MoneyContract>(names.map((name) => [moneyContracts[name], name]))

function abiOf(contract: MoneyContract): Abi {
  // What solc wrote, committed with the sources, but for contracts that are not ours.
  return interfaceOf(contract) as unknown as Abi
}

let errors: Abi | undefined

function allErrors(): Abi {
  errors ??= names.flatMap((name) => abiOf(name).filter(({ type }) => type === 'error'))
  return errors
}

/** viem writes addresses with a checksum in their case; everything here compares them as text. */
export function lowerCase(value: unknown): unknown {
  if (typeof value === 'string') return value.startsWith('0x') ? value.toLowerCase() : value
  if (Array.isArray(value)) return value.map(lowerCase)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, lowerCase(field)]))
}
