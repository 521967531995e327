import { readdir, writeFile } from 'node:fs/promises'
import type { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import type { Kzg } from '../../../chain/tx/kzg.ts'
import type { TxCandidate } from '../../../chain/tx/tx-candidate.ts'
import { TxJournal } from '../../../chain/tx/tx-journal.ts'
import { RpcError } from '../../../common/json-rpc.ts'
import { emptyBytes, type Hex, hexToBytes } from '../../../protocol/bytes.ts'
import { asList, rlpDecode } from '../../../protocol/rlp.ts'
import { JsonRpcL1 } from '../../fakes/json-rpc-l1.ts'
import { l1Parts, temporaryDirectory, txManager } from '../../fakes/l1-parts.ts'
import { until } from '../../fakes/until.ts'

const inbox: Hex = '0xff00000000000000000000000000000000001612'
const signal = new AbortController().signal
const candidate = (key: string): TxCandidate => ({ key, to: inbox, data: Uint8Array.of(1), gasLimit: 30_000n })
const blobCandidate = (key: string): TxCandidate => ({
  key,
  to: inbox,
  data: emptyBytes,
  gasLimit: 21_000n,
  blobs: [new Uint8Array(131_072)],
})
const kzg: Kzg = {
  commitment: async (blob) => blob.slice(0, 48),
  proof: async () => new Uint8Array(48).fill(1),
  cellProofs: async () => Array.from({ length: 128 }, () => new Uint8Array(48).fill(2)),
}

async function world(options: Parameters<typeof txManager>[1] = {}) {
  const l1 = new JsonRpcL1()
  const parts = l1Parts([l1], { kzg })
  const directory = await temporaryDirectory()
  const manager = await txManager(parts, { receiptPollMs: 1, directory, ...options })
  return { l1, parts, directory, manager }
}

/** Mines while something is in the pool, until the promise is settled. */
async function mined<T>(l1: JsonRpcL1, promise: Promise<T>): Promise<T> {
  let isSettled = false
  const settle = () => {
    isSettled = true
  }
  promise.then(settle, settle)
  await until(() => {
    if (l1.pool.size > 0) l1.mine()
    return isSettled
  })
  return promise
}

test('transactions submitted together get nonces in the order of the calls', async () => {
  const { l1, manager } = await world()
  const keys = ['a', 'b', 'c']
  await mined(l1, Promise.all(keys.map((key, i) => manager.submit({ ...candidate(key), value: BigInt(i) }, signal))))
  expect(l1.sentTo(inbox).map((tx) => [tx.nonce, tx.value])).toEqual([
    [0n, 0n],
    [1n, 1n],
    [2n, 2n],
  ])
})

test('a transaction that is not mined is outbid under its own nonce, within the limits', async () => {
  const { l1, manager } = await world({ resubmissionTimeoutMs: 10 })
  const submitted = manager.submit(candidate('a'), signal)
  const fees: bigint[] = []
  await until(() => {
    const [tx] = [...l1.pool.values()]
    if (tx?.type === 2 && tx.maxFeePerGas !== fees.at(-1)) fees.push(tx.maxFeePerGas)
    return fees.length >= 4
  })
  for (let i = 1; i < fees.length; i++) expect(fees[i]).toBeGreaterThanOrEqual(((fees[i - 1] ?? 0n) * 110n) / 100n)
  l1.mine()
  await submitted
  expect(l1.sentTo(inbox)).toHaveLength(1)
})

test('an earlier attempt that gets mined counts', async () => {
  const { l1, manager } = await world({ resubmissionTimeoutMs: 10 })
  const submitted = manager.submit(candidate('a'), signal)
  await until(() => l1.pool.size === 1)
  const [first] = [...l1.pool.entries()]
  await until(() => l1.asked.filter((method) => method === 'eth_sendRawTransaction').length >= 3)
  if (first !== undefined) l1.pool.set(first[0], first[1])
  l1.mine()
  expect((await submitted).succeeded).toBe(true)
})

test('confirmations are waited for, and a reorg meanwhile is noticed', async () => {
  const { l1, manager } = await world({ confirmations: 4 })
  let isDone = false
  const submitted = manager.submit(candidate('a'), signal).then((receipt) => {
    isDone = true
    return receipt
  })
  await until(() => l1.pool.size === 1)
  l1.mine(2)
  l1.reorg(2)
  await until(() => l1.pool.size === 1)
  l1.mine(3)
  await new Promise((done) => setTimeout(done, 20))
  expect(isDone).toBe(false)
  l1.mine()
  expect((await submitted).blockNumber).toBe(l1.head.header.number - 3n)
})

test('a nonce that someone else used is given up, and the transaction gets another', async () => {
  const { l1, parts, manager } = await world()
  const other = await txManager(parts, { receiptPollMs: 1 })
  l1.intercept = (method) => {
    if (method === 'eth_sendRawTransaction' && l1.chain.length === 1) throw new RpcError(-32000, 'nonce too low')
    return undefined
  }
  const submitted = manager.submit(candidate('mine'), signal)
  await until(() => manager.knows('mine'))
  l1.intercept = () => undefined
  await mined(l1, other.submit({ ...candidate('theirs'), value: 1n }, signal))
  const receipt = await mined(l1, submitted)
  expect(receipt.succeeded).toBe(true)
  expect(l1.sentTo(inbox).map((tx) => tx.nonce)).toEqual([0n, 1n])
})

test('a gap before journalled nonces is filled, so that later transactions are mined', async () => {
  const { l1, manager, parts, directory } = await world()
  const submitted = ['a', 'b'].map((key) => manager.submit({ ...candidate(key) }, signal))
  await until(() => l1.pool.size === 2)
  l1.mine()
  await Promise.all(submitted)
  // The owner of the first transaction forgot it, and then a reorg threw both out.
  await manager.forget('a')
  l1.reorg(1)
  const again = await txManager(parts, { receiptPollMs: 1, directory })
  const receipts = await mined(l1, Promise.all(['b', 'c'].map((key) => again.submit(candidate(key), signal))))
  expect(receipts.map((receipt) => receipt.succeeded)).toEqual([true, true])
})

test('mined transactions that a reorg threw out are sent again for the one that waits behind them', async () => {
  const { l1, manager } = await world()
  const before = ['a', 'b'].map((key) => manager.submit(candidate(key), signal))
  await until(() => l1.pool.size === 2)
  l1.mine()
  await Promise.all(before)
  const waiting = manager.submit(candidate('c'), signal)
  await until(() => l1.pool.size === 1)
  // Nobody submits a and b any more, yet c cannot be mined without them.
  l1.reorg(1)
  expect((await mined(l1, waiting)).succeeded).toBe(true)
  expect(l1.sentTo(inbox).map((tx) => tx.nonce)).toEqual([0n, 1n, 2n])
})

test('a sidecar version that L1 refuses is changed, and the transaction keeps its hash', async () => {
  const { l1, manager } = await world()
  const versions: number[] = []
  l1.intercept = (method, [raw]) => {
    if (method !== 'eth_sendRawTransaction') return undefined
    const network = asList(rlpDecode(hexToBytes(String(raw)).subarray(1)), 'network form')
    versions.push(network.length === 4 ? 0 : 1)
    if (network.length === 4)
      throw new RpcError(-32000, 'blob sidecar version 0 is not supported: cell proofs expected')
    return undefined
  }
  const receipt = await mined(l1, manager.submit(blobCandidate('a'), signal))
  expect(receipt.succeeded).toBe(true)
  expect(versions.slice(0, 2)).toEqual([0, 1])
  await mined(l1, manager.submit(blobCandidate('b'), signal))
  expect(versions.at(-1)).toBe(1)
})

test('what keeps the account in the other pool is cancelled by a transaction of its kind', async () => {
  const { l1, manager } = await world()
  l1.intercept = (method, [raw]) => {
    const isCall = method === 'eth_sendRawTransaction' && String(raw).startsWith('0x02')
    if (isCall && l1.chain.length < 2) throw new RpcError(-32000, 'address already reserved')
    return undefined
  }
  const receipt = await mined(l1, manager.submit(candidate('a'), signal))
  expect(receipt.succeeded).toBe(true)
  expect(l1.chain.flatMap((block) => block.txs).map((tx) => tx.type)).toEqual([3, 2])
})

test('blob and other transactions are not in flight together', async () => {
  const { l1, manager } = await world()
  const first = manager.submit(candidate('a'), signal)
  const second = manager.submit(blobCandidate('b'), signal)
  await until(() => l1.pool.size === 1)
  await new Promise((done) => setTimeout(done, 20))
  expect([...l1.pool.values()].map((tx) => tx.type)).toEqual([2])
  await mined(l1, Promise.all([first, second]))
  expect(l1.chain.map((block) => block.txs.map((tx) => tx.type)).filter((types) => types.length > 0)).toEqual([
    [2],
    [3],
  ])
})

test('an empty account is named with its address and balance', async () => {
  const { l1, manager } = await world()
  l1.balance = 0n
  const error = await manager.submit(candidate('a'), signal).catch((caught: unknown) => caught)
  expect(error).toMatchObject({ code: 'insufficient-funds' })
  expect(String(error)).toContain(manager.address)
  expect(String(error)).toContain('holds 0 wei')
  l1.balance = 1n
  await mined(l1, manager.submit(candidate('a'), signal))
  expect(l1.sentTo(inbox).map((tx) => tx.nonce)).toEqual([0n])
})

test('a transaction that L1 will never take is refused with its words', async () => {
  const { l1, manager } = await world()
  l1.intercept = (method) => {
    if (method === 'eth_sendRawTransaction') throw new RpcError(-32000, 'exceeds block gas limit')
    return undefined
  }
  await expect(manager.submit(candidate('a'), signal)).rejects.toMatchObject({ code: 'rejected' })
  await expect(manager.submit(candidate('a'), signal)).rejects.toThrow('exceeds block gas limit')
})

test('the block of the last own transaction is found by its nonce', async () => {
  const { l1, manager } = await world()
  expect(await manager.lastMinedBlock(128n)).toBeUndefined()
  l1.mine(5)
  const receipt = await mined(l1, manager.submit(candidate('a'), signal))
  l1.mine(20)
  expect(await manager.lastMinedBlock(128n)).toBe(receipt.blockNumber)
  expect(await manager.lastMinedBlock(10n)).toBe(l1.head.header.number - 10n)
})

test('a damaged journal is not overlooked, leftovers of a kill are swept', async () => {
  const { l1, manager, directory } = await world()
  await mined(l1, manager.submit(candidate('a'), signal))
  await writeFile(`${directory}/0x00.raw`, 'x')
  await writeFile(`${directory}/000000000000.json.tmp`, '{')
  await TxJournal.open(directory)
  expect((await readdir(directory)).toSorted()).toHaveLength(2)
  await writeFile(`${directory}/000000000007.json`, '{"key":')
  await expect(TxJournal.open(directory)).rejects.toMatchObject({ code: 'corrupt' })
})

test('two managers count in one registry', async () => {
  const { parts, l1 } = await world()
  const registry = parts.registry as Registry
  const manager = await txManager(parts, { receiptPollMs: 1, name: 'other' })
  await mined(l1, manager.submit(candidate('a'), signal))
  expect(await registry.metrics()).toContain('l1_tx_confirmed_total{account="other"} 1')
})
