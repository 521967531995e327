import type { Hex } from './bytes.ts'
import { keccakHex } from './keccak.ts'

/** Values that OpenLedger documents for its Governor and Timelock, in seconds, wei of GOPEN and percent. docs/GOVERNANCE.md. */
export const documentedGovernance = {
  votingDelaySeconds: 86_400n,
  votingPeriodSeconds: 1_209_600n,
  proposalThreshold: 100n * 10n ** 18n,
  quorumPercent: 25n,
  timelockDelaySeconds: 86_400n,
  /** Ours: the published contracts never let a queued proposal expire. */
  timelockGraceSeconds: 1_209_600n,
} as const

export type GovernanceParameter = keyof typeof documentedGovernance
export type GovernanceParameters = Readonly<Record<GovernanceParameter, bigint>>

/** A parameter whose value is not the documented one. */
export type GovernanceDrift = {
  readonly parameter: GovernanceParameter
  readonly documented: bigint
  readonly actual: bigint
}

/** Where a chain differs from the documents. */
export function governanceDrift(actual: GovernanceParameters): GovernanceDrift[] {
  return (Object.keys(documentedGovernance) as GovernanceParameter[])
    .map((parameter) => ({ parameter, documented: documentedGovernance[parameter], actual: actual[parameter] }))
    .filter(({ documented, actual: value }) => documented !== value)
}

/** Views that answer each parameter. */
const views = {
  votingDelaySeconds: ['governor', 'votingDelay()'],
  votingPeriodSeconds: ['governor', 'votingPeriod()'],
  proposalThreshold: ['governor', 'proposalThreshold()'],
  quorumPercent: ['governor', 'quorumNumerator()'],
  timelockDelaySeconds: ['timelock', 'getMinDelay()'],
  timelockGraceSeconds: ['timelock', 'gracePeriod()'],
} as const satisfies Record<GovernanceParameter, readonly ['governor' | 'timelock', string]>

/** `eth_call`s that answer a word each, in the order of {@link parametersFrom}. */
export function governanceCalls(at: { readonly governor: Hex; readonly timelock: Hex }): { to: Hex; data: Hex }[] {
  return Object.values(views).map(([contract, signature]) => ({
    to: at[contract],
    data: keccakHex(new TextEncoder().encode(signature)).slice(0, 10) as Hex,
  }))
}

/** What the calls of {@link governanceCalls} answered; undefined where one has no answer: the chain has no Governor. */
export function parametersFrom(words: readonly (bigint | undefined)[]): GovernanceParameters | undefined {
  const names = Object.keys(views) as GovernanceParameter[]
  if (names.some((_, i) => words[i] === undefined)) return undefined
  return Object.fromEntries(names.map((name, i) => [name, words[i]])) as GovernanceParameters
}
