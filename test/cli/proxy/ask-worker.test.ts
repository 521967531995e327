import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { MoneyCall } from '../../../chain/ledger/money-contracts.ts'
import { templateFor } from '../../../cli/model/templates.ts'
import { WorkerAsker } from '../../../cli/proxy/ask-worker.ts'
import { Canary } from '../../../cli/proxy/canary.ts'
import { readChatRequest } from '../../../cli/proxy/chat-request.ts'
import { Equivocations } from '../../../cli/proxy/equivocations.ts'
import { KnownWorkers } from '../../../cli/proxy/known-workers.ts'
import { PayerBook } from '../../../cli/proxy/payer-book.ts'
import type { ServedModel } from '../../../cli/proxy/served-models.ts'
import { silentLog } from '../../../common/log.ts'
import { decodeModel } from '../../../inference/model-file.ts'
import { baseModelFile } from '../../../inference/models/base-model.ts'
import { readTokenizer } from '../../../inference/tokenizer/model-tokenizer.ts'
import type { Job, JobEvent } from '../../../p2p/workers/jobs/job.ts'
import type { JobCall } from '../../../p2p/workers/jobs/job-call.ts'
import type { Capability } from '../../../p2p/workers/wire/messages.ts'
import { answerStructHash } from '../../../protocol/answer.ts'
import { bytesToHex, hexToBytes, zeroHash } from '../../../protocol/bytes.ts'
import { requestIdOf } from '../../../protocol/inference-request.ts'
import { keccakHex } from '../../../protocol/keccak.ts'
import { moneyDigest } from '../../../protocol/money-domain.ts'
import { tokenListRoot } from '../../../protocol/token-list.ts'
import type { JobDesk } from '../../../worker/jobs/job-desk.ts'
import { BackwardsBackend, WorkerWorld } from '../../fakes/worker-world.ts'

const base = decodeModel(readFileSync(baseModelFile))
const tokenizer = readTokenizer(base.tokenizer)
const signal = new AbortController().signal
const open = 10n ** 18n

let world: WorkerWorld
let dir: string
let book: PayerBook
let desk: JobDesk
/** What the network makes of what the worker says, by how often it was asked. */
let onWay: (events: AsyncIterable<JobEvent>, job: Job, asked: number) => AsyncIterable<JobEvent>
const sent: MoneyCall[] = []

beforeEach(async () => {
  world = await WorkerWorld.open()
  desk = (await world.start()).desk
  dir = mkdtempSync(join(tmpdir(), 'openledger-payer-'))
  book = PayerBook.open(join(dir, 'payer.sqlite'), zeroHash, world.chain.actor('alice').address, 100n * open)
  onWay = (events) => events
  sent.length = 0
}, 60_000)
afterEach(async () => {
  book.close()
  rmSync(dir, { recursive: true })
  await world.close()
})

const worker = () => world.chain.actor('worker').address

function model(): ServedModel {
  const { modelVersion } = world.market.terms
  const names = ['base']
  return {
    modelVersion,
    root: zeroHash,
    names,
    config: base.config,
    tokenizer,
    chat: templateFor('auto', tokenizer, 0),
  }
}

function openAsker(agent?: ConstructorParameters<typeof WorkerAsker>[1]['agent']): WorkerAsker {
  const alice = world.chain.actor('alice')
  const nowMs = () => Number(world.chain.now) * 1_000
  const workers = new KnownWorkers()
  const { modelVersion, class: proofClass } = world.market.terms
  const models = { model0: modelVersion, model1: zeroHash, model2: zeroHash, model3: zeroHash }
  workers.offers({ worker: worker(), classes: 1 << proofClass, ...models } as unknown as Capability, nowMs())
  let asked = 0
  const ask = async (_: string, job: Job) => {
    const client = { requestId: job.voucher.value.requestId, cancelled: new Promise<never>(() => {}) }
    const events = onWay(await desk.take(job, client, signal), job, ++asked)
    return { events: () => events } as unknown as JobCall
  }
  const sender = {
    send: async (call: MoneyCall) => {
      sent.push(call)
      await world.chain.send(world.chain.actor('bob'), call.contract, call.functionName, call.args)
      return { txHash: zeroHash, block: 0n } as const
    },
  }
  const appCode = keccakHex(new TextEncoder().encode('an_app'))
  const options = { chainId: 901n, payer: alice.address, privateKey: hexToBytes(alice.key), proofClass, appCode }
  return new WorkerAsker(
    { ...options, answerSeconds: 600, deposit: 0n },
    {
      ...{ rpc: world.chain.rpc, network: { ask, hostsOf: () => ['host'] }, workers, book, sender, nowMs },
      ...{ agent, log: silentLog, equivocations: new Equivocations({ book, sender, nowMs, log: silentLog }) },
    },
  )
}

