import { type Abi, type AbiEvent, encodeEventTopics, pad } from 'viem'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  filterIdleMs,
  filtersMax,
  logBlocksMax,
  subscriptionsMax,
} from '../../../../../node/engine/embedded/rpc/limits.ts'
import { bytesToHex, type Hex } from '../../../../../protocol/bytes.ts'
import { patienceMs } from '../../../../fakes/until.ts'
import { compileProbe } from './probe-contract.ts'
import { accounts, RpcWorld, userDeposit } from './rpc-world.ts'

let world: RpcWorld
let probe: Hex
const { abi, bytecode } = compileProbe()
const changed = abi.find((item) => item.type === 'event') as AbiEvent
const sender = (index: number) => accounts[index]?.address ?? '0x'

beforeAll(async () => {
  world = await RpcWorld.open()
  const hash = await world.walletClient(0).deployContract({ abi, bytecode })
  await world.mine()
  const { contractAddress } = await world.publicClient().getTransactionReceipt({ hash })
  if (contractAddress == null) throw new Error('the probe was not deployed')
  probe = contractAddress
  await set(0, 1n)
  await set(1, 2n)
  await world.mine()
  await set(0, 3n)
  await world.mine()
})
afterAll(() => world.close())

async function set(from: number, value: bigint): Promise<Hex> {
  return await world.walletClient(from).writeContract({ address: probe, abi, functionName: 'set', args: [value] })
}

const values = (logs: readonly { args?: unknown }[]) => logs.map(({ args }) => (args as { to: bigint }).to)

describe('eth_getLogs', () => {
  test('finds by address, topic and range', async () => {
    const client = world.publicClient()
    const find = (filter: object) => client.getLogs({ event: changed, fromBlock: 0n, toBlock: 'latest', ...filter })
    expect(values(await find({}))).toEqual([1n, 2n, 3n])
    expect(values(await find({ address: probe, args: { by: sender(0) } }))).toEqual([1n, 3n])
    expect(values(await find({ args: { to: [2n, 3n] } }))).toEqual([2n, 3n])
    expect(values(await find({ address: sender(0) }))).toEqual([])
    expect(values(await find({ fromBlock: 3n }))).toEqual([3n])
    expect(values(await find({ fromBlock: 3n, toBlock: 99n }))).toEqual([3n])
    expect(values(await find({ fromBlock: 98n, toBlock: 99n }))).toEqual([])
  })

  test('the logs of a block are those of its receipts, places included', async () => {
    const client = world.publicClient()
    const block = await client.getBlock({ blockNumber: 2n })
    const logs = await client.getLogs({ blockHash: block.hash })
    const receipts = await Promise.all(block.transactions.map((hash) => client.getTransactionReceipt({ hash })))
    expect(logs.map((log) => log.logIndex)).toEqual([0, 1])
    expect(receipts.flatMap((receipt) => receipt.logs)).toMatchObject(
      logs.map(({ data, logIndex, topics, transactionHash }) => ({ data, logIndex, topics, transactionHash })),
    )
  })

  test.each([
    [{ fromBlock: '0x5', toBlock: '0x1' }, -32602, 'invalid block range'],
    [{ blockHash: `0x${'00'.repeat(32)}` }, -32000, 'unknown block'],
    [{ topics: 'all' }, -32602, 'topics'],
  ])('%o is refused', async (filter, code, message) => {
    const { error } = await world.rpc('eth_getLogs', filter)
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) })
  })

  test('a topic that stands at another position does not match', async () => {
    const topics = encodeEventTopics({ abi: [changed] as Abi, eventName: 'Changed' })
    const by = pad(sender(0))
    const count = async (filter: unknown) =>
      ((await world.rpc('eth_getLogs', { fromBlock: '0x0', topics: filter })).result as unknown[]).length
    expect(await count([topics[0], by])).toBe(2)
    expect(await count([null, by])).toBe(2)
    expect(await count([by])).toBe(0)
    expect(await count([topics[0], null, null, null])).toBe(0)
  })

  test('the range limit is that of the constant', () => {
    expect(logBlocksMax).toBe(10_000n)
  })
})

