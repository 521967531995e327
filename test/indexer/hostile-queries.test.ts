import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../common/clock.ts'
import { silentLog } from '../../common/log.ts'
import { pageNodesMax } from '../../indexer/graphql/connection.ts'
import { aliasesMax, depthMax, requestBytesMax, tokensMax } from '../../indexer/graphql/limits.ts'
import { type RunningIndexer, startIndexer } from '../../indexer/indexer.ts'
import { word } from '../fakes/datanet-events.ts'
import { address } from '../fakes/indexed-chain.ts'
import { type Answer, createDatanet, IndexWorld, submit } from '../fakes/test-index.ts'

let world: IndexWorld
let indexer: RunningIndexer

beforeAll(async () => {
  world = await IndexWorld.start()
  world.chain.mine([createDatanet(1n), submit(1n, 1n, address(0xb), 'one'), submit(1n, 2n, address(0xb), 'two')])
  indexer = await startIndexer(
    { dataDir: `${world.dir}/served`, l2Url: world.chain.url, host: '127.0.0.1', port: 0 },
    { log: silentLog, clock: systemClock },
  )
  const isIndexed = async () => {
    const { data } = await ask('{ contributions { totalCount } }')
    expect(data.contributions.totalCount).toBe(2)
  }
  await vi.waitFor(isIndexed, { timeout: 50_000, interval: 100 })
}, 60_000)

afterAll(async () => {
  await indexer.stop()
  await world.stop()
})

async function post(body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${indexer.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })
}

async function ask(query: string, variables?: unknown): Promise<Answer> {
  return (await (await post(JSON.stringify({ query, variables }))).json()) as Answer
}

const codes = ({ errors }: Answer) => [...new Set(errors?.map((error) => error.extensions?.code))]

