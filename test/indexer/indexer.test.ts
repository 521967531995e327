import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../common/clock.ts'
import { ContentStore } from '../../common/content-store.ts'
import { silentLog } from '../../common/log.ts'
import { ContentFetcher } from '../../indexer/content/fetcher.ts'
import { IndexEvents } from '../../indexer/graphql/events.ts'
import { graphqlServer } from '../../indexer/graphql/server.ts'
import { Store } from '../../indexer/store/store.ts'
import { ChainClient } from '../../indexer/sync/chain-client.ts'
import { Sync, type SyncEvent } from '../../indexer/sync/sync.ts'
import { bytesToHex, concatBytes, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { encodeSuffix } from '../../protocol/erc8021.ts'
import { encodeOlPayload } from '../../protocol/ol-payload.ts'
import { codeEvent, datanetEvent, word } from '../fakes/datanet-events.ts'
import { address, type FakeTx, IndexedChain } from '../fakes/indexed-chain.ts'

let chain: IndexedChain
let dir: string
const opened: Store[] = []

beforeEach(async () => {
  chain = await IndexedChain.start()
  dir = mkdtempSync(join(tmpdir(), 'openledger-indexer-'))
})

afterEach(async () => {
  for (const store of opened.splice(0)) store.close()
  await chain.stop()
  rmSync(dir, { recursive: true, force: true })
})

function open(name = 'index') {
  const store = Store.open(join(dir, name))
  opened.push(store)
  const events: SyncEvent[] = []
  const parts = {
    client: new ChainClient(chain.url),
    store,
    clock: systemClock,
    log: silentLog,
    nextHead: () => new Promise<void>(() => {}),
  }
  const sync = new Sync({ ...parts, onEvent: (event) => events.push(event) })
  return { store, sync, events }
}

/** Steps until the index holds the chain's head. */
async function follow({ store, sync }: ReturnType<typeof open>): Promise<void> {
  for (let i = 0; i < 500; i++) {
    const more = await sync.step()
    if (!more && store.cursor()?.hash === chain.head.hash) return
  }
  throw new Error('the index does not reach the head')
}

const createDatanet = (id: bigint, owner = address(0xa)): FakeTx => ({
  logs: [
    datanetEvent('DatanetCreated', {
      id,
      owner,
      mediaType: 0,
      licenceId: bytesToHex(padded('MIT')),
      metaHash: word(`meta ${id}`),
    }),
  ],
})

const submit = (id: bigint, contribId: bigint, author: Hex, text: string, isLabelled = true): FakeTx => {
  const ol = encodeOlPayload({ kind: 'contribution', datanet: { id, version: 1 }, root: hexToBytes(word(text)) })
  return {
    from: author,
    to: address(5),
    input: isLabelled ? bytesToHex(concatBytes(Uint8Array.of(1, 2, 3, 4), encodeSuffix({ code: 'app', ol }))) : '0x',
    logs: [
      datanetEvent('ContributionSubmitted', {
        id,
        contribId,
        author,
        contentHash: word(text),
        simHash: word('sim'),
        consent: 3,
        bond: 5n,
      }),
    ],
  }
}

function padded(text: string): Uint8Array {
  const bytes = new Uint8Array(32)
  bytes.set(new TextEncoder().encode(text))
  return bytes
}

/** Everything that follows from the chain, row by row. */
function dump(store: Store): unknown {
  const tables = [
    'block',
    'tx',
    'log',
    'label',
    'contribution',
    'batch',
    'version',
    'datanet',
    'datanet_h',
    'decision',
    'decision_h',
    'code',
    'code_h',
    'payout',
    'payout_h',
  ]
  return tables.map((table) => [
    table,
    store
      .all(`select * from ${table} order by 1, 2`)
      .map(({ id: _id, ...row }) => (table === 'label' ? row : { _id, ...row })),
  ])
}

describe('sync', () => {
  test('after reorgs of any depth the index is that of a fresh one over the final chain', async () => {
    const acts = fc.array(
      fc.record({
        drop: fc.integer({ min: 0, max: 20 }),
        mine: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 12 }),
      }),
      { minLength: 1, maxLength: 6 },
    )
    let run = 0
    await fc.assert(
      fc.asyncProperty(acts, async (steps) => {
        chain.restart()
        const index = open(`index-${run}`)
        chain.mine([createDatanet(1n)])
        let nextId = 1n
        for (const { drop, mine } of steps) {
          // The Datanet's creation stays: a registry emits nothing about a Datanet it does not have.
          chain.drop(Math.min(drop, Math.max(0, chain.head.number - 1)))
          for (const count of mine) {
            const txs = Array.from({ length: count }, (_, i): FakeTx => {
              const id = nextId++
              if (i % 3 === 1) return { logs: [datanetEvent('DatanetStatus', { id: 1n, status: 2 + Number(id % 2n) })] }
              if (i % 3 === 2)
                return {
                  logs: [
                    datanetEvent('ContributionDecided', {
                      contribId: id,
                      accepted: id % 2n === 0n,
                      score: 7,
                      reason: word('why'),
                    }),
                  ],
                }
              return submit(1n, id, address(0xb), `text ${id}`)
            })
            chain.mine(txs)
          }
          await follow(index)
        }
        const fresh = open(`fresh-${run++}`)
        await follow(fresh)
        expect(index.store.cursor()).toEqual(fresh.store.cursor())
        expect(dump(index.store)).toEqual(dump(fresh.store))
      }),
      { numRuns: 15 },
    )
  })

  test('a head that only goes down is a lagging node, not a reorg', async () => {
    const index = open()
    for (let i = 0; i < 5; i++) chain.mine([])
    await follow(index)
    const catchUp = chain.lagTo(2)
    expect(await index.sync.step()).toBe(false)
    expect(index.store.cursor()?.number).toBe(5)
    catchUp()
    expect(index.events.some((event) => event.kind === 'reorg')).toBe(false)
  })

  test('a replaced block that the node called final stops the index by name', async () => {
    const index = open()
    for (let i = 0; i < 8; i++) chain.mine([])
    chain.finalized = 6
    await follow(index)
    for (let i = 0; i < 25; i++) await index.sync.step()
    chain.drop(5)
    for (let i = 0; i < 7; i++) chain.mine([])
    await expect(follow(index)).rejects.toMatchObject({ code: 'deep-reorg' })
  })

  test('another chain behind the same URL is refused', async () => {
    const index = open()
    for (let i = 0; i < 3; i++) chain.mine([])
    await follow(index)
    chain.restart()
    for (let i = 0; i < 6; i++) chain.mine([])
    await expect(follow(index)).rejects.toMatchObject({ code: 'wrong-chain' })
  })

  test('receipts that do not have the header’s root are not indexed', async () => {
    const index = open()
    chain.mine([submit(1n, 1n, address(2), 'x')])
    chain.intercept = (method, result) =>
      method === 'eth_getBlockReceipts'
        ? (result as { gasUsed: string; logs: unknown[] }[]).map((one) => ({ ...one, logs: [] }))
        : result
    await expect(follow(index)).rejects.toThrow(/receipts of block 1/)
    expect(index.store.cursor()).toBeUndefined()
    chain.intercept = (_, result) => result
    chain.drop(1)
    chain.mine([createDatanet(1n)])
    await follow(index)
  })

  test('an index that was closed goes on where it stopped', async () => {
    const first = open()
    chain.mine([createDatanet(1n)])
    await follow(first)
    first.store.close()
    opened.splice(opened.indexOf(first.store), 1)
    chain.mine([submit(1n, 1n, address(2), 'x')])
    const again = open()
    await follow(again)
    const fresh = open('fresh')
    await follow(fresh)
    expect(dump(again.store)).toEqual(dump(fresh.store))
  })
})

