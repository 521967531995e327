import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AnswerQueries } from '../../../attribution/combined/answer-queries.ts'
import { encodeTable, tableOf, tableRoot } from '../../../attribution/combined/influence-table.ts'
import { AdapterGradients } from '../../../attribution/gradients/gradient-attributor.ts'
import { makeSketches } from '../../../attribution/gradients/sketches.ts'
import type { L2Rpc } from '../../../chain/ledger/l2-rpc.ts'
import type { Reply } from '../../../common/asked-thread.ts'
import { silentLog } from '../../../common/log.ts'
import { openLedgerPredeploys, predeploys } from '../../../contracts/addresses.ts'
import { adapterRoot, encodeAdapter } from '../../../inference/adapter/adapter-file.ts'
import { encodeModel, modelRoot } from '../../../inference/model-file.ts'
import type { SettledAnswer } from '../../../node/checker/settled-answers.ts'
import { makeCommittee } from '../../../node/committee/make-committee.ts'
import { QueryCheck } from '../../../node/committee/query-check.ts'
import { SketchJobs, type SketchOutcome } from '../../../node/committee/sketch-jobs.ts'
import { SketchThread } from '../../../node/committee/sketch-thread.ts'
import { VoteJournal } from '../../../node/committee/vote-journal.ts'
import type { Action } from '../../../node/watcher/action.ts'
import { type Hex, hexToBytes, quantity, zeroHash } from '../../../protocol/bytes.ts'
import { keccakHex } from '../../../protocol/keccak.ts'
import { CommitteeNode, committeeBook } from '../../fakes/committee-node.ts'
import { CommitteeWorld, openPrice } from '../../fakes/committee-world.ts'
import { type Actor, type MoneyEvent, open } from '../../fakes/money-chain.ts'
import type { CommittedBatch } from '../../fakes/money-world.ts'
import { randomAdapter } from '../../fakes/random-adapter.ts'
import { randomModel, smallConfig } from '../../fakes/random-model.ts'

const model = randomModel(21, smallConfig, 0.4)
const adapter = { ...randomAdapter(22, smallConfig, 8, ['query', 'down'], 0.3), base: modelRoot(model) }
const gradients = new AdapterGradients(model, adapter, 12)
const examples = [7n, 8n, 9n].map((contribution, i) => ({
  contribution,
  gradient: gradients.of({ tokens: [0, 3 + i, 9, 20 + i, 30, 1], from: 1 }),
}))
const subject = { base: adapter.base, adapter: adapterRoot(adapter), data: zeroHash, seed: 5, fold: 8 } as const
const table = tableOf({ ...subject, ...makeSketches(gradients.projection(5, 8), examples) })
const root = tableRoot(table)

const tokens = { prompt: Uint32Array.of(0, 4, 9, 21), output: Uint32Array.of(30, 31, 1) }
const modelOf = modelRoot(model)
const source = { model: modelOf, adapter: zeroHash, table: root, size: table.size, rows: table.rows.length }
const hashOf = (query: Int8Array) => keccakHex(new Uint8Array(query.buffer))
const right = new AnswerQueries(model, adapter, table).of(tokens)

let world: CommitteeWorld
let folder: string
let thread: SketchThread
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'openledger-sketch-cases-'))
  mkdirSync(join(folder, 'models'))
  writeFileSync(join(folder, 'models', 'base.olm'), encodeModel(model))
  writeFileSync(join(folder, 'models', 'one.ola'), encodeAdapter(adapter))
  writeFileSync(join(folder, 'models', 'one.olt'), encodeTable(table))
  const folders = [join(folder, 'models')]
  thread = new SketchThread({ folders, fetched: join(folder, 'fetched'), urls: [] })
  world = await CommitteeWorld.create(5)
  const { chain, terms } = world.money
  const shown = { root, size: table.size, rows: table.rows.length }
  const args = [terms.modelVersion, zeroHash, shown, []]
  await chain.send(chain.actor('model owner'), 'SketchRegistry', 'register', args, { value: 100n * open })
  chain.advance(86_400)
}, 60_000)
afterAll(async () => {
  await thread.close()
  rmSync(folder, { recursive: true })
})

