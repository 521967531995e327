import { openLedgerPredeploys } from '../contracts/addresses.ts'
import type { Hex } from '../protocol/bytes.ts'
import type { DeployConfig } from './deploy-config.ts'

/** One of OpenLedger's own contracts on the L2 behind a proxy. */
export type OpenLedgerContract = {
  readonly name: string
  readonly address: Hex
  /** Who may upgrade the proxy, and owns the contract where it has an owner. */
  readonly admin: Hex
  /** Arguments of its `initialize`; absent where it has none. */
  readonly initialize?: readonly unknown[]
}

const { timelock, moneyTimelock } = openLedgerPredeploys

/** OpenLedger's contracts behind proxies, in the order in which they are placed. DESIGN §3, PROTOCOL §7. */
export function openLedgerContracts(config: DeployConfig, l1Bridge: Hex): OpenLedgerContract[] {
  return [
    { name: 'DatanetRegistry', address: openLedgerPredeploys.datanetRegistry, admin: timelock },
    { name: 'CodeRegistry', address: openLedgerPredeploys.codeRegistry, admin: timelock },
    ...(config.customGasToken === null ? [] : openContracts(config, l1Bridge)),
  ]
}

/** What speaks of OPEN, and so stands only where it is the gas token: the bridge and everything that pays. */
function openContracts(config: DeployConfig, l1Bridge: Hex): OpenLedgerContract[] {
  const { attributor, challengeWindowSeconds, channelWithdrawalDelaySeconds, unbondingSeconds } = config
  return [
    { name: 'L2OpenBridge', address: openLedgerPredeploys.openBridge, admin: timelock, initialize: [l1Bridge] },
    { name: 'RevenueSplitter', address: openLedgerPredeploys.revenueSplitter, admin: timelock, initialize: [] },
    { name: 'ModelRegistry', address: openLedgerPredeploys.modelRegistry, admin: timelock },
    {
      name: 'WorkerRegistry',
      address: openLedgerPredeploys.workerRegistry,
      admin: timelock,
      initialize: [unbondingSeconds],
    },
    {
      name: 'InferenceMarket',
      address: openLedgerPredeploys.inferenceMarket,
      admin: moneyTimelock,
      initialize: [challengeWindowSeconds, channelWithdrawalDelaySeconds],
    },
    {
      name: 'AttributionLedger',
      address: openLedgerPredeploys.attributionLedger,
      admin: moneyTimelock,
      initialize: [attributor, challengeWindowSeconds],
    },
    { name: 'RoyaltyVault', address: openLedgerPredeploys.royaltyVault, admin: moneyTimelock, initialize: [] },
    { name: 'DisputeGame', address: openLedgerPredeploys.disputeGame, admin: moneyTimelock },
    { name: 'ReceiptJudge', address: openLedgerPredeploys.receiptJudge, admin: moneyTimelock },
    { name: 'EntryJudge', address: openLedgerPredeploys.entryJudge, admin: moneyTimelock },
    { name: 'EpochJudge', address: openLedgerPredeploys.epochJudge, admin: moneyTimelock },
    { name: 'AnswerJudge', address: openLedgerPredeploys.answerJudge, admin: moneyTimelock },
    {
      name: 'IndexRegistry',
      address: openLedgerPredeploys.indexRegistry,
      admin: moneyTimelock,
      initialize: [challengeWindowSeconds],
    },
    {
      name: 'EvidenceDemands',
      address: openLedgerPredeploys.evidenceDemands,
      admin: moneyTimelock,
      initialize: [challengeWindowSeconds],
    },
    { name: 'SpanJudge', address: openLedgerPredeploys.spanJudge, admin: moneyTimelock },
    {
      name: 'TraceDemands',
      address: openLedgerPredeploys.traceDemands,
      admin: moneyTimelock,
      initialize: [challengeWindowSeconds],
    },
    { name: 'LinearStep', address: openLedgerPredeploys.linearStep, admin: moneyTimelock },
    { name: 'QuantiseStep', address: openLedgerPredeploys.quantiseStep, admin: moneyTimelock },
    { name: 'ElementStep', address: openLedgerPredeploys.elementStep, admin: moneyTimelock },
    { name: 'AttentionStep', address: openLedgerPredeploys.attentionStep, admin: moneyTimelock },
    { name: 'ChoiceStep', address: openLedgerPredeploys.choiceStep, admin: moneyTimelock },
    { name: 'TraceJudge', address: openLedgerPredeploys.traceJudge, admin: moneyTimelock },
    { name: 'StopJudge', address: openLedgerPredeploys.stopJudge, admin: moneyTimelock },
  ]
}

/** Contracts of ours that nobody can upgrade: they hold nothing and have no owner. */
export const openLedgerUnproxied = [
  { name: 'OpenBurner', address: openLedgerPredeploys.openBurner },
  { name: 'AttributionCaller', address: openLedgerPredeploys.attributionCaller },
] as const