describe('store', () => {
  test('a damaged file, another schema and a second process each have their own message', () => {
    mkdirSync(join(dir, 'bad'))
    writeFileSync(
      join(dir, 'bad', 'index.sqlite'),
      'this is no database, and long enough to be read as one. '.repeat(40),
    )
    expect(() => Store.open(join(dir, 'bad'))).toThrow(expect.objectContaining({ code: 'corrupt' }))
    const { store } = open()
    store.setMeta('schema', '0')
    store.close()
    opened.length = 0
    expect(() => Store.open(join(dir, 'index'))).toThrow(expect.objectContaining({ code: 'schema' }))
    open('used')
    expect(() => Store.open(join(dir, 'used'))).toThrow(expect.objectContaining({ code: 'in-use' }))
  })
})

describe('GraphQL', () => {
  async function served() {
    const index = open()
    const content = new ContentStore(join(dir, 'content'), merkleRoot)
    const text = new TextEncoder().encode('a text of the batch')
    const manifest = concatBytes(hexToBytes(content.put(text)), new Uint8Array(32), Uint8Array.of(7))
    const root = content.putRecords(manifest, 65)
    chain.mine([createDatanet(1n), createDatanet(2n, address(0xc))])
    chain.mine([
      submit(1n, 1n, address(0xb), 'one'),
      submit(2n, 2n, address(0xb), 'two', false),
      submit(1n, 3n, address(0xd), 'three'),
    ])
    chain.mine([
      {
        logs: [
          datanetEvent('ContributionBatch', { id: 1n, firstId: 4n, author: address(0xb), count: 1, root, bond: 5n }),
        ],
      },
    ])
    chain.mine([
      { logs: [datanetEvent('ContributionDecided', { contribId: 1n, accepted: true, score: 9, reason: word('r') })] },
      {
        logs: [datanetEvent('ContributionBatchDecided', { firstId: 4n, accepted: true, items: 1, reason: word('r') })],
      },
      {
        logs: [
          codeEvent('CodeRegistered', {
            codeHash: word('app'),
            owner: address(1),
            code: 'app',
            payout: address(2),
            uri: 'https://example.org',
          }),
        ],
      },
    ])
    await follow(index)
    const fetcher = new ContentFetcher({
      store: index.store,
      content,
      clock: systemClock,
      log: silentLog,
      onItems: () => {},
    })
    fetcher.expandManifests()
    fetcher.fetchContents('')
    const events = new IndexEvents()
    const server = graphqlServer(
      { store: index.store, content, chainId: 901n, syncState: () => index.sync.state, events },
      silentLog,
    )
    const ask = async (query: string) => {
      const answer = await server.fetch('http://localhost/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query }),
      })
      return (await answer.json()) as {
        data?: Record<string, unknown>
        errors?: { message: string; extensions?: { code?: string } }[]
      }
    }
    return { ...index, ask }
  }

  test('Datanets by contributor with nested contributions and labels', async () => {
    const { ask } = await served()
    const { data, errors } = await ask(`{ datanets(where: { contributor: "${address(0xd)}" }) { totalCount nodes {
      id licence owner contributions { totalCount nodes { id author status score text labels { code kind status } } } } } }`)
    expect(errors).toBeUndefined()
    const labels = [{ code: 'app', kind: 'contribution', status: 'linked' }]
    expect(data).toEqual({
      datanets: {
        totalCount: 1,
        nodes: [
          {
            id: 1,
            licence: 'MIT',
            owner: address(0xa),
            contributions: {
              totalCount: 3,
              nodes: [
                { id: 1, author: address(0xb), status: 'accepted', score: 9, text: null, labels },
                { id: 3, author: address(0xd), status: 'pending', score: 0, text: null, labels },
                { id: 4, author: address(0xb), status: 'accepted', score: 0, text: 'a text of the batch', labels: [] },
              ],
            },
          },
        ],
      },
    })
  })

  test('state at an earlier block is the state that block left', async () => {
    const { ask } = await served()
    const { data } =
      await ask(`{ earlier: contribution(id: 1, block: { number: 2 }) { status } now: contribution(id: 1) { status }
      before: contribution(id: 1, block: { number: 1 }) { status } early: datanets(block: { number: 0 }) { totalCount } }`)
    expect(data).toEqual({
      earlier: { status: 'pending' },
      now: { status: 'accepted' },
      before: null,
      early: { totalCount: 0 },
    })
  })

  test('pages add up to the whole list, and a cursor of another list is refused', async () => {
    const { ask } = await served()
    const seen: number[] = []
    let after: string | null = null
    for (;;) {
      const { data } = await ask(
        `{ contributions(first: 1${after === null ? '' : `, after: "${after}"`}) { nodes { id } pageInfo { hasNextPage endCursor } } }`,
      )
      const page = data?.['contributions'] as {
        nodes: { id: number }[]
        pageInfo: { hasNextPage: boolean; endCursor: string }
      }
      seen.push(...page.nodes.map((node) => node.id))
      after = page.pageInfo.endCursor
      if (!page.pageInfo.hasNextPage) break
    }
    expect(seen).toEqual([1, 2, 3, 4])
    const { errors } = await ask(`{ contributions(after: "${after}", where: { datanet: 1 }) { nodes { id } } }`)
    expect(errors?.[0]?.extensions?.code).toBe('BAD_INPUT')
  })

  test.each([
    ['a block above the index', '{ datanets(block: { number: 999 }) { totalCount } }', 'BLOCK_NOT_INDEXED'],
    [
      'a block that is not on the chain',
      `{ datanets(block: { hash: "${word('gone')}" }) { totalCount } }`,
      'BLOCK_REORGED',
    ],
    ['a page that is too large', '{ contributions(first: 1000) { nodes { id } } }', 'BAD_INPUT'],
    [
      'lists in lists in lists',
      '{ datanets(first: 100) { nodes { contributions(first: 100) { nodes { datanet { contributions(first: 100) { nodes { id } } } } } } } }',
      'LIMIT_EXCEEDED',
    ],
    [
      'too many aliases',
      `{ ${Array.from({ length: 40 }, (_, i) => `a${i}: block(number: 0) { number }`).join(' ')} }`,
      'LIMIT_EXCEEDED',
    ],
    [
      'too deep a query',
      `{ block(number: 1) ${'{ transactions { nodes { block '.repeat(8)} { number } ${'} } }'.repeat(8)} }`,
      'LIMIT_EXCEEDED',
    ],
  ])('%s is refused by its code', async (_name, query, code) => {
    const { ask } = await served()
    const { errors } = await ask(query)
    expect(errors?.[0]?.extensions?.code).toBe(code)
  })

  test('codes and the index itself are shown', async () => {
    const { ask, store } = await served()
    const { data } = await ask(
      '{ code(code: "app") { owner payout } _meta { chainId block { number } stateDigest missingContent hasIndexingErrors } }',
    )
    expect(data).toMatchObject({
      code: { owner: address(1), payout: address(2) },
      _meta: { chainId: '901', block: { number: 4 }, stateDigest: store.cursor()?.digest, hasIndexingErrors: false },
    })
  })
})