/** Calls and the L1 origin, of the chain in memory. */
const rpc: L2Rpc = {
  request: async (method, params = []) => {
    const { chain } = world.money
    if (method === 'eth_getStorageAt') return quantity((await chain.read('L1Block', 'number')) as bigint)
    if (method !== 'eth_call') throw new Error(method)
    const { to, data } = params[0] as { readonly to: Hex; readonly data: Hex }
    const { result } = await chain.sendRaw(world.payer, to, hexToBytes(data))
    return `0x${Buffer.from(result.execResult.returnValue).toString('hex')}`
  },
}

const { sketchJudge } = openLedgerPredeploys

const answerOf = ({ header, built }: CommittedBatch, change: Partial<typeof tokens> = {}): SettledAnswer => {
  const { receipt, request, sums } = built.receipts[0] as (typeof built.receipts)[number]
  const { batchId, committedAt, l2Block } = header
  const named = { receipt, request, sums, payment: undefined, entries: [], ...tokens, ...change }
  return { ...named, batchId, committedAt, l2Block, index: 0 }
}

type Options = {
  readonly lies?: boolean
  readonly thread?: Pick<SketchThread, 'query'>
  readonly answer?: SettledAnswer
}

function nodeOf(batch: CommittedBatch, events: readonly MoneyEvent[], who: Actor, options: Options = {}) {
  const { chain } = world.money
  const book = committeeBook(chain, batch, events)
  const actions: Action[] = []
  const check = new QueryCheck({
    rpc,
    modelRoot: async () => modelOf,
    sketches: options.thread ?? thread,
    log: silentLog,
  })
  const isWrong: QueryCheck['isWrong'] = async (answer, hash) => {
    const found = await check.isWrong(answer, hash)
    return found === undefined ? undefined : found !== (options.lies === true)
  }
  const opened = { opened: world.money.openedReceipt(batch, 0), segments: batch.built.segments }
  const make = (journal: VoteJournal) =>
    makeCommittee({
      ...{ rpc, book, account: who.address, journal, log: silentLog, window: async () => 30n },
      ...{ runner: { run: (list) => void actions.push(...list) }, suspects: async () => [], found: () => undefined },
      ...{ answers: { all: () => [options.answer ?? answerOf(batch)] } },
      ...{ sketches: { isWrong }, modelRoot: async () => undefined, floats: { check: async () => 'no-model' } },
      open: async () => opened as never,
    })
  const file = join(folder, `${who.address}-${batch.header.batchId}.sqlite`)
  return new CommitteeNode(chain, who, actions, { make, open: () => new VoteJournal(file) })
}

/** A case about a query of the receipt, and what became of it. */
async function play(query: Int8Array, node: (i: number) => Options = () => ({})): Promise<MoneyEvent[]> {
  const { chain } = world.money
  const batch = await world.settle()
  const args = [world.challenger.address, 1, world.money.openedReceipt(batch, 0), hashOf(query)]
  const events: MoneyEvent[] = []
  chain.state.account(sketchJudge).balance += openPrice
  chain.state.account(predeploys.nativeAssetLiquidity).balance -= openPrice
  const sent = await chain.send(sketchJudge, 'CheckerCommittee', 'openFor', args, { value: openPrice })
  events.push(...sent.events)
  const nodes = world.checkers.map((who, i) => nodeOf(batch, events, who, node(i)))
  let origin = 100n
  while (chain.now < batch.header.committedAt + 29n) {
    for (const each of nodes) await each.turn(events)
    chain.advance(2)
    await world.setOrigin(++origin)
  }
  for (const each of nodes) each.close()
  return events
}

const outcomeOf = (events: readonly MoneyEvent[]) => {
  const { outcome, wrong, right: stands } = events.find(({ name }) => name === 'CaseClosed')?.args ?? {}
  return [outcome, wrong, stands].map(Number)
}
const slashed = (events: readonly MoneyEvent[], name: 'WorkerSlashed' | 'MemberSlashed') =>
  events.filter((each) => each.name === name).map(({ args }) => String(args['member'] ?? args['worker']).toLowerCase())

