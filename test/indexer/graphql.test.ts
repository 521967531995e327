import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Store } from '../../indexer/store/store.ts'
import { codeEvent, datanetEvent, word } from '../fakes/datanet-events.ts'
import { address } from '../fakes/indexed-chain.ts'
import {
  createDatanet,
  decide,
  IndexWorld,
  putManifest,
  submit,
  submitBatch,
  type TestIndex,
} from '../fakes/test-index.ts'

let world: IndexWorld
let index: TestIndex

beforeEach(async () => {
  world = await IndexWorld.start()
  index = world.open()
  const { chain } = world
  chain.mine([createDatanet(1n), createDatanet(2n, address(0xc))])
  chain.mine([
    submit(1n, 1n, address(0xb), 'one'),
    submit(2n, 2n, address(0xb), 'two', false),
    submit(1n, 3n, address(0xd), 'three'),
  ])
  chain.mine([submitBatch(1n, 4n, address(0xb), 1, putManifest(world.content, ['a text of the batch']))])
  chain.mine([
    decide(1n, true, 9),
    { logs: [datanetEvent('ContributionBatchDecided', { firstId: 4n, accepted: true, items: 1, reason: word('r') })] },
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
  chain.mine([
    { logs: [datanetEvent('DatanetStatusSet', { id: 1n, status: 2 })] },
    { logs: [codeEvent('CodePayoutSet', { codeHash: word('app'), payout: address(3) })] },
    { logs: [datanetEvent('PayoutRotated', { author: address(0xb), payout: address(0xbb), fromEpoch: 20_000n })] },
  ])
  await index.follow()
  await index.fetchContent()
})

afterEach(() => world.stop())

/** The statements that `action` runs. */
async function statements(store: Store, action: () => Promise<unknown>): Promise<number> {
  let count = 0
  const { all, get } = store
  store.all = (...args) => {
    count++
    return all.apply(store, args)
  }
  store.get = (...args) => {
    count++
    return get.apply(store, args)
  }
  try {
    await action()
    return count
  } finally {
    Object.assign(store, { all, get })
  }
}

const nested = (contributor: string) => `{ datanets(where: { contributor: "${contributor}" }) { totalCount nodes {
  id licence owner status
  contributions { totalCount nodes { id author status score text preview labels { nodes { code kind status } } } }
} } }`

describe('GraphQL', () => {
  test('Datanets by contributor with nested contributions and labels', async () => {
    const { data, errors } = await index.ask(nested(address(0xd)))
    expect(errors).toBeUndefined()
    const labels = { nodes: [{ code: 'app', kind: 'contribution', status: 'linked' }] }
    const none = { text: null, preview: null }
    const [text, b] = ['a text of the batch', address(0xb)]
    const nodes = [
      { id: '1', author: b, status: 'accepted', score: 9, labels, ...none },
      { id: '3', author: address(0xd), status: 'pending', score: 0, labels, ...none },
      { id: '4', author: b, status: 'accepted', score: 0, text, preview: text, labels: { nodes: [] } },
    ]
    const datanet = { id: '1', licence: 'MIT', owner: address(0xa), status: 'open' }
    expect(data).toEqual({
      datanets: { totalCount: 1, nodes: [{ ...datanet, contributions: { totalCount: 3, nodes } }] },
    })
  })

  test('the number of statements does not grow with the Datanets, contributions and labels shown', async () => {
    const author = address(0xb)
    const few = await statements(index.store, () => index.ask(nested(author)))
    for (let id = 3n; id < 13n; id++) {
      world.chain.mine([createDatanet(id)])
      for (let i = 0n; i < 8n; i++) world.chain.mine([submit(id, 100n * id + i, author, `${id} ${i}`)])
    }
    await index.follow()
    let shown: unknown
    const many = await statements(index.store, async () => {
      shown = (await index.ask(nested(author))).data
    })
    expect(JSON.stringify(shown).match(/"kind"/g)?.length).toBeGreaterThan(80)
    expect(many).toBe(few)
    expect(many).toBeLessThanOrEqual(8)
  })

  test('nested pages are those that the list of each parent gives alone', async () => {
    const page =
      'contributions(last: 2, orderDirection: desc) { totalCount nodes { id } pageInfo { startCursor hasPreviousPage } }'
    const all = await index.ask(`{ datanets { nodes { id ${page} } } }`)
    const nodes = all.data.datanets.nodes
    expect(nodes).toHaveLength(2)
    for (const node of nodes) {
      const alone = await index.ask(`{ datanet(id: ${node.id}) { id ${page} } }`)
      expect(node).toEqual(alone.data.datanet)
    }
  })

  test('a contributor of a batch is one before its list is found', async () => {
    world.chain.mine([submitBatch(2n, 50n, address(0xe), 3, word('a list nobody has'))])
    await index.follow()
    await index.fetchContent()
    const { data } = await index.ask(
      `{ datanets(where: { contributor: "${address(0xe)}" }) { nodes { id } } _meta { missingContent } }`,
    )
    // Beside the list: three texts and two metadata documents that were never stored.
    expect(data).toEqual({ datanets: { nodes: [{ id: '2' }] }, _meta: { missingContent: 6 } })
  })

  test('every root answers as the block left it, by number and by hash', async () => {
    const hash = index.store.blockHash(2)
    const at = (block: string) => `{
      _meta(block: ${block}) { block { number } stateDigest }
      blocks(block: ${block}) { totalCount }
      transactions(block: ${block}) { totalCount }
      logs(block: ${block}) { totalCount }
      account(address: "${address(0xb)}", block: ${block}) { payout payoutFromEpoch contributions { totalCount } contributedTo { totalCount } labels { totalCount } }
      datanet(id: 1, block: ${block}) { status labels { totalCount } versions { totalCount } }
      datanets(block: ${block}, where: { status: draft }) { totalCount }
      contribution(id: 1, block: ${block}) { status datanet { status } }
      late: contribution(id: 4, block: ${block}) { id }
      contributions(block: ${block}) { nodes { status } }
      attributionLabels(block: ${block}) { totalCount }
      code(code: "app", block: ${block}) { payout }
      codes(block: ${block}) { nodes { payout } }
    }`
    const then = await index.ask(at('{ number: 2 }'))
    expect(then.errors).toBeUndefined()
    const digest = index.store.get('select digest from block where number = 2')?.['digest']
    const pending = { status: 'pending' }
    expect(then.data).toEqual({
      _meta: { block: { number: 2 }, stateDigest: digest },
      blocks: { totalCount: 3 },
      transactions: { totalCount: 5 },
      logs: { totalCount: 5 },
      account: {
        payout: address(0xb),
        payoutFromEpoch: null,
        contributions: { totalCount: 2 },
        contributedTo: { totalCount: 2 },
        labels: { totalCount: 1 },
      },
      datanet: { status: 'draft', labels: { totalCount: 2 }, versions: { totalCount: 0 } },
      datanets: { totalCount: 2 },
      contribution: { status: 'pending', datanet: { status: 'draft' } },
      late: null,
      contributions: { nodes: [pending, pending, pending] },
      attributionLabels: { totalCount: 2 },
      code: null,
      codes: { nodes: [] },
    })
    expect((await index.ask(at(`{ hash: "${hash}" }`))).data).toEqual(then.data)
    const now = (await index.ask(at('{ number: 5 }'))).data
    expect(now).toMatchObject({
      account: { payout: address(0xbb), payoutFromEpoch: '20000', contributions: { totalCount: 3 } },
      datanet: { status: 'open' },
      datanets: { totalCount: 1 },
      contribution: { status: 'accepted', datanet: { status: 'open' } },
      late: { id: '4' },
      code: { payout: address(3) },
      codes: { nodes: [{ payout: address(3) }] },
    })
    expect((await index.ask(at('null'))).data).toEqual(now)
  })

  test.each(['asc', 'desc'])('pages forwards and backwards add up to the whole list, %s', async (direction) => {
    const ids = direction === 'asc' ? ['1', '2', '3', '4'] : ['4', '3', '2', '1']
    for (const [size, cursor, info] of [
      ['first', 'after', 'hasNextPage end: endCursor'],
      ['last', 'before', 'hasPreviousPage end: startCursor'],
    ]) {
      const seen: string[] = []
      let from = ''
      for (let pages = 0; ; pages++) {
        const { data } = await index.ask(
          `{ contributions(orderDirection: ${direction}, ${size}: 3${from}) { nodes { id } pageInfo { ${info} } } }`,
        )
        const page = data.contributions
        const shown = page.nodes.map((node: { id: string }) => node.id)
        if (size === 'first') seen.push(...shown)
        else seen.unshift(...shown)
        if (page.pageInfo['hasNextPage'] !== true && page.pageInfo['hasPreviousPage'] !== true) break
        expect(pages).toBeLessThan(3)
        from = `, ${cursor}: "${page.pageInfo['end']}"`
      }
      expect(seen).toEqual(ids)
    }
  })

  test('a transaction shows its logs and labels, and a log its transaction', async () => {
    const { data } = await index.ask(`{ block(number: 2) { transactions { nodes {
      index logs { nodes { index transaction { index } } } labels { nodes { code transaction { index block { number } } } } } } } }`)
    const { nodes } = data.block.transactions
    const label = (i: number) => ({ code: 'app', transaction: { index: i, block: { number: 2 } } })
    expect(nodes).toEqual(
      [0, 1, 2].map((i) => ({
        index: i,
        logs: { nodes: [{ index: i, transaction: { index: i } }] },
        labels: { nodes: i === 1 ? [] : [label(i)] },
      })),
    )
  })

  test('contributions of a batch are found by the batch', async () => {
    const { data } = await index.ask('{ contributions(where: { batch: 4 }) { totalCount nodes { id batch } } }')
    expect(data).toEqual({ contributions: { totalCount: 1, nodes: [{ id: '4', batch: '4' }] } })
  })

  test('ids above 32 bits are answered: a few cheap batches take the registry there', async () => {
    const id = 2n ** 33n + 1n
    world.chain.mine([submit(1n, id, address(0xd), 'far')])
    await index.follow()
    const { data, errors } = await index.ask(
      `{ contribution(id: "${id}") { id } contributions(last: 1) { nodes { id } } }`,
    )
    expect(errors).toBeUndefined()
    expect(data).toEqual({ contribution: { id: String(id) }, contributions: { nodes: [{ id: String(id) }] } })
  })
})
