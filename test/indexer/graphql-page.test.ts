import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exportsMax } from '../../indexer/csv/payee-export.ts'
import * as connections from '../../indexer/graphql/connection.ts'
import * as texts from '../../indexer/graphql/content-text.ts'
import * as events from '../../indexer/graphql/events.ts'
import * as limits from '../../indexer/graphql/limits.ts'
import { queryErrorCodes } from '../../indexer/graphql/query-error.ts'
import { bytesToHex, concatBytes, type Hex } from '../../protocol/bytes.ts'
import { encodeSuffix } from '../../protocol/erc8021.ts'
import { codeEvent, datanetEvent, word } from '../fakes/datanet-events.ts'
import { FiledWorld } from '../fakes/filed-world.ts'
import { address } from '../fakes/indexed-chain.ts'
import { stake } from '../fakes/standing-model.ts'
import {
  createDatanet,
  decide,
  IndexWorld,
  putManifest,
  submit,
  submitBatch,
  type TestIndex,
} from '../fakes/test-index.ts'

const page = readFileSync(resolve(import.meta.dirname, '../../docs/GRAPHQL.md'), 'utf8')
const alice: Hex = '0xa11ce00000000000000000000000000000000001'
const bob: Hex = '0xb0b0000000000000000000000000000000000002'

/** Each query with the answer below it; those of the chapter on money are asked of another chain. */
const examples = page.split('\n## ').flatMap((chapter) =>
  [...chapter.matchAll(/```graphql\n(.*?)```\s*(?:```json\n(.*?)```)?/gs)].map(([, query = '', answer]) => ({
    name: query.replaceAll(/\s+/g, ' ').slice(0, 60),
    query,
    answer,
    isMoney: chapter.startsWith('Money'),
  })),
)

let world: IndexWorld
let index: TestIndex
let moneyWorld: IndexWorld
let moneyIndex: TestIndex

beforeAll(async () => {
  world = await IndexWorld.start()
  index = world.open()
  const { chain, content } = world
  const code = { codeHash: word('reader'), owner: bob, code: 'reader', payout: bob, uri: 'https://reader.example' }
  chain.mine([createDatanet(1n, bob), createDatanet(2n, alice), { logs: [codeEvent('CodeRegistered', code)] }])
  const reading = bytesToHex(concatBytes(Uint8Array.of(1, 2, 3, 4), encodeSuffix({ code: 'reader' })))
  chain.mine([submit(1n, 1n, alice, 'one'), submit(1n, 2n, bob, 'two'), { from: bob, to: address(9), input: reading }])
  chain.mine([submitBatch(1n, 3n, alice, 2, putManifest(content, ['A first text.', 'A second text.']))])
  chain.mine([
    decide(1n, true, 9),
    { logs: [datanetEvent('DatanetStatusSet', { id: 1n, status: 2 })] },
    { logs: [datanetEvent('ContributionBatchDecided', { firstId: 3n, accepted: true, items: 2, reason: word('r') })] },
  ])
  await index.follow()
  await index.fetchContent()
})

/** One final epoch over two inferences, of which the worker claimed its part; and a batch that is not mature. */
beforeAll(async () => {
  moneyWorld = await IndexWorld.start()
  moneyIndex = moneyWorld.open()
  const money = await FiledWorld.watchedBy(moneyWorld)
  const [worker, payer] = [money.chain.actor('worker'), money.chain.actor('payer')]
  await stake(money.chain, worker)
  await money.deposit(payer, worker, 10n ** 18n)
  const commit = async (...outputs: readonly number[]) => {
    const plans = outputs.map((tout) => money.plan(payer, worker, 100, tout))
    return (await money.commit(worker, money.build(worker, plans))).batch
  }
  await money.claim(worker, await money.settle([await commit(50, 30)]))
  await commit(40)
  money.show()
  await moneyIndex.follow()
  await moneyIndex.fetchFiles()
})

afterAll(async () => {
  await world.stop()
  await moneyWorld.stop()
})

describe('docs/GRAPHQL.md', () => {
  test('has examples with answers', () => {
    expect(examples.length).toBeGreaterThan(8)
  })

  test.each(examples)('$name has the answer shown', async ({ query, answer, isMoney }) => {
    expect(answer).toBeDefined()
    expect(withoutLocations(await (isMoney ? moneyIndex : index).ask(query))).toEqual(JSON.parse(answer ?? ''))
  })

  test('names every code of an error', () => {
    expect([...queryErrorCodes, 'INTERNAL'].filter((code) => !page.includes(`\`${code}\``))).toEqual([])
  })

  test('names the limits that are in force', () => {
    const number = (value: number) => value.toLocaleString('en-US')
    const sentences = [
      `${number(limits.tokensMax)} tokens, ${limits.depthMax} levels, ${limits.aliasesMax} aliases`,
      `may ask for ${number(limits.costMax)} objects`,
      `a page has 1 to ${connections.pageNodesMax} nodes and ${connections.pageNodesDefault} by default`,
      `stops at ${number(connections.totalCountMax)}`,
      `more than ${limits.requestBytesMax / 1024} KiB`,
      `Texts above ${texts.textBytesMax / 2 ** 20} MiB are null`,
      `at most ${texts.queryTextBytesMax / 2 ** 20} MiB of them`,
      `does not read for ${number(events.queuedEventsMax)} events`,
      `${number(events.subscribersMax)} subscriptions are open at most`,
      `${exportsMax} lists are written at once`,
    ]
    const text = page.replaceAll(/\s+/g, ' ')
    expect(sentences.filter((sentence) => !text.includes(sentence))).toEqual([])
  })
})

/** Places in the document say nothing on a page. */
function withoutLocations(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer), (key, value) => (key === 'locations' ? undefined : value))
}