/** `depth` selections in each other. */
const nest = (depth: number, field: string, leaf: string) =>
  `${`${field} { `.repeat(depth)}${leaf}${' }'.repeat(depth)}`

const cursorOf = async () => {
  const { data } = await ask('{ contributions(first: 1) { pageInfo { endCursor } } }')
  return String(data.contributions.pageInfo.endCursor)
}

const fakeCursor = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Ten fragments that each spread the next twice: 2^10 copies where they are expanded, and 2^60 for sixty. */
const doubling = (count: number, spread: string) =>
  Array.from({ length: count }, (_, i) => {
    const next = i + 1 < count ? `${spread.replaceAll('NEXT', `...f${i + 1}`)}` : 'hash'
    return `fragment f${i} on Transaction { ${next} }`
  }).join(' ')

describe('limits', () => {
  test.each<[string, string, string, RegExp]>([
    ['a page above the maximum', `{ logs(first: ${pageNodesMax + 1}) { nodes { index } } }`, 'BAD_INPUT', /1 to 100/],
    ['an empty page', '{ logs(first: 0) { nodes { index } } }', 'BAD_INPUT', /1 to 100, got 0/],
    ['a negative first', '{ logs(first: -1) { nodes { index } } }', 'BAD_INPUT', /got -1/],
    ['a negative last', '{ logs(last: -5) { nodes { index } } }', 'BAD_INPUT', /last must be/],
    ['first with last', '{ logs(first: 1, last: 1) { nodes { index } } }', 'BAD_INPUT', /either first or last/],
    ['a cursor that is none', '{ logs(after: "zzz") { nodes { index } } }', 'BAD_INPUT', /after is no cursor/],
    ['an empty cursor', '{ logs(before: "") { nodes { index } } }', 'BAD_INPUT', /before is no cursor/],
    ['a forged cursor', `{ logs(after: "${fakeCursor(['tag', 1, 2])}") { nodes { index } } }`, 'BAD_INPUT', /another/],
    [
      'a cursor of objects',
      `{ logs(after: "${fakeCursor([{}, [], {}])}") { nodes { index } } }`,
      'BAD_INPUT',
      /no cursor/,
    ],
    ['a block above the index', '{ datanets(block: { number: 999 }) { totalCount } }', 'BLOCK_NOT_INDEXED', /is at 1/],
    ['a block below zero', '{ datanets(block: { number: -1 }) { totalCount } }', 'BLOCK_NOT_INDEXED', /block -1/],
    ['a block off the chain', `{ logs(block: { hash: "${word('x')}" }) { totalCount } }`, 'BLOCK_REORGED', /not on/],
    ['a block of nothing', '{ logs(block: {}) { totalCount } }', 'BAD_INPUT', /number or hash/],
    ['a block twice', `{ logs(block: { number: 0, hash: "${word('x')}" }) { totalCount } }`, 'BAD_INPUT', /either/],
    ['a short address', '{ account(address: "0x12") { payout } }', 'BAD_INPUT', /40 hex/],
    ['an id that is no number', '{ datanet(id: "one") { id } }', 'BAD_INPUT', /decimal/],
    ['an id of 100 digits', `{ datanet(id: "${'9'.repeat(100)}") { id } }`, 'BAD_INPUT', /decimal/],
    ['a number above 32 bits', '{ block(number: 99999999999) { hash } }', 'BAD_QUERY', /32-bit/],
    ['an unknown field', '{ nothing }', 'BAD_QUERY', /Cannot query field/],
    ['text that is no GraphQL', '{ block(', 'BAD_QUERY', /Syntax Error/],
    [
      'lists in lists in lists',
      '{ datanets(first: 100) { nodes { contributions(first: 100) { nodes { datanet { contributions(first: 100) { nodes { id } } } } } } } }',
      'LIMIT_EXCEEDED',
      /objects/,
    ],
    [
      'lists hidden in fragments',
      `{ datanets(first: 100) { ...a } } fragment a on DatanetConnection { nodes { contributions(first: 100) { ...b } } }
        fragment b on ContributionConnection { nodes { labels(first: 100) { ...c } } } fragment c on AttributionLabelConnection { nodes { id } }`,
      'LIMIT_EXCEEDED',
      /objects/,
    ],
    [
      'counts of lists of lists',
      `{ datanets(first: 100) { nodes { contributions { totalCount } labels { totalCount } versions { totalCount } } } }`,
      'LIMIT_EXCEEDED',
      /objects/,
    ],
    [
      'too many aliases',
      `{ ${Array.from({ length: aliasesMax + 1 }, (_, i) => `a${i}: block(number: 0) { number }`).join(' ')} }`,
      'LIMIT_EXCEEDED',
      /aliases/,
    ],
    [
      'too deep a query',
      `{ ${nest(depthMax, 'block(number: 1)', 'number')} }`.replaceAll(
        'block(number: 1) { block',
        'logs { nodes { transaction { block',
      ),
      'BAD_QUERY',
      /./,
    ],
    [
      'depth hidden in fragments',
      `{ transaction(hash: "${word('x')}") { ...f0 } } ${doubling(16, 'block { transactions { nodes { NEXT } } }')}`,
      'LIMIT_EXCEEDED',
      /nested/,
    ],
    ['too many tokens', `{ ${'_meta { head } '.repeat(tokensMax / 4)} }`, 'BAD_QUERY', /tokens/],
    [
      'fragments in circles',
      '{ block(number: 0) { ...a } } fragment a on Block { ...b } fragment b on Block { ...a }',
      'BAD_QUERY',
      /itself/,
    ],
    [
      'an introspection that multiplies',
      `{ __schema { types { ${nest(4, 'fields { type', 'name')}${' }'.repeat(4)} } } }`,
      'BAD_QUERY',
      /introspection depth/i,
    ],
    [
      'a subscription of two',
      'subscription { chain { number } attributionLabels { id } }',
      'BAD_QUERY',
      /one top level/,
    ],
  ])('%s is refused by its code, and says why', async (_name, query, code, message) => {
    const answer = await ask(query)
    expect(codes(answer)).toEqual([code])
    expect(answer.errors?.map((error) => error.message).join(' ')).toMatch(message)
    expect(answer.data ?? null).toBeNull()
  })

  test.each([
    [
      'sixty fragments that each spread the next twice',
      `{ transaction(hash: "${word('x')}") { ...f0 } } ${doubling(60, 'NEXT NEXT')}`,
    ],
    [
      'sixty with inline fragments',
      `{ transaction(hash: "${word('x')}") { ...f0 } } ${doubling(60, '... on Transaction { NEXT } ...{ NEXT }')}`,
    ],
    ['a field six hundred times', `{ _meta { ${'head '.repeat(600)} } }`],
  ])('%s cost no more than their length', async (_name, query) => {
    // What doubles sixty times never ends.
    expect(codes(await ask(query))).toEqual([])
  })

  test.each<[string, string, unknown]>([
    ['text for a number', 'query($n: Int) { logs(first: $n) { totalCount } }', { n: 'ten' }],
    ['a list for an address', 'query($a: Address!) { account(address: $a) { payout } }', { a: [1, 2] }],
    ['nothing where something must be', 'query($a: Address!) { account(address: $a) { payout } }', {}],
    ['an object for a big number', 'query($i: BigInt!) { datanet(id: $i) { id } }', { i: { a: 1 } }],
    ['a fraction for a big number', 'query($i: BigInt!) { datanet(id: $i) { id } }', { i: 1.5 }],
    [
      'an unknown filter',
      'query($w: DatanetFilter) { datanets(where: $w) { totalCount } }',
      { w: { "owner' or 1=1": 1 } },
    ],
    ['variables that are a list', '{ _meta { head } }', [1]],
  ])('variables: %s is refused', async (_name, query, variables) => {
    const [code] = codes(await ask(query, variables))
    expect(['BAD_INPUT', 'BAD_QUERY', 'BAD_REQUEST']).toContain(code)
  })

  test('a page size that stands in a variable counts as the largest', async () => {
    const query =
      'query($n: Int) { datanets(first: $n) { nodes { contributions(first: $n) { nodes { labels(first: $n) { nodes { id } } } } } } }'
    expect(codes(await ask(query, { n: 1 }))).toEqual(['LIMIT_EXCEEDED'])
  })

  test('a cursor of another list, order or parent is refused', async () => {
    const after = await cursorOf()
    for (const list of [
      'contributions(after: $after, where: { datanet: 1 })',
      'contributions(after: $after, orderDirection: desc)',
      'contributions(after: $after, block: { number: 1 })',
      'attributionLabels(after: $after)',
    ]) {
      const answer = await ask(`query($after: String) { ${list} { totalCount } }`, { after })
      expect(codes(answer)).toEqual(['BAD_INPUT'])
    }
    expect(
      (await ask('query($after: String) { contributions(after: $after) { nodes { id } } }', { after })).data,
    ).toEqual({
      contributions: { nodes: [{ id: '2' }] },
    })
  })

  test('a batch of operations is refused', async () => {
    const response = await post(JSON.stringify([{ query: '{ _meta { head } }' }, { query: '{ _meta { head } }' }]))
    expect(response.status).toBe(400)
    expect(codes((await response.json()) as Answer)).toEqual(['BAD_REQUEST'])
  })

  test.each([
    ['no JSON', '{'],
    ['no object', '"query"'],
    ['null', 'null'],
  ])('a body that is %s is refused with 400', async (_name, body) => {
    expect((await post(body)).status).toBe(400)
  })

  test('a body without a query is refused', async () => {
    expect(codes((await (await post('{}')).json()) as Answer)).toEqual(['BAD_REQUEST'])
  })

  test('a request above the limit is refused, whether or not it says its length', async () => {
    const body = JSON.stringify({ query: `{ _meta { head } } #${'x'.repeat(requestBytesMax)}` })
    expect((await post(body)).status).toBe(413)
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = request(`${indexer.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
      })
      sent.on('response', (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      sent.on('error', reject)
      // No length: sent in chunks.
      sent.write(body.slice(0, body.length >> 1))
      sent.end(body.slice(body.length >> 1))
    })
    expect(status).toBe(413)
  })

  test('after all of that it answers as before', async () => {
    const { data } = await ask('{ contributions { totalCount } }')
    expect(data).toEqual({ contributions: { totalCount: 2 } })
  })
})
