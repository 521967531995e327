import { decodeFunctionResult, encodeFunctionData, parseAbi } from 'viem/utils'
import { allEvents } from '../../chain/ledger/all-events.ts'
import { lowerCase } from '../../chain/ledger/money-contracts.ts'
import { HttpRpcClient } from '../../common/json-rpc.ts'
import { openLedgerPredeploys, predeploys } from '../../contracts/addresses.ts'
import { openSupply } from '../../genesis/supply.ts'
import { type Hex, parseQuantity } from '../../protocol/bytes.ts'
import type { ChainAccess } from './action.ts'
import { RefusedError } from './refused.ts'
import { Amount } from './values.ts'

const rpcTimeoutMs = 20_000
const token = parseAbi([
  'function token() view returns (address)',
  'function balanceOf(address) view returns (uint256)',
])
const bridgeAbi = parseAbi(['function l1Bridge() view returns (address)'])

/**
 * OPEN of both chains beside each other. All of it is 10²⁷ wei; what circulates on the L2 is what its liquidity let out, and the L1
 * bridge holds at least that much for it. What it holds beyond is under way, or was burned on the L2 for good. Throws RefusedError
 * where the L2 has more than the L1 holds.
 */
export async function supplyOf(l1Url: string, chain: ChainAccess) {
  const liquidity = parseQuantity(await chain.request('eth_getBalance', [predeploys.nativeAssetLiquidity, 'latest']))
  const circulating = openSupply - liquidity
  const burned = (await allEvents(chain, 'OpenBurner', 'Burned')).reduce(
    (sum, { args }) => sum + BigInt(args['amount'] as bigint),
    0n,
  )
  const l1Bridge = read(
    bridgeAbi,
    'l1Bridge',
    await chain.request('eth_call', [callOf(bridgeAbi, 'l1Bridge', [], openLedgerPredeploys.openBridge), 'latest']),
  ) as Hex
  const l1 = new HttpRpcClient({ url: l1Url, timeoutMs: rpcTimeoutMs, signal: chain.signal })
  const l1Call = async (to: Hex, name: string, args: readonly unknown[] = []) =>
    read(token, name, await l1.request('eth_call', [callOf(token, name, args, to), 'latest']))
  const l1Token = (await l1Call(l1Bridge, 'token')) as Hex
  const locked = (await l1Call(l1Token, 'balanceOf', [l1Bridge])) as bigint
  const underWay = locked - circulating - burned
  if (underWay < 0n) {
    throw new RefusedError(
      `ALARM: ${new Amount(circulating)} circulate on the L2 and ${new Amount(burned)} were burned, but the L1 bridge holds ${new Amount(locked)}`,
    )
  }
  return {
    supply: new Amount(openSupply),
    l1Bridge,
    l1Token,
    lockedOnL1: new Amount(locked),
    circulatingOnL2: new Amount(circulating),
    inLiquidity: new Amount(liquidity),
    burnedOnL2: new Amount(burned),
    underWay: new Amount(underWay),
    holds: true,
  }
}

type Abi = typeof token | typeof bridgeAbi

function callOf(abi: Abi, functionName: string, args: readonly unknown[], to: Hex) {
  return { to, data: encodeFunctionData({ abi, functionName, args } as Parameters<typeof encodeFunctionData>[0]) }
}

function read(abi: Abi, functionName: string, data: unknown): unknown {
  const decoded = { abi, functionName, data: data as Hex } as Parameters<typeof decodeFunctionResult>[0]
  return lowerCase(decodeFunctionResult(decoded))
}
