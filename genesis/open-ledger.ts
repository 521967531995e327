import { openLedgerPredeploys } from '../contracts/addresses.ts'
import { bytesToHex, type Hex } from '../protocol/bytes.ts'
import { licenceIdOf, spdxTerms } from '../protocol/licences/spdx.ts'
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
    {
      name: 'LicencePolicy',
      address: openLedgerPredeploys.licencePolicy,
      admin: timelock,
      initialize: [[...spdxTerms.keys()].map(licenceIdOf), bytesToHex(Uint8Array.from(spdxTerms.values()))],
    },
    { name: 'DatanetRegistry', address: openLedgerPredeploys.datanetRegistry, admin: timelock },
    { name: 'DatanetJudge', address: openLedgerPredeploys.datanetJudge, admin: timelock },
    { name: 'DatanetRelay', address: openLedgerPredeploys.datanetRelay, admin: timelock },
    { name: 'CodeRegistry', address: openLedgerPredeploys.codeRegistry, admin: timelock },
    { name: 'DatanetUnits', address: openLedgerPredeploys.datanetUnits, admin: moneyTimelock },
    {
      name: 'DatanetVotes',
      address: openLedgerPredeploys.datanetVotes,
      admin: timelock,
      initialize: [config.challengeWindowSeconds],
    },
    ...(config.customGasToken === null ? [] : openContracts(config, l1Bridge)),
  ]
}

/** Windows in which an agent's stake is unbonded: above the ten in which a trail can be challenged, and one for the answer. */
const agentUnbondingWindows = 12n

/** A day of reviews and disputes is a day, but where windows are shorter than one: preset dev. */
function reviewDay({ challengeWindowSeconds }: DeployConfig): bigint {
  return challengeWindowSeconds < 86_400n ? challengeWindowSeconds / 6n : 86_400n
}

/** What speaks of OPEN, and so stands only where it is the gas token: the bridge and everything that pays. */
function openContracts(config: DeployConfig, l1Bridge: Hex): OpenLedgerContract[] {
  const { attributor, challengeWindowSeconds, channelWithdrawalDelaySeconds, unbondingSeconds } = config
  return [
    { name: 'L2OpenBridge', address: openLedgerPredeploys.openBridge, admin: timelock, initialize: [l1Bridge] },
    { name: 'FeeShares', address: openLedgerPredeploys.feeShares, admin: timelock, initialize: [] },
    { name: 'StakePool', address: openLedgerPredeploys.stakePool, admin: moneyTimelock, initialize: [] },
    {
      name: 'DatanetReview',
      address: openLedgerPredeploys.datanetReview,
      admin: moneyTimelock,
      initialize: [reviewDay(config)],
    },
    { name: 'SignatureProofs', address: openLedgerPredeploys.signatureProofs, admin: moneyTimelock },
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
    {
      name: 'AgentRegistry',
      address: openLedgerPredeploys.agentRegistry,
      admin: moneyTimelock,
      initialize: [agentUnbondingWindows * challengeWindowSeconds],
    },
    { name: 'AgentReviews', address: openLedgerPredeploys.agentReviews, admin: timelock },
    { name: 'AgentSpending', address: openLedgerPredeploys.agentSpending, admin: moneyTimelock },
    {
      name: 'AgentTrails',
      address: openLedgerPredeploys.agentTrails,
      admin: moneyTimelock,
      initialize: [challengeWindowSeconds],
    },
    {
      name: 'Grants',
      address: openLedgerPredeploys.grants,
      admin: moneyTimelock,
      initialize: [challengeWindowSeconds],
    },
    { name: 'RoyaltyVault', address: openLedgerPredeploys.royaltyVault, admin: moneyTimelock, initialize: [] },
    { name: 'DatanetAccess', address: openLedgerPredeploys.datanetAccess, admin: moneyTimelock },
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
    { name: 'ShareJudge', address: openLedgerPredeploys.shareJudge, admin: moneyTimelock },
    { name: 'SketchJudge', address: openLedgerPredeploys.sketchJudge, admin: moneyTimelock },
    { name: 'SignatureRegistry', address: openLedgerPredeploys.signatureRegistry, admin: moneyTimelock },
    {
      name: 'SketchRegistry',
      address: openLedgerPredeploys.sketchRegistry,
      admin: moneyTimelock,
      initialize: [challengeWindowSeconds],
    },
    {
      name: 'TraceDemands',
      address: openLedgerPredeploys.traceDemands,
      admin: moneyTimelock,
      initialize: [challengeWindowSeconds],
    },
    {
      name: 'CheckerCommittee',
      address: openLedgerPredeploys.checkerCommittee,
      admin: moneyTimelock,
      initialize: [unbondingSeconds, challengeWindowSeconds],
    },
    {
      name: 'FingerprintJudge',
      address: openLedgerPredeploys.fingerprintJudge,
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
