import type { AbiItem } from 'viem'
import { loadArtifact } from '../../contracts/artifact.ts'

/** Functions that other contracts call and users cannot, or that ran at genesis. */
const internal = new Set([
  ...['hold', 'unhold', 'payEpoch', 'setStake', 'voidBatch', 'voidReceipt'].map((name) => `InferenceMarket.${name}`),
  ...['RoyaltyVault.creditEpoch', 'RoyaltyVault.publishRoot', 'AttributionLedger.revertEpoch', 'WorkerRegistry.slash'],
  'AttributionCaller.forward',
])

/**
 * Errors that no user meets: of initialisers in constructors and their guards; of what only another contract gets wrong
 * (`creditEpoch`, `publishRoot`, `payEpoch`, `hold`); checkpoints that time pushes in order; libraries' errors of code that
 * stands; a royalty vector that is too long or wrong though the graph made it. The last five have tests of their own: raw
 * calldata, 255 unfinal epochs, 32 payees, a view, a balance that is always there.
 */
const unreachable = new Set([
  ...['InvalidInitialization', 'NotInitializing', 'DelayTooShort', 'AddressEmptyCode', 'FailedCall'],
  ...['InferenceMarket AboveMatured', 'InferenceMarket NotHeld', 'RoyaltyVault WrongValue', 'RoyaltyVault RootExists'],
  ...[
    'CheckpointUnorderedInsertion',
    'BadRoyaltyCount',
    'BadRoyaltyRow',
    'BadRoyaltySum',
    'ReentrancyGuardReentrantCall',
  ],
  ...['OversizedField', 'TooManyUnfinal', 'TooManyPayees', 'UnknownShares', 'InsufficientBalance'],
])

export type Coverage = {
  /** State-changing functions that never went through, as `Contract.function`. */
  readonly functions: readonly string[]
  /** Errors that no call of the contract was refused with, as `Contract Error`. */
  readonly errors: readonly string[]
}

/** What of the contracts' interfaces outcomes (`Contract.function done`, `Contract.function Error`) have not met and could. */
export function unmet(contracts: readonly string[], outcomes: ReadonlyMap<string, number>): Coverage {
  const items = contracts.flatMap((contract) =>
    (loadArtifact(contract).abi as unknown as readonly AbiItem[]).map((item) => ({ contract, item })),
  )
  const functions = items.flatMap(({ contract, item }) =>
    item.type === 'function' && (item.stateMutability === 'nonpayable' || item.stateMutability === 'payable')
      ? [`${contract}.${item.name}`]
      : [],
  )
  // By name alone: most of what a contract refuses, others ask of it.
  const met = new Set([...outcomes.keys()].map((how) => how.split(' ')[1] ?? ''))
  const errors = items.flatMap(({ contract, item }) => (item.type === 'error' ? [`${contract} ${item.name}`] : []))
  return {
    functions: functions.filter(
      (name) => !outcomes.has(`${name} done`) && !internal.has(name) && !name.endsWith('.initialize'),
    ),
    errors: [...new Set(errors)].filter((name) => {
      const error = name.split(' ')[1] ?? ''
      return !met.has(error) && !unreachable.has(name) && !unreachable.has(error)
    }),
  }
}