const question = (model = 'base') => readChatRequest({ model, prompt: 'What is a river?', max_tokens: 40 }, false)

async function answerOf(asker: WorkerAsker, name?: string) {
  let text = ''
  for await (const event of asker.ask(model(), question(name), signal)) {
    if (event.kind === 'done') return { text, done: event }
    text += event.text
  }
  throw new Error('no end')
}

async function* cutAfter(events: AsyncIterable<JobEvent>, count: number): AsyncGenerator<JobEvent> {
  let told = 0
  for await (const event of events) {
    yield event
    if (++told === count) throw new Error('the connection is gone')
  }
}

/** Another answer, signed as final by the worker. */
async function* lie(job: Job): AsyncGenerator<JobEvent> {
  const tokens = Uint32Array.of(9, 9)
  yield { kind: 'tokens', first: 0, tokens }
  const value = { requestId: job.voucher.value.requestId, outputRoot: bytesToHex(tokenListRoot(tokens)), final: true }
  const { bytes } = world.chain.actor('worker').sign(moneyDigest(901n, answerStructHash(value)))
  yield { kind: 'answer', answer: { value, signature: bytes } }
}

test('an answer whose connection breaks is gone on with: once in text, once paid', async () => {
  const whole = await answerOf(openAsker())
  onWay = (events, _, asked) => (asked === 1 ? cutAfter(events, 3) : events)
  const runs = world.backend.runs
  const { text, done } = await answerOf(openAsker())
  expect(text).toBe(whole.text)
  expect(text.length).toBeGreaterThan(0)
  expect(done.receipt.tout).toBe(whole.done.receipt.tout)
  expect(world.backend.runs).toBe(runs + 1)
  expect(book.history(worker())).toEqual({ answered: 2, failed: 0, wrong: 0 })
})

test('a worker that signs another answer when it is asked again is slashed, and its text not told', async () => {
  // The first answer is signed, and its receipt does not come.
  onWay = (events, job, asked) => (asked > 1 ? lie(job) : cutBeforeEntries(events))
  await expect(answerOf(openAsker())).rejects.toMatchObject({ code: 'worker_failed' })
  expect(sent.map(({ contract, functionName }) => `${contract}.${functionName}`)).toEqual(['DisputeGame.equivocation'])
  expect(await world.chain.read('WorkerRegistry', 'isActive', [worker()])).toBe(false)
  expect(book.history(worker())).toMatchObject({ wrong: 1 })
})

async function* cutBeforeEntries(events: AsyncIterable<JobEvent>): AsyncGenerator<JobEvent> {
  for await (const event of events) {
    if (event.kind === 'entries') throw new Error('the connection is gone')
    yield event
  }
}

test('what a worker refuses stays promised: it has the voucher; asked again it gets no second one', async () => {
  const vouchers: bigint[] = []
  onWay = (_, job) => {
    vouchers.push(job.voucher.value.cumulativeCap)
    return refusals()
  }
  await expect(answerOf(openAsker())).rejects.toMatchObject({ code: 'worker_failed' })
  expect(vouchers).toHaveLength(2)
  const [first] = vouchers
  expect(vouchers).toEqual([first, first])
  expect(100n * open - book.leftToday(Number(world.chain.now))).toBe(first)
})