describe('filters', () => {
  test('tell what came since the last poll, and take back what a reorg removed', async () => {
    const client = world.publicClient()
    const filter = await client.createEventFilter({ event: changed })
    const blocks = await client.createBlockFilter()
    const pending = await client.createPendingTransactionFilter()
    const parent = world.chain.head('latest')?.hash ?? '0x'
    const hash = await set(0, 10n)
    const mined = await world.mine()
    expect(await client.getFilterChanges({ filter: pending })).toEqual([hash])
    expect(await client.getFilterChanges({ filter: blocks })).toEqual([mined.executionPayload.blockHash])
    const [log] = await client.getFilterChanges({ filter })
    expect(log).toMatchObject({ removed: false, args: { to: 10n } })
    expect(await client.getFilterChanges({ filter })).toEqual([])

    const other = await world.mine({ parent, deposits: [userDeposit({})], noTxPool: true })
    expect(await client.getFilterChanges({ filter })).toMatchObject([
      { removed: true, args: { to: 10n }, blockHash: mined.executionPayload.blockHash },
    ])
    expect(await client.getFilterChanges({ filter: blocks })).toEqual([other.executionPayload.blockHash])
    // The transaction waits again, and comes back with the next block.
    expect(world.pool.get(hash)).toBeDefined()
    await world.mine()
    expect(await client.getFilterChanges({ filter })).toMatchObject([{ removed: false, args: { to: 10n } }])
    expect(await client.uninstallFilter({ filter })).toBe(true)
    expect(await client.uninstallFilter({ filter })).toBe(false)
    await expect(client.getFilterChanges({ filter })).rejects.toThrow('filter not found')
  })

  test('eth_getFilterLogs answers the whole range again', async () => {
    const client = world.publicClient()
    const filter = await client.createEventFilter({ event: changed, fromBlock: 0n, toBlock: 2n })
    expect(values(await client.getFilterLogs({ filter }))).toEqual([1n, 2n])
  })

  test('an idle filter is forgotten, and their number is limited', async () => {
    const { result: id } = await world.rpc('eth_newBlockFilter')
    world.clock.advance(filterIdleMs + 1)
    expect((await world.rpc('eth_getFilterChanges', id)).error).toMatchObject({ message: 'filter not found' })
    for (let i = 0; i < filtersMax; i++) await world.rpc('eth_newBlockFilter')
    expect((await world.rpc('eth_newBlockFilter')).error).toMatchObject({ code: -32005 })
    world.clock.advance(filterIdleMs + 1)
    expect((await world.rpc('eth_newBlockFilter')).error).toBeUndefined()
  })
})

describe('subscriptions', () => {
  const stops: (() => unknown)[] = []
  afterEach(() => {
    for (const stop of stops.splice(0)) stop()
  })

  test('heads, logs and pending transactions arrive over WebSocket', async () => {
    const socket = world.socketClient()
    const heads: (bigint | null)[] = []
    const logs: unknown[] = []
    const pending: Hex[] = []
    stops.push(
      socket.watchBlockNumber({ onBlockNumber: (number) => heads.push(number) }),
      socket.watchContractEvent({ abi, address: probe, onLogs: (batch) => logs.push(...values(batch as never)) }),
      socket.watchPendingTransactions({ onTransactions: (hashes) => pending.push(...hashes) }),
    )
    // The subscriptions are in place once a later call over the same socket is answered.
    await socket.getChainId()
    await socket.getChainId()
    const hash = await set(0, 20n)
    const { blockNumber } = (await world.mine()).executionPayload
    await expect.poll(() => logs, { timeout: patienceMs }).toEqual([20n])
    await expect.poll(() => heads.at(-1), { timeout: patienceMs }).toBe(blockNumber)
    await expect.poll(() => pending, { timeout: patienceMs }).toEqual([hash])
    stops.push(async () => (await socket.transport.getRpcClient()).close())
  })

  test('a reorg sends the removed logs first', async () => {
    const ws = await subscribe(['logs', { address: probe }])
    const parent = bytesToHex(world.chain.head('latest')?.header.parentHash ?? new Uint8Array(32))
    await world.mine({ parent, deposits: [userDeposit({ value: 0n })] })
    await expect.poll(() => ws.seen.length, { timeout: patienceMs }).toBeGreaterThan(0)
    expect(ws.seen[0]).toMatchObject({ removed: true })
    ws.close()
  })

  test('over HTTP there are none, of unknown kinds neither, and their number is limited', async () => {
    expect((await world.rpc('eth_subscribe', 'newHeads')).error).toMatchObject({ code: -32601 })
    const ws = await subscribe(['newHeads'])
    expect(await ws.call('eth_subscribe', ['weather'])).toMatchObject({ error: { code: -32602 } })
    for (let i = 1; i < subscriptionsMax; i++) await ws.call('eth_subscribe', ['newHeads'])
    expect(await ws.call('eth_subscribe', ['newHeads'])).toMatchObject({ error: { code: -32005 } })
    expect(await ws.call('eth_unsubscribe', [ws.id])).toMatchObject({ result: true })
    expect(await ws.call('eth_unsubscribe', [ws.id])).toMatchObject({ error: { message: 'subscription not found' } })
    ws.close()
  })

  /** A bare socket: the messages as they stand on the wire. */
  async function subscribe(params: unknown[]) {
    const { WebSocket } = await import('ws')
    const socket = new WebSocket(`ws://${world.url}`)
    const seen: unknown[] = []
    const answers = new Map<number, (answer: unknown) => void>()
    let next = 1
    socket.on('message', (text) => {
      const message = JSON.parse(String(text))
      if (message.method === 'eth_subscription') seen.push(message.params.result)
      else answers.get(message.id)?.(message)
    })
    await new Promise((resolve) => socket.once('open', resolve))
    const call = (method: string, callParams: unknown[]) =>
      new Promise<{ result?: unknown }>((resolve) => {
        const id = next++
        answers.set(id, resolve as (answer: unknown) => void)
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params: callParams }))
      })
    const { result: id } = await call('eth_subscribe', params)
    return { seen, call, id, close: () => socket.terminate() }
  }
})