test(
  'a query with one number changed: five nodes of which one lies compute it anew, and the receipt is void',
  () =>
    world.money.chain.trial(async () => {
      const changed = right.with(3, (right[3] as number) + 1)
      const events = await play(changed, (i) => ({ lies: i === 0 }))
      expect(outcomeOf(events)).toEqual([2, 4, 1])
      expect(slashed(events, 'WorkerSlashed')).toEqual([world.worker.address])
      expect(slashed(events, 'MemberSlashed')).toEqual([world.checkers[0]?.address])
      await world.checkLaws()
    }),
  60_000,
)

test(
  'the right query stands, and who votes against it alone is slashed',
  () =>
    world.money.chain.trial(async () => {
      const events = await play(right, (i) => ({ lies: i === 0 }))
      expect(outcomeOf(events)).toEqual([3, 1, 4])
      expect(slashed(events, 'WorkerSlashed')).toEqual([])
      expect(slashed(events, 'MemberSlashed')).toEqual([world.checkers[0]?.address])
    }),
  60_000,
)

const lacks = (what: string, name: Hex) => ({ kind: 'missing', reason: `${what} ${name} is not here` })

/** What a node finds that has these files, and asks these nodes for the others. */
async function found(names: readonly string[], urls: readonly string[] = []): Promise<SketchOutcome> {
  const own = mkdtempSync(join(folder, 'node-'))
  for (const name of names) copyFileSync(join(folder, 'models', name), join(own, name))
  const reply = await new Promise<Reply<SketchOutcome>>((resolve) => {
    const places = { folders: [own], fetched: join(own, 'fetched'), urls }
    new SketchJobs(places, resolve).take({ id: 1, task: { source, answer: tokens } })
  })
  if ('failed' in reply) throw new Error(reply.failed.message)
  return reply.done
}

test(
  'what a node has not is named, and without it no vote is sent',
  () =>
    world.money.chain.trial(async () => {
      expect(await found(['base.olm', 'one.ola'])).toMatchObject(lacks('the table of influences', root))
      expect(await found(['one.ola', 'one.olt'])).toMatchObject(lacks('the model', table.base))
      expect(await found(['base.olm', 'one.olt'])).toMatchObject(lacks('the adapter', table.adapter))
      const poor = { query: async () => ({ kind: 'missing', reason: '' }) as const }
      const events = await play(right, () => ({ thread: poor }))
      expect(events.filter(({ name }) => name === 'VoteSent')).toEqual([])
    }),
  60_000,
)

test('table and adapter come by their roots from a node that has them, and nothing that another has under their names', async () => {
  const [lying, honest] = await Promise.all([
    serve(
      new Map([
        [root, encodeAdapter(adapter)],
        [table.adapter, encodeTable(table)],
      ]),
    ),
    serve(
      new Map([
        [root, encodeTable(table)],
        [table.adapter, encodeAdapter(adapter)],
      ]),
    ),
  ])
  const urls = [lying, honest].map(({ port }) => `http://127.0.0.1:${port}`)
  expect(await found(['base.olm'], urls)).toMatchObject({ kind: 'query', hash: hashOf(right) })
  expect(await found(['base.olm'], urls.slice(0, 1))).toMatchObject(lacks('the table of influences', root))
  for (const { server } of [lying, honest]) server.close()
})

async function serve(files: ReadonlyMap<Hex, Uint8Array>) {
  const server = createServer((request, response) => {
    const file = files.get((request.url ?? '').slice('/content/'.length) as Hex)
    response.writeHead(file === undefined ? 404 : 200).end(file)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as AddressInfo).port }
}

test(
  'an answer with tokens that the model has not, as a private one, has zeros for its query; where no table is in force only none is right',
  () =>
    world.money.chain.trial(async () => {
      const check = new QueryCheck({ rpc, modelRoot: async () => modelOf, sketches: thread, log: silentLog })
      const batch = await world.settle()
      const sealed = answerOf(batch, { output: Uint32Array.of(30, 2 ** 31) })
      expect(await check.isWrong(sealed, hashOf(right))).toBe(true)
      expect(await check.isWrong(sealed, hashOf(new Int8Array(table.size)))).toBe(false)
      const before = { ...answerOf(batch), committedAt: 0n }
      expect(await check.isWrong(before, hashOf(right))).toBe(true)
      expect(await check.isWrong(before, hashOf(new Int8Array(0)))).toBe(false)
    }),
  60_000,
)
