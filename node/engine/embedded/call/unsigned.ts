import { bytesToHex } from '../../../../protocol/bytes.ts'
import type { CallMessage, SimulatedCallResult } from '../chain-view.ts'
import { CallError } from '../errors.ts'
import { floorDataGas, initCodeBytesMax, intrinsicGas } from '../intrinsic-gas.ts'
import { applyAuthorizations, delegateOf } from '../transition/authorizations.ts'
import type { BlockEnv } from '../transition/block-env.ts'
import { begin, runMessage, settle } from '../transition/message.ts'
import { cappedRefund } from '../transition/refund.ts'

const zeroSender = new Uint8Array(20)

/**
 * Runs a message that nobody signed, as a transaction would run but for nonce, code of the sender and the OP Stack's
 * own fees. Throws {@link CallError} where not even a free one could. Source: geth `ethapi.DoCall`.
 */
export async function runUnsigned(
  env: BlockEnv,
  message: CallMessage,
  gasCap: bigint | undefined,
): Promise<SimulatedCallResult> {
  const from = message.from ?? zeroSender
  const data = message.data ?? new Uint8Array(0)
  const value = message.value ?? 0n
  const price = message.gasPrice ?? 0n
  const gas = gasOf(message, env, gasCap)
  const intrinsic = checkGas(env, { ...message, data }, gas)
  const floor = floorDataGas(data, env.times, env.timestamp)
  const { state } = env
  const balance = state.balance(from)
  if (balance < gas * price + value) throw insufficient(from, balance, gas * price + value)
  await begin(env)
  state.updateAccount(from, { balance: balance - gas * price, nonce: state.nonce(from) + 1n })
  const { authorities, refund } = applyAuthorizations(env, message.authorizationList ?? [])
  const delegate = message.to === undefined ? undefined : delegateOf(state.code(message.to))
  const outcome = await runMessage(env, {
    from,
    to: message.to,
    value,
    data,
    gas: gas - intrinsic,
    gasPrice: price,
    accessList: message.accessList ?? [],
    warm: delegate === undefined ? authorities : [...authorities, delegate],
  })
  const used = intrinsic + outcome.gasUsed
  const net = used - cappedRefund(used, outcome.refund + refund)
  const gasUsed = net > floor ? net : floor
  if (price > 0n) state.addBalance(from, (gas - gasUsed) * price)
  await settle(env, outcome.destructed)
  return {
    status: outcome.status,
    output: outcome.output,
    gasUsed,
    gasUsedMax: used > floor ? used : floor,
    logs: outcome.logs,
    error: outcome.error === 'revert' ? 'execution reverted' : outcome.error,
    contractAddress: outcome.created,
  }
}

function gasOf(message: CallMessage, env: BlockEnv, gasCap: bigint | undefined): bigint {
  const cap = gasCap ?? env.gasLimit
  const wanted = message.gas ?? cap
  return wanted < cap ? wanted : cap
}

function checkGas(env: BlockEnv, message: CallMessage & { readonly data: Uint8Array }, gas: bigint): bigint {
  const { times, timestamp, rules } = env
  const intrinsic = intrinsicGas(message, times, timestamp)
  if (gas < intrinsic) throw new CallError('too-little-gas', `intrinsic gas too low: have ${gas}, want ${intrinsic}`)
  const floor = floorDataGas(message.data, times, timestamp)
  if (gas < floor)
    throw new CallError('too-little-gas', `insufficient gas for floor data gas cost: have ${gas}, want ${floor}`)
  if (message.to === undefined && rules.canyon && message.data.length > initCodeBytesMax) {
    throw new CallError('init-code', `max initcode size exceeded: code size ${message.data.length}`)
  }
  return intrinsic
}

function insufficient(from: Uint8Array, have: bigint, want: bigint): CallError {
  const address = bytesToHex(from)
  return new CallError(
    'insufficient-funds',
    `insufficient funds for gas * price + value: address ${address} have ${have} want ${want}`,
  )
}
