import { expect, test } from 'vitest'
import type { FrameEnter, FrameExit } from '../../../../node/engine/embedded/chain-view.ts'
import { bytesToBigint, bytesToHex, hexToBytes, uintBytes } from '../../../../protocol/bytes.ts'
import { keccakHex } from '../../../../protocol/keccak.ts'
import { decodeTransaction, type FeeMarketTx } from '../../../../protocol/transaction.ts'
import {
  account,
  addressOf,
  contractAt,
  EngineWorld,
  ether,
  forksUntil,
  genesisWith,
  sourceOf,
  transfer,
} from './engine-world.ts'

const counter = contractAt(0xc0de)
const proxy = contractAt(0xca11)
// Adds one to slot 0, logs with no topic and returns the new value.
const counterCode = hexToBytes('0x60005460010180600055600052602060 00a060206000f3'.replaceAll(' ', ''))
// Delegates nothing, calls the counter with what it got and returns the word.
const proxyCode = hexToBytes('0x602060006000600060006100005af1'.replace('610000', '61c0de').concat('5060206000f3'))

const open = () =>
  EngineWorld.open(
    genesisWith(forksUntil('jovian'), [account(counter, { code: counterCode }), account(proxy, { code: proxyCode })]),
  )

test('a call sees the state of its block and changes nothing', async () => {
  const world = await open()
  const genesis = world.chain.latest().hash
  await world.mine([transfer(1, 0n, { to: counter, value: 0n })])
  const head = world.chain.latest().hash
  const at = async (hash: typeof head) => bytesToBigint((await world.chain.call(hash, { to: counter })).output)
  expect([await at(genesis), await at(head), await at(head)]).toEqual([1n, 2n, 2n])
  const overridden = await world.chain.call(
    'pending',
    { to: counter },
    { stateOverrides: new Map([[bytesToHex(counter), { stateDiff: new Map([[word(0), word(41)]]) }]]) },
  )
  expect(bytesToBigint(overridden.output)).toBe(42n)
  await world.close()
})

test('a call costs what the transaction costs, and says why it fails', async () => {
  const world = await open()
  const head = world.chain.latest().hash
  const { gasUsed } = await world.chain.call(head, { from: addressOf(1), to: counter })
  await world.mine([transfer(1, 0n, { to: counter, value: 0n })])
  expect(world.receipts()[0]?.gasUsed).toBe(gasUsed)
  const reverting = await world.chain.call(head, { to: undefined, data: hexToBytes('0x60006000fd') })
  expect(reverting).toMatchObject({ status: 0, error: 'execution reverted' })
  await expect(world.chain.call(head, { to: counter, gas: 20_000n })).rejects.toMatchObject({ code: 'too-little-gas' })
  await expect(world.chain.call(head, { to: counter, value: 1n })).rejects.toMatchObject({ code: 'insufficient-funds' })
  await expect(world.chain.call(`0x${'77'.repeat(32)}`, {})).rejects.toMatchObject({ code: 'unavailable' })
  await world.close()
})

test('an endless call ends at its time limit and the next one is not hurt', async () => {
  const world = await open()
  const head = world.chain.latest().hash
  const endless = { to: undefined, data: hexToBytes('0x5b600056'), gas: 10n ** 15n }
  const options = { gasCap: 10n ** 15n, timeoutMs: 50 }
  await expect(world.chain.call(head, endless, options)).rejects.toMatchObject({ code: 'timeout' })
  expect(bytesToBigint((await world.chain.call(head, { to: counter })).output)).toBe(1n)
  await world.close()
})

test('a trace has the frames of the transaction, their logs and what they touched', async () => {
  const world = await open()
  const raw = transfer(1, 1n, { to: proxy, value: 0n })
  await world.mine([transfer(1, 0n, { to: counter, value: 0n }), raw])
  const entered: FrameEnter[] = []
  const left: FrameExit[] = []
  const result = await world.chain.traceTransaction(keccakHex(raw), {
    enter: (frame) => entered.push(frame),
    exit: (frame) => left.push(frame),
  })
  expect(entered.map(({ type, to }) => [type, to === undefined ? undefined : bytesToHex(to)])).toEqual([
    ['CALL', bytesToHex(proxy)],
    ['CALL', bytesToHex(counter)],
  ])
  expect(left.map(({ logs }) => logs.length)).toEqual([1, 0])
  expect(bytesToBigint(result.output)).toBe(2n)
  expect(result.gasUsed).toBe(world.receipts()[1]?.gasUsed)
  const slot = result.touched.find(({ address }) => bytesToHex(address) === bytesToHex(counter))?.storage.get(word(0))
  expect([slot?.before, slot?.after].map((value) => bytesToBigint(value ?? new Uint8Array(0)))).toEqual([1n, 2n])
  const sender = result.touched.find(({ address }) => bytesToHex(address) === bytesToHex(addressOf(1)))
  expect(sender?.before?.nonce).toBe(1n)
  expect(sender?.after?.nonce).toBe(2n)
  await world.close()
})

test('a payload without noTxPool takes what fits from the pool and passes over the rest', async () => {
  const world = await open()
  const txs = [
    { from: 1, raw: transfer(1, 0n) },
    { from: 2, raw: transfer(2, 5n) },
    { from: 2, raw: transfer(2, 6n) },
    { from: 1, raw: transfer(1, 1n, { value: 2_000n * ether }) },
    { from: 3, raw: transfer(3, 0n, { gasLimit: 40_000_000n }) },
    { from: 3, raw: transfer(3, 0n) },
  ]
  const source = sourceOf(txs.map(({ from, raw }) => ({ from, raw, tx: decodeTransaction(raw) as FeeMarketTx })))
  world.chain.setTransactionSource(source)
  const { executionPayload } = await world.mine([], { noTxPool: false })
  expect(executionPayload.transactions.map(keccakHex)).toEqual([keccakHex(transfer(1, 0n))])
  expect(source.dropped).toContain(keccakHex(transfer(3, 0n, { gasLimit: 40_000_000n })))
  await world.close()
})

function word(n: number): `0x${string}` {
  return bytesToHex(uintBytes(n, 32))
}
