import { UsageError } from '../../common/errors.ts'
import { RpcError, rpcCodes } from '../../common/json-rpc.ts'
import { type Hex, parseQuantity, quantity } from '../../protocol/bytes.ts'
import type { L2Rpc } from './l2-rpc.ts'
import { decodeResult, decodeRevert, encodeCall, type MoneyCall, returnsSomething } from './money-contracts.ts'

/** A contract refused: `error` is the custom error's name. */
export class CallReverted extends Error {
  override readonly name = 'CallReverted'
  readonly error: string
  readonly args: readonly unknown[]

  constructor(what: string, { error, args }: { readonly error: string; readonly args: readonly unknown[] }) {
    super(`${what}: ${error}(${args.map(shown).join(', ')})`)
    this.error = error
    this.args = args
  }
}

/** The chain has no such contract: it is another one. */
export class NoContract extends UsageError {
  constructor(contract: string) {
    super(`the chain has no ${contract}: is --rpc an OpenLedger L2?`)
  }
}

/** What a call would return on the latest block. Throws {@link CallReverted}, {@link NoContract}, and what the RPC throws. */
export async function callContract(rpc: L2Rpc, call: MoneyCall, from?: Hex): Promise<unknown> {
  const { contract, functionName, value } = call
  const sender = from === undefined ? {} : { from }
  const wei = value === undefined ? {} : { value: quantity(value) }
  try {
    const data = (await rpc.request('eth_call', [{ ...encodeCall(call), ...sender, ...wei }, 'latest'])) as Hex
    if (data === '0x' && returnsSomething(contract, functionName)) throw new NoContract(contract)
    return decodeResult(contract, functionName, data)
  } catch (error) {
    const revert = revertData(error)
    if (revert === undefined) throw error
    throw new CallReverted(`${contract}.${functionName}`, decodeRevert(revert))
  }
}

/** Gas of a view whose answer depends on the block's base fee. */
const pricedGas = 1_000_000n

/**
 * The same, of a view that asks for the block's base fee, which engines take for 0 in a call without a gas price. `from` must
 * hold {@link pricedGas} at twice the base fee.
 */
export async function callPriced(rpc: L2Rpc, call: MoneyCall, from: Hex): Promise<unknown> {
  const block = (await rpc.request('eth_getBlockByNumber', ['latest', false])) as Record<string, string>
  const gasPrice = quantity(2n * parseQuantity(block['baseFeePerGas'], 'base fee'))
  const request = (method: string, params: readonly unknown[] = []) => {
    const [tx, ...rest] = params as readonly [object, ...unknown[]]
    return rpc.request(method, [{ ...tx, gas: quantity(pricedGas), gasPrice }, ...rest])
  }
  return await callContract({ request }, call, from)
}

export type L2Head = { readonly number: bigint; readonly hash: Hex; readonly time: bigint }

/** Undefined where there is no such block. `time` in Unix seconds. */
export async function readHead(rpc: L2Rpc, block: bigint | 'latest' | 'finalized'): Promise<L2Head | undefined> {
  const tag = typeof block === 'bigint' ? quantity(block) : block
  const json = (await rpc.request('eth_getBlockByNumber', [tag, false])) as Record<string, string> | null
  if (json === null) return undefined
  return {
    number: parseQuantity(json['number'], 'block number'),
    hash: json['hash'] as Hex,
    time: parseQuantity(json['timestamp'], 'timestamp'),
  }
}

/** The bytes of a revert; undefined for every other error. */
function revertData(error: unknown): Hex | undefined {
  if (!(error instanceof RpcError)) return undefined
  if (typeof error.data === 'string' && error.data.startsWith('0x')) return error.data as Hex
  return error.code === rpcCodes.reverted || /execution reverted/.test(error.message) ? '0x' : undefined
}

function shown(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? item.toString() : item)) ?? ''
}
