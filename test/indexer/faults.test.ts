import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../common/clock.ts'
import { silentLog } from '../../common/log.ts'
import { startIndexer } from '../../indexer/indexer.ts'
import { Store } from '../../indexer/store/store.ts'
import { ChainClient } from '../../indexer/sync/chain-client.ts'
import { Sync } from '../../indexer/sync/sync.ts'
import { address } from '../fakes/indexed-chain.ts'
import { createDatanet, dump, IndexWorld, submit, type TestIndex } from '../fakes/test-index.ts'
import { patienceMs } from '../fakes/until.ts'

const patience = { timeout: patienceMs }

let world: IndexWorld

beforeEach(async () => {
  world = await IndexWorld.start()
  world.chain.mine([createDatanet(1n)])
})

afterEach(() => world.stop())

const parts = { log: silentLog, clock: systemClock }

function options(name: string, l2Url = world.chain.url) {
  return { dataDir: join(world.dir, name), l2Url, host: '127.0.0.1', port: 0 }
}

/** Runs the sync with a clock of its own until `isEnough` of the waits it makes. */
async function runUntil({ store }: TestIndex, isEnough: (waits: readonly number[], sync: Sync) => boolean) {
  const stopping = new AbortController()
  const waits: number[] = []
  const clock = {
    nowMs: () => 0,
    sleep: async (ms: number) => {
      waits.push(ms)
      if (isEnough(waits, sync)) stopping.abort()
    },
  }
  const client = new ChainClient(world.chain.url)
  const nextHead = () => new Promise<void>(() => {})
  const sync = new Sync({ client, store, clock, log: silentLog, onEvent: () => {}, nextHead })
  await sync.run(stopping.signal)
  return { sync, waits }
}

describe('the database', () => {
  test('that is no database, of another schema or in use each has its own message', async () => {
    mkdirSync(join(world.dir, 'bad'))
    writeFileSync(join(world.dir, 'bad', 'index.sqlite'), 'no database, and long enough to be read as one. '.repeat(40))
    const refused = (code: string, message: RegExp) =>
      expect.objectContaining({ code, message: expect.stringMatching(message) })
    expect(() => Store.open(join(world.dir, 'bad'))).toThrow(refused('corrupt', /damaged; remove it/))
    const old = world.open('old')
    old.store.setMeta('schema', '0')
    world.close(old)
    expect(() => Store.open(join(world.dir, 'old'))).toThrow(refused('schema', /has schema 0.*remove it/))
    world.open('used')
    expect(() => Store.open(join(world.dir, 'used'))).toThrow(refused('in-use', /another process uses/))
    await expect(startIndexer(options('used'), parts)).rejects.toMatchObject({ code: 'in-use' })
  }, 60_000)

  test('a page damaged on disk stops the index by name instead of being tried for ever', async () => {
    const index = world.open()
    for (let i = 0; i < 30; i++)
      world.chain.mine(
        Array.from({ length: 30 }, (_, k) => submit(1n, BigInt(30 * i + k + 1), address(2), `t${i} ${k}`)),
      )
    await index.follow()
    world.close(index)
    const file = openSync(join(world.dir, 'index', 'index.sqlite'), 'r+')
    // The first page, with the schema, stays; every other is overwritten.
    for (let page = 1; page < 200; page++) writeSync(file, Buffer.alloc(2048, 0xa5), 0, 2048, page * 4096)
    closeSync(file)
    const run = async () => {
      const again = world.open()
      world.chain.mine([submit(1n, 5000n, address(2), 'more')])
      await runUntil(again, (waits) => waits.length > 20)
    }
    await expect(run()).rejects.toMatchObject({ code: 'corrupt' })
  })

  test('a full disk is waited for, said, and costs no block', async () => {
    const index = world.open()
    await index.follow()
    const pages = Number(index.store.get('pragma page_count')?.['page_count'])
    index.store.get(`pragma max_page_count = ${pages}`)
    for (let i = 0; i < 20; i++)
      world.chain.mine(
        Array.from({ length: 20 }, (_, k) => submit(1n, BigInt(20 * i + k + 1), address(2), `t${i} ${k}`)),
      )
    const { sync, waits } = await runUntil(index, (made) => made.length >= 6)
    expect(sync.state.error).toMatch(/no space left to write .*index\.sqlite; free some/)
    expect(waits.slice(0, 6)).toEqual([500, 1000, 2000, 4000, 8000, 10_000])
    expect((await index.ask('{ datanets { totalCount } _meta { hasIndexingErrors } }')).errors).toBeUndefined()
    index.store.get(`pragma max_page_count = ${2 ** 30}`)
    await index.follow()
    const fresh = world.open('fresh')
    await fresh.follow()
    expect(dump(index.store)).toEqual(dump(fresh.store))
  })
})

