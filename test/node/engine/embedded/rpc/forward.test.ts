import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../../../fakes/anvil.ts'
import { RpcWorld, testChain } from './rpc-world.ts'

let sequencer: RpcWorld
let verifier: RpcWorld

beforeAll(async () => {
  sequencer = await RpcWorld.open()
  verifier = await RpcWorld.open({ sequencerUrl: `http://${sequencer.url}` })
})
afterAll(async () => {
  await verifier.close()
  await sequencer.close()
})

const signed = (nonce: number, fields: object = {}) =>
  verifier.walletClient(0).account.signTransaction({
    chainId: testChain.id,
    type: 'eip1559',
    nonce,
    gas: 21_000n,
    maxFeePerGas: 10n ** 10n,
    maxPriorityFeePerGas: 1n,
    to: '0x00000000000000000000000000000000000000aa',
    ...fields,
  })

test('a transaction sent to a verifier reaches the sequencer’s pool and not its own', async () => {
  const raw = await signed(0)
  const { result } = await verifier.rpc('eth_sendRawTransaction', raw)
  expect((await sequencer.rpc('eth_getTransactionByHash', result)).result).toMatchObject({ hash: result })
  expect((await verifier.rpc('eth_getTransactionByHash', result)).result).toBeNull()
})

test('the sequencer’s error comes back as it sent it', async () => {
  const raw = await signed(0)
  const own = await sequencer.rpc('eth_sendRawTransaction', raw)
  expect(own.error?.message).toContain('already known')
  expect((await verifier.rpc('eth_sendRawTransaction', raw)).error).toEqual(own.error)
})

test('what is no transaction is refused before the sequencer is asked', async () => {
  expect((await verifier.rpc('eth_sendRawTransaction', '0x02c0')).error).toMatchObject({ code: -32602 })
})

test('a sequencer that does not answer is an error that says so', async () => {
  const alone = await RpcWorld.open({ sequencerUrl: `http://127.0.0.1:${await freePort()}` })
  const { error } = await alone.rpc('eth_sendRawTransaction', await signed(1))
  expect(error).toMatchObject({ code: -32000, message: expect.stringContaining('sequencer does not answer') })
  await alone.close()
})