async function* refusals(): AsyncGenerator<JobEvent> {
  yield { kind: 'refused', refusal: { code: 'busy', retryAfterMs: 1, detail: 'not now' } }
}

test('adapters that stand behind a model’s name are asked for and paid, in their order', async () => {
  const [one, other] = ['a1', 'B2'].map((byte) => `0x${byte.repeat(32)}` as const)
  const { done } = await answerOf(openAsker(), `base+${one}:32768+${other}`)
  const adapters = [
    { root: one, weight: 32_768 },
    { root: other?.toLowerCase(), weight: 65_535 },
  ]
  expect(done.job.request.adapters).toEqual(adapters)
  expect(world.backend.task?.adapters).toEqual(adapters)
  expect(done.receipt.requestId).toBe(requestIdOf(done.job.request))
})

test('a canary finds a worker that answers otherwise than the model, and no other', async () => {
  const canary = (backend: BackwardsBackend) =>
    new Canary({
      ...{ asker: openAsker(), backend, book, models: () => [model()], log: silentLog },
      clock: { nowMs: () => 0, sleep: async () => {} },
    })
  expect(await canary(new BackwardsBackend()).look(signal)).toBe(true)
  expect(book.history(worker())).toMatchObject({ answered: 1, wrong: 0 })
  const otherwise = new BackwardsBackend()
  otherwise.answer = async function* () {
    yield { kind: 'tokens', tokens: [1] } as const
    yield { kind: 'end', traceRoot: zeroHash } as const
  }
  expect(await canary(otherwise).look(signal)).toBe(false)
  expect(book.history(worker())).toMatchObject({ answered: 2, wrong: 1 })
})

test('an answer to a client is made again, and its question asked once more as it was: no worker can tell which is looked at', async () => {
  const canary = new Canary({
    ...{ asker: openAsker(), backend: new BackwardsBackend(), book, models: () => [], log: silentLog },
    clock: { nowMs: () => 0, sleep: async () => {} },
  })
  expect(await canary.look(signal)).toBeUndefined()
  const jobs: Job[] = []
  onWay = (events, job) => {
    jobs.push(job)
    return events
  }
  for await (const event of canary.ask(model(), question(), signal)) if (event.kind === 'done') break
  expect(await canary.look(signal)).toBe(true)
  const [asked, again] = jobs.map(({ request: { nonce: _, deadline: __, ...same } }) => same)
  expect(again).toEqual(asked)
  expect(jobs.map(({ stops, tokens }) => ({ stops, tokens }))[1]).toEqual({ stops: [], tokens: jobs[0]?.tokens })
  world.backend.answer = async function* () {
    yield { kind: 'tokens', tokens: [1] } as const
    yield { kind: 'end', traceRoot: zeroHash } as const
  }
  expect(await canary.look(signal)).toBe(false)
  expect(book.history(worker())).toMatchObject({ answered: 3, wrong: 1 })
  await expect(canary.look(signal)).rejects.toMatchObject({ code: 'no_worker' })
})

test('an agent’s answers count for all that they may cost, and stand in its trail', async () => {
  const recorded: unknown[][] = []
  const agent = {
    limits: { perRequest: open, perDay: open },
    requireAllowed: async () => {},
    fundCall: () => ({ contract: 'AgentSpending', functionName: 'fundChannel', args: [] }) as const,
    record: (...what: unknown[]) => recorded.push(what),
  } as unknown as NonNullable<Parameters<typeof openAsker>[0]>
  const { done } = await answerOf(openAsker(agent))
  expect(done.job.request.appCode).toBe(keccakHex(new TextEncoder().encode('an_app')))
  expect(recorded).toEqual([['base', done.job.request, done.receipt]])
  const day = Number(done.job.request.deadline)
  expect(100n * open - book.leftToday(day)).toBe(done.job.request.maxFee)
  const refusing = { ...agent, requireAllowed: () => Promise.reject(new Error('AboveRequestLimit')) }
  await expect(answerOf(openAsker(refusing))).rejects.toThrow('AboveRequestLimit')
})
