import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { questions } from '../../../cli/dev/ask.ts'
import { devClient } from '../../../cli/dev/clients.ts'
import { askAndCheck, explained, paid, type RoundParts } from '../../../cli/dev/round.ts'
import { answersTable, earningsTable, wordsTable } from '../../../cli/dev/round-tables.ts'
import { silentLog } from '../../../common/log.ts'
import type { Hex } from '../../../protocol/bytes.ts'

const word = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
const worker: Hex = `0x${'77'.repeat(20)}`
const author: Hex = `0x${'aa'.repeat(20)}`
const open = 10n ** 18n

/** What endpoint, nodes and indexer say. */
const world = {
  results: { sequencer: 'sound', verifier: 'sound' } as Record<string, string | undefined>,
  weights: { sequencer: 1, verifier: 0 } as Record<string, number>,
  inBatch: true,
  isVoid: false,
  finalBatch: 1,
  claimed: open / 4n,
  why: null as string | null,
  differences: [] as string[],
  text: 'that was taken over' as string | undefined,
}
const said = structuredClone(world)
let asked = 0
let server: Server
let url = ''

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString('utf8')
    })
    request.on('end', () => response.end(JSON.stringify(answerTo(request.url ?? '', JSON.parse(body)))))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())
beforeEach(() => {
  Object.assign(world, structuredClone(said))
  asked = 0
})

type Body = { id?: number; method?: string; query?: string; variables?: Record<string, string> }

function answerTo(path: string, body: Body): object {
  if (path.startsWith('/v1/')) {
    const openledger = { requestId: word(++asked), worker, feeWei: String(open) }
    return { choices: [{ message: { content: `answer ${asked}` } }], openledger }
  }
  const node = path.slice(1)
  if (body.method === 'openledger_checkerStatus') {
    return { jsonrpc: '2.0', id: body.id, result: { checked: 4, modelFiles: world.weights[node] } }
  }
  if (body.method === 'openledger_checkedAnswers') {
    const result = world.results[node]
    return { jsonrpc: '2.0', id: body.id, result: result === undefined ? [] : [{ result }] }
  }
  return { data: graphql(body.query ?? '', body.variables ?? {}) }
}

function graphql(query: string, { requestId = '', batch, payout }: Record<string, string>): object {
  if (query.includes('receipts(')) {
    const receipt = { requestId, isVoid: world.isVoid, batch: { id: '1' }, index: Number(BigInt(requestId)) - 1 }
    return { receipts: { nodes: world.inBatch ? [receipt] : [] } }
  }
  if (batch !== undefined) {
    const common = { id: '9', amount: String(open / 16n), datanet: null }
    const contribution = { author, preview: 'A text\nthat was taken over.', datanet: { id: '4' } }
    const nodes = [
      { ...common, class: 'W', id: '0', payee: worker, contribution: null },
      { ...common, class: 'S', payee: author, contribution },
    ]
    return { receipt: { entries: { nodes, pageInfo: { hasNextPage: false, endCursor: null } } } }
  }
  if (query.includes('epochs(')) return { epochs: { nodes: [{ number: '1', lastBatch: String(world.finalBatch) }] } }
  if (query.includes('explain(')) {
    const spans = world.text === undefined ? [] : [{ text: world.text, places: [{ contribution: '9' }] }]
    const receipts = [1, 2].map((n) => ({ requestId: word(n), spans: { why: world.why, spans } }))
    return {
      explain: { missing: [], differences: payout === `1:${author}:S` ? world.differences : ['other'], receipts },
    }
  }
  return { payee: { earned: String(open / 4n), claimed: String(world.claimed) } }
}

/** A clock on which every wait is over at once, and as long as thirty. */
function parts(): RoundParts {
  let now = 0
  const clock = {
    nowMs: () => now,
    sleep: async (ms: number) => {
      now += 30 * ms
    },
  }
  const nodes = ['sequencer', 'verifier'].map((name) => ({ name, rollup: devClient(`${url}/${name}`) }))
  const { signal } = new AbortController()
  return { endpoint: url, nodes, graphqlUrl: `${url}/graphql`, clock, signal, log: silentLog }
}

test('a round that holds is shown: who answered and checked, who earned what and why', async () => {
  const answers = await askAndCheck(parts())
  expect(answers).toHaveLength(questions.length)
  const [, first = ''] = answersTable(answers)
  expect(first).toMatch(/^What is OpenLedger\? +answer 1 +1\.000000 +sequencer \(weights\), verifier \(no weights\)$/)
  const [head, ...rows] = earningsTable(await paid(answers, parts()))
  expect(head).toMatch(/^earned, OPEN +payee +answers +why$/)
  expect(rows).toEqual([
    `0.250000      ${worker}  4        W: the worker that answered`,
    `0.250000      ${author}  4        S: contribution 9 to Datanet 4, “A text that was taken over.”`,
  ])
  const words = await explained(answers, await paid(answers, parts()), parts())
  expect(wordsTable(answers, words).slice(1)).toEqual(
    questions
      .slice(0, 2)
      .map((question) =>
        expect.stringMatching(new RegExp(`^${question.replace('?', '\\?')} +“that was taken over” +9 +${author}$`)),
      ),
  )
})

describe('what does not hold is named', () => {
  test.each<[string, () => void, RegExp]>([
    ['a node that never judged', () => (world.results['verifier'] = undefined), /verifier did not judge/],
    ['a node that found a wrong number', () => (world.results['sequencer'] = 'unit'), /sequencer found.*wrong: unit/],
    ['no node without weights', () => (world.weights['verifier'] = 1), /one without/],
    ['no node with weights', () => (world.weights['sequencer'] = 0), /with weights/],
  ])('%s', async (_, spoil, words) => {
    spoil()
    await expect(askAndCheck(parts())).rejects.toThrow(words)
  })

  test.each<[string, () => void, RegExp]>([
    ['an answer in no batch', () => (world.inBatch = false), /is in no batch/],
    ['a receipt that was voided', () => (world.isVoid = true), /is void/],
    ['an epoch that is not final', () => (world.finalBatch = 0), /batch 1 is in no final epoch/],
    ['a payee that was not paid', () => (world.claimed = 0n), /0x7777.* is owed 250000000000000000 wei/],
  ])('%s', async (_, spoil, words) => {
    const answers = await askAndCheck(parts())
    spoil()
    await expect(paid(answers, parts())).rejects.toThrow(words)
  })

  test.each<[string, () => void, RegExp]>([
    [
      'an index that the indexer has not',
      () => (world.why = 'INCOMPLETE: the index'),
      /are shown: INCOMPLETE: the index/,
    ],
    ['a figure that is not the chain’s', () => world.differences.push('1 wei'), /1:0xaa.*:S is not explained: 1 wei/],
    ['a payee for no words', () => (world.text = undefined), /no words .* 0xaa.* is paid for/],
  ])('%s', async (_, spoil, words) => {
    const answers = await askAndCheck(parts())
    const earnings = await paid(answers, parts())
    spoil()
    await expect(explained(answers, earnings, parts())).rejects.toThrow(words)
  })
})
