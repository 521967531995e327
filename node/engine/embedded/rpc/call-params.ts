import { RpcError, rpcCodes } from '../../../../common/json-rpc.ts'
import { bytesToHex, equalBytes, FormatError, type Hex, parseQuantity } from '../../../../protocol/bytes.ts'
import type { BlockOverrides, CallFees, CallMessage, StateOverrides } from '../chain-view.ts'
import { overridesMax } from './limits.ts'
import {
  accessListParam,
  addressParam,
  authorizationListParam,
  bytesParam,
  objectParam,
  optional,
  uint64Param,
  wordParam,
} from './params.ts'

/** A call object with its fees as they came. */
export type CallParams = {
  readonly message: Omit<CallMessage, 'gasPrice'>
  readonly fees: CallFees
}

/** Parses the object of eth_call and its kin. Throws {@link FormatError}. */
export function callParams(value: unknown, chainId: bigint): CallParams {
  const call = objectParam(value, 'the call')
  const uint = (key: string) => optional(call[key], (item) => parseQuantity(item, key))
  const fees = {
    gasPrice: uint('gasPrice'),
    maxFeePerGas: uint('maxFeePerGas'),
    maxPriorityFeePerGas: uint('maxPriorityFeePerGas'),
  }
  if (fees.gasPrice !== undefined && (fees.maxFeePerGas ?? fees.maxPriorityFeePerGas) !== undefined) {
    throw new FormatError('both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified')
  }
  if (optional(call['blobVersionedHashes'], (hashes) => hashes) !== undefined) {
    throw new FormatError('transaction type not supported: this chain has no blob transactions')
  }
  const id = uint('chainId')
  if (id !== undefined && id !== chainId)
    throw new FormatError(`chainId does not match node's (have=${id}, want=${chainId})`)
  return {
    message: {
      from: optional(call['from'], (item) => addressParam(item, 'from')),
      to: optional(call['to'], (item) => addressParam(item, 'to')),
      gas: optional(call['gas'], (item) => uint64Param(item, 'gas')),
      value: uint('value'),
      data: callData(call),
      accessList: optional(call['accessList'], accessListParam),
      authorizationList: optional(call['authorizationList'], authorizationListParam),
    },
    fees,
  }
}

/** What the message pays per gas at that base fee; 0 where it names no fee. */
export function callGasPrice({ gasPrice, maxFeePerGas, maxPriorityFeePerGas }: CallFees, baseFee: bigint): bigint {
  if (gasPrice !== undefined) return gasPrice
  if (maxFeePerGas === undefined) return maxPriorityFeePerGas === undefined ? 0n : baseFee + maxPriorityFeePerGas
  const tip = maxPriorityFeePerGas ?? 0n
  if (maxFeePerGas === 0n && tip === 0n) return 0n
  if (tip > maxFeePerGas) {
    throw new RpcError(
      rpcCodes.server,
      `max priority fee per gas higher than max fee per gas: tip ${tip}, fee cap ${maxFeePerGas}`,
    )
  }
  if (maxFeePerGas < baseFee) {
    throw new RpcError(
      rpcCodes.server,
      `max fee per gas less than block base fee: maxFeePerGas: ${maxFeePerGas}, baseFee: ${baseFee}`,
    )
  }
  return tip < maxFeePerGas - baseFee ? baseFee + tip : maxFeePerGas
}

/** Parses eth_call's state overrides. Throws {@link FormatError}. */
export function stateOverridesParam(value: unknown): StateOverrides | undefined {
  if (value === undefined || value === null) return undefined
  const entries = limited(objectParam(value, 'state overrides'), 'state overrides')
  return new Map(entries.map(([address, account]) => [bytesToHex(addressParam(address)), accountOverride(account)]))
}

/** Parses eth_call's block overrides. Throws {@link FormatError}. */
export function blockOverridesParam(value: unknown): BlockOverrides | undefined {
  if (value === undefined || value === null) return undefined
  const record = objectParam(value, 'block overrides')
  return {
    number: optional(record['number'], (item) => uint64Param(item, 'number')),
    time: optional(record['time'] ?? record['timestamp'], (item) => uint64Param(item, 'time')),
    gasLimit: optional(record['gasLimit'], (item) => uint64Param(item, 'gasLimit')),
    feeRecipient: optional(record['feeRecipient'] ?? record['coinbase'], (item) => addressParam(item, 'feeRecipient')),
    prevRandao: optional(record['prevRandao'] ?? record['random'], (item) => wordParam(item, 'prevRandao')),
    baseFeePerGas: optional(record['baseFeePerGas'] ?? record['baseFee'], (item) =>
      parseQuantity(item, 'baseFeePerGas'),
    ),
  }
}

function accountOverride(value: unknown) {
  const record = objectParam(value, 'account override')
  const [state, stateDiff] = [record['state'], record['stateDiff']]
  if (optional(state, Boolean) !== undefined && optional(stateDiff, Boolean) !== undefined) {
    throw new FormatError('an account has both state and stateDiff overrides')
  }
  if (optional(record['movePrecompileToAddress'], Boolean) !== undefined) {
    throw new FormatError('movePrecompileToAddress is not supported')
  }
  return {
    balance: optional(record['balance'], (item) => parseQuantity(item, 'balance')),
    nonce: optional(record['nonce'], (item) => uint64Param(item, 'nonce')),
    code: optional(record['code'], (item) => bytesParam(item, 'code')),
    state: optional(state, slotsParam),
    stateDiff: optional(stateDiff, slotsParam),
  }
}

function slotsParam(value: unknown): ReadonlyMap<Hex, Hex> {
  const entries = limited(objectParam(value, 'storage override'), 'storage override')
  return new Map(
    entries.map(([slot, word]) => [bytesToHex(wordParam(slot, 'slot')), bytesToHex(wordParam(word, 'storage value'))]),
  )
}

function limited(record: Record<string, unknown>, what: string): [string, unknown][] {
  const entries = Object.entries(record)
  if (entries.length > overridesMax) throw new FormatError(`${what} may have ${overridesMax} entries`)
  return entries
}

/** `input` is the newer name of `data`; both may stand only if they are equal. */
function callData(call: Record<string, unknown>): Uint8Array | undefined {
  const input = optional(call['input'], (item) => bytesParam(item, 'input'))
  const data = optional(call['data'], (item) => bytesParam(item, 'data'))
  if (input !== undefined && data !== undefined && !equalBytes(input, data)) {
    throw new FormatError('both "data" and "input" are set and not equal')
  }
  return input ?? data
}
