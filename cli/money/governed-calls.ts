import { readFileSync } from 'node:fs'
import { decodeCall, encodeCall, type MoneyContract, moneyContracts } from '../../chain/ledger/money-contracts.ts'
import { UsageError } from '../../common/errors.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import type { ChainAccess } from './action.ts'
import { parseOpen } from './values.ts'

/** What a proposal has the Timelock call. */
export type GovernedCall = { readonly to: Hex; readonly value: bigint; readonly data: Hex }

/** Calls that one proposal can have. */
export const callsMax = 50

/**
 * The calls of a JSON file: a list of `{ contract, function, args }` or `{ to, data }`, each with an optional `value` in OPEN.
 * `slow: true` has the MoneyTimelock make the call, which owns what holds money. Throws UsageError.
 */
export async function readCalls(path: string, chain: Pick<ChainAccess, 'read'>): Promise<GovernedCall[]> {
  const list = parsed(path)
  if (!Array.isArray(list) || list.length === 0 || list.length > callsMax) {
    throw new UsageError(`--calls ${path} must be a list of 1 to ${callsMax} calls`)
  }
  const delay = list.some(isSlow) ? ((await chain.read('MoneyTimelock', 'getMinDelay')) as bigint) : 0n
  return list.map((item: unknown, i) => {
    try {
      const call = callOf(item)
      return isSlow(item) ? scheduled(call, delay) : call
    } catch (cause) {
      throw new UsageError(`--calls ${path}: call ${i + 1}: ${(cause as Error).message}`, { cause })
    }
  })
}

/** The `nth` call, from 1, that a proposal had the MoneyTimelock schedule: the arguments of its `execute`. Throws UsageError. */
export async function slowCall(
  proposal: bigint,
  nth: number,
  chain: Pick<ChainAccess, 'read'>,
): Promise<readonly unknown[]> {
  const [targets, , calldatas] = (await chain.read('OpenLedgerGovernor', 'proposalDetails', [proposal])) as readonly [
    readonly Hex[],
    readonly bigint[],
    readonly Hex[],
  ]
  const slow = calldatas.filter((_, i) => targets[i] === moneyContracts.MoneyTimelock)
  const data = slow[nth - 1]
  if (data === undefined) {
    throw new UsageError(`--call ${nth}: proposal ${proposal} has ${slow.length} calls for the MoneyTimelock`)
  }
  const { functionName, args } = decodeCall('MoneyTimelock', data)
  if (functionName !== 'schedule') throw new UsageError(`--call ${nth} is ${functionName}, which schedules nothing`)
  return args.slice(0, 5)
}

function scheduled({ to, value, data }: GovernedCall, delay: bigint): GovernedCall {
  const args = [to, value, data, zeroHash, zeroHash, delay]
  return { value: 0n, ...encodeCall({ contract: 'MoneyTimelock', functionName: 'schedule', args }) }
}

function callOf(item: unknown): GovernedCall {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) throw new Error('must be an object')
  const call = item as Readonly<Record<string, unknown>>
  const unknownKey = Object.keys(call).find((key) => !keys.includes(key))
  if (unknownKey !== undefined) throw new Error(`unknown key ${unknownKey}; there are ${keys.join(', ')}`)
  const value = call['value'] === undefined ? 0n : parseOpen(String(call['value']))
  if (value === undefined) throw new Error('value must be OPEN such as 1.5, or wei such as 150wei')
  if (call['contract'] !== undefined) return { value, ...namedCall(call) }
  const [to, data] = [String(call['to'] ?? '').toLowerCase(), String(call['data'] ?? '0x').toLowerCase()]
  if (!/^0x[0-9a-f]{40}$/.test(to)) throw new Error('needs to, an address, or contract and function')
  if (!/^0x(?:[0-9a-f]{2})*$/.test(data)) throw new Error('data must be bytes: 0x and pairs of hex digits')
  return { to: to as Hex, value, data: data as Hex }
}

function namedCall(call: Readonly<Record<string, unknown>>): { readonly to: Hex; readonly data: Hex } {
  const contract = String(call['contract'])
  if (!Object.hasOwn(moneyContracts, contract)) {
    throw new Error(`unknown contract ${contract}; there are ${Object.keys(moneyContracts).join(', ')}`)
  }
  const args = call['args'] ?? []
  if (!Array.isArray(args)) throw new Error('args must be a list')
  return encodeCall({ contract: contract as MoneyContract, functionName: String(call['function'] ?? ''), args })
}

const keys = ['contract', 'function', 'args', 'to', 'data', 'value', 'slow']

function isSlow(item: unknown): boolean {
  return (item as { readonly slow?: unknown } | null)?.slow === true
}

function parsed(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new UsageError(`--calls ${path} cannot be read as JSON`, { cause })
  }
}
