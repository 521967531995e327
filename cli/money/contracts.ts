import type { Abi } from 'viem'
import {
  decodeAbiParameters,
  decodeFunctionResult,
  encodeFunctionData,
  formatAbiItem,
  toFunctionSelector,
} from 'viem/utils'
import { contractAt, decodeEvent } from '../../chain/ledger/money-contracts.ts'
import { predeploys } from '../../contracts/addresses.ts'
import { interfaceOf } from '../../contracts/interface-of.ts'
import type { Hex } from '../../protocol/bytes.ts'

/** Contracts through whose errors a call may be refused; the one called is looked at first. */
const speakers = [
  'InferenceMarket',
  'RoyaltyVault',
  'WorkerRegistry',
  'ModelRegistry',
  'DatanetRegistry',
  'DatanetRelay',
  'DatanetJudge',
  'DatanetUnits',
  'DatanetVotes',
  'DatanetAccess',
  'DatanetReview',
  'SignatureProofs',
  'CodeRegistry',
  'RevenueSplitter',
  'GOPEN',
  'OpenLedgerGovernor',
  'Timelock',
  'StakePool',
  'FeeShares',
  'RoyaltyGraph',
  'IndexRegistry',
  'AgentRegistry',
  'AgentReviews',
  'AgentSpending',
  'AgentTrails',
  'Grants',
  'LicencePolicy',
] as const

type AbiError = Extract<Abi[number], { type: 'error' }>

/** An error or event with its arguments by name. */
export type Spoken = {
  readonly contract: string
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
}

/** The custom error of revert data; undefined for data that no contract here explains. */
export function decodeError(data: Hex, called: string): Spoken | undefined {
  for (const contract of [called, ...speakers]) {
    const item = errorsOf(contract).get(data.slice(0, 10))
    if (item === undefined) continue
    const values = decodeAbiParameters(item.inputs, `0x${data.slice(10)}`) as readonly unknown[]
    const args = Object.fromEntries(item.inputs.map(({ name }, i) => [name ?? `${i}`, values[i]]))
    return { contract, name: item.name, args }
  }
  return undefined
}

/** The event of a log; undefined for one of a contract that is not about money. */
export function decodeLog(log: {
  readonly address: string
  readonly topics: readonly Hex[]
  readonly data: Hex
}): Spoken | undefined {
  const contract = contractAt(log.address)
  const event = contract && decodeEvent(contract, log.topics, log.data)
  return event && { contract, ...event }
}

/** Calldata of a function of the fee oracle of the OP Stack, where it stands, and what it answers. */
export const gasPriceOracle = {
  call: (functionName: string, arg: unknown): { readonly to: Hex; readonly data: Hex } => ({
    to: predeploys.gasPriceOracle,
    data: encodeFunctionData({ abi: abiOf('GasPriceOracle'), functionName, args: [arg] }),
  }),
  answer: (functionName: string, data: Hex): bigint =>
    decodeFunctionResult({ abi: abiOf('GasPriceOracle'), functionName, data }) as bigint,
} as const

function abiOf(contract: string): Abi {
  // solc's output is what viem calls an Abi.
  return interfaceOf(contract) as unknown as Abi
}

const errors = new Map<string, Map<string, AbiError>>()

/** Errors of a contract by selector. */
function errorsOf(contract: string): Map<string, AbiError> {
  let found = errors.get(contract)
  if (found === undefined) {
    const own = abiOf(contract).filter((item): item is AbiError => item.type === 'error')
    found = new Map(own.map((item) => [toFunctionSelector(formatAbiItem(item)), item]))
    errors.set(contract, found)
  }
  return found
}