describe('the node', () => {
  test('that refuses calls is asked again ever more seldom, and nothing is taken back', async () => {
    const index = world.open()
    for (let i = 0; i < 5; i++) world.chain.mine([])
    await index.follow()
    const before = dump(index.store)
    world.chain.intercept = () => {
      throw new Error('too many requests')
    }
    const { sync, waits } = await runUntil(index, (made) => made.length >= 6)
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 10_000])
    expect(sync.state.error).toMatch(/too many requests/)
    expect(dump(index.store)).toEqual(before)
  })

  test('that refuses calls in the middle of a reorg does not make the reorg deeper', async () => {
    const index = world.open()
    for (let i = 0; i < 12; i++) world.chain.mine([])
    await index.follow()
    world.chain.drop(3)
    for (let i = 0; i < 4; i++) world.chain.mine([])
    let calls = 0
    world.chain.intercept = (_method, result) => {
      // A limiter sets in once the blocks are being compared.
      if (++calls > 6 && calls < 20) throw new Error('too many requests')
      return result
    }
    for (let i = 0; i < 60 && index.store.cursor()?.hash !== world.chain.head.hash; i++) {
      await index.sync.step().catch(() => {})
    }
    expect(index.store.cursor()?.hash).toBe(world.chain.head.hash)
    expect(index.events.filter((event) => event.kind === 'reorg')).toEqual([{ kind: 'reorg', from: 13, to: 10 }])
  })

  test('whose copies behind one URL lag differently does not make the index forget', async () => {
    const index = world.open()
    for (let i = 0; i < 12; i++) world.chain.mine([])
    await index.follow()
    world.chain.drop(2)
    for (let i = 0; i < 4; i++) world.chain.mine([])
    let calls = 0
    world.chain.intercept = (method, result) =>
      // The first looks see the new head, the next see a copy without these blocks.
      method === 'eth_getBlockByNumber' && ++calls > 8 && calls < 12 ? null : result
    for (let i = 0; i < 30 && index.store.cursor()?.hash !== world.chain.head.hash; i++) {
      await index.sync.step().catch(() => {})
    }
    expect(index.store.cursor()?.hash).toBe(world.chain.head.hash)
    expect(index.events.filter((event) => event.kind === 'reorg')).toEqual([{ kind: 'reorg', from: 13, to: 11 }])
  })

  test('that cannot answer many blocks at once is asked for fewer', async () => {
    const index = world.open()
    for (let i = 0; i < 150; i++) world.chain.mine([])
    let receipts = 0
    world.chain.intercept = (method, result) => {
      if (method === 'eth_getBlockByNumber') receipts = 0
      if (method === 'eth_getBlockReceipts' && ++receipts > 13) throw new Error('response too large')
      return result
    }
    await runUntil(index, (waits) => index.store.cursor()?.number === 151 || waits.length > 60)
    expect(index.store.cursor()?.number).toBe(151)
  })

  test('that is of another chain is refused, whether at the start or later', async () => {
    const first = await startIndexer(options('mine'), parts)
    await vi.waitFor(async () => expect(await (await fetch(`${first.url}/readyz`)).text()).toBe('ok\n'), patience)
    await first.stop()
    world.chain.chainId = 902
    const second = await startIndexer(options('mine'), parts)
    await expect(second.finished).rejects.toMatchObject({
      code: 'wrong-chain',
      message: expect.stringMatching(/from chain 901, the node has chain 902/),
    })
    await second.stop()
  })

  test('that cannot be reached is waited for: queries are answered and readiness says why', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const { port } = silent.address() as { port: number }
    await new Promise((resolve) => silent.close(resolve))
    const indexer = await startIndexer(options('waiting', `http://127.0.0.1:${port}`), parts)
    const ready = await fetch(`${indexer.url}/readyz`)
    expect([ready.status, await ready.text()]).toEqual([503, 'the node does not answer\n'])
    const body = JSON.stringify({ query: '{ _meta { block { number } head } datanets { totalCount } }' })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${indexer.url}/graphql`, { method: 'POST', headers, body })
    expect(await answer.json()).toEqual({ data: { _meta: { block: null, head: null }, datanets: { totalCount: 0 } } })
    await indexer.stop()
  })

  test('a taken port is said, and leaves the database free', async () => {
    const taken = await startIndexer(options('one'), parts)
    const port = Number(new URL(taken.url).port)
    await expect(startIndexer({ ...options('two'), port }, parts)).rejects.toThrow(/cannot listen on 127\.0\.0\.1/)
    world.open('two')
    await taken.stop()
  })
})
