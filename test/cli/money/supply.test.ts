import { encodeAbiParameters, toFunctionSelector } from 'viem'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventTopic } from '../../../chain/ledger/money-contracts.ts'
import type { ChainAccess } from '../../../cli/money/action.ts'
import { RefusedError } from '../../../cli/money/refused.ts'
import { supplyOf } from '../../../cli/money/supply.ts'
import { toJson } from '../../../cli/money/values.ts'
import { RpcServer } from '../../../common/json-rpc-server.ts'
import { silentLog } from '../../../common/log.ts'
import { openSupply } from '../../../genesis/supply.ts'
import { type Hex, quantity } from '../../../protocol/bytes.ts'

const bridge: Hex = `0x${'b1'.repeat(20)}`
const token: Hex = `0x${'70'.repeat(20)}`
const word = (value: bigint | Hex) =>
  typeof value === 'bigint'
    ? encodeAbiParameters([{ type: 'uint256' }], [value])
    : encodeAbiParameters([{ type: 'address' }], [value])

let locked = 0n
let l1: RpcServer
let l1Url: string
beforeEach(async () => {
  const eth_call = ([call]: readonly unknown[]) => {
    const { to, data } = call as { readonly to: Hex; readonly data: Hex }
    if (data.startsWith(toFunctionSelector('token()'))) return to === bridge ? word(token) : '0x'
    return to === token ? word(locked) : '0x'
  }
  l1 = new RpcServer({ host: '127.0.0.1', port: 0 }, { methods: { eth_call }, log: silentLog })
  l1Url = `http://127.0.0.1:${await l1.start()}`
})
afterEach(() => l1.stop())

/** An L2 where so many wei circulate and so many were burned for good. */
function l2(circulating: bigint, burned: bigint): ChainAccess {
  const logs = [{ topics: [eventTopic('OpenBurner', 'Burned'), word(bridge)], data: word(burned) }]
  const answers: Readonly<Record<string, unknown>> = {
    eth_blockNumber: '0x1',
    eth_getBalance: quantity(openSupply - circulating),
    eth_getLogs: burned === 0n ? [] : logs,
    eth_call: word(bridge),
  }
  return { request: async (method: string) => answers[method], signal: new AbortController().signal } as never
}

test('what the bridge holds beyond what circulates and was burned is under way', async () => {
  locked = 1_000n
  const { holds, underWay, burnedOnL2, l1Token } = await supplyOf(l1Url, l2(700n, 200n))
  expect([holds, toJson([underWay, burnedOnL2]), l1Token]).toEqual([true, '["100","200"]', token])
})

test('nothing under way still holds', async () => {
  locked = 900n
  expect((await supplyOf(l1Url, l2(700n, 200n))).holds).toBe(true)
})

test('a wei on the L2 that the bridge does not hold raises the alarm', async () => {
  locked = 899n
  const alarm = supplyOf(l1Url, l2(700n, 200n))
  await expect(alarm).rejects.toThrow(RefusedError)
  await expect(alarm).rejects.toThrow(/^ALARM: .*circulate on the L2/)
})
