import { afterAll, beforeAll, expect, test } from 'vitest'
import { batchBeacon } from '../../../chain/ledger/batch-beacon.ts'
import { bytesToHex, uintBytes } from '../../../protocol/bytes.ts'
import { LedgerChain } from '../../fakes/ledger-chain.ts'

let chain: LedgerChain
beforeAll(async () => {
  chain = await LedgerChain.open()
}, 120_000)
afterAll(() => chain.close())

async function mineAt(...origins: readonly bigint[]): Promise<void> {
  for (const origin of origins) {
    chain.origin = origin
    await chain.mine()
  }
}

test('the beacon is of the first block whose origin is two behind the batch’s, however many blocks an origin has', async () => {
  const calls: string[] = []
  const rpc = {
    request: (method: string, params?: readonly unknown[]) => {
      calls.push(method)
      return chain.rpc.request(method, params)
    },
  }
  await mineAt(5n, 5n, 6n)
  expect(await batchBeacon(rpc, 1n)).toBeUndefined()
  expect(await batchBeacon(rpc, 99n)).toBeUndefined()
  await mineAt(...Array.from({ length: 20 }, () => 6n))
  expect(await batchBeacon(rpc, 1n)).toBeUndefined()
  await mineAt(8n, 9n, 9n, 10n)
  calls.length = 0
  // Block 24 is the first of origin 8: of 7 there is none.
  expect(await batchBeacon(rpc, 1n)).toBe(bytesToHex(uintBytes(8n, 32)))
  expect(calls.length).toBeLessThan(14)
  expect(await batchBeacon(rpc, 3n)).toBe(bytesToHex(uintBytes(8n, 32)))
  expect(await batchBeacon(rpc, 24n)).toBe(bytesToHex(uintBytes(10n, 32)))
})
