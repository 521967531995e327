import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fingerprintDemandsOf } from '../../../chain/ledger/fingerprint-demands.ts'
import { silentLog } from '../../../common/log.ts'
import { adapterRoot, encodeAdapter } from '../../../inference/adapter/adapter-file.ts'
import { generateFloat } from '../../../inference/answer/generate-float.ts'
import { stopHash } from '../../../inference/answer/stops.ts'
import {
  decodeFingerprint,
  encodeFingerprint,
  type Fingerprint,
  fingerprintRoot,
  shownLeaf,
} from '../../../inference/check/fingerprint/fingerprint.ts'
import { adaptedModel, floatOf } from '../../../inference/float/dequantise.ts'
import { type FloatEngine, referenceEngine } from '../../../inference/float/float-engine.ts'
import { decodeModel, modelRoot } from '../../../inference/model-file.ts'
import { baseModelFile } from '../../../inference/models/base-model.ts'
import { answerSeed } from '../../../inference/sampler.ts'
import { readTokenizer } from '../../../inference/tokenizer/model-tokenizer.ts'
import type { SettledAnswer } from '../../../node/checker/settled-answers.ts'
import { Committee } from '../../../node/committee/committee.ts'
import { floatAnswerOf, shownFingerprint } from '../../../node/committee/float-answer.ts'
import { FloatJobs, type FloatOutcome, type FloatTask } from '../../../node/committee/float-jobs.ts'
import { makeCommittee } from '../../../node/committee/make-committee.ts'
import { VoteJournal } from '../../../node/committee/vote-journal.ts'
import type { Action } from '../../../node/watcher/action.ts'
import { bytesToHex, type Hex, quantity, zeroHash } from '../../../protocol/bytes.ts'
import { receiptSums } from '../../../protocol/fee.ts'
import { type InferenceRequest, requestIdOf } from '../../../protocol/inference-request.ts'
import { moneyDigest } from '../../../protocol/money-domain.ts'
import { tokenListRoot } from '../../../protocol/token-list.ts'
import { paymentHash, voucherStructHash } from '../../../protocol/voucher.ts'
import { requantised } from '../../../scripts/fingerprints/engines.ts'
import { CommitteeNode, committeeBook } from '../../fakes/committee-node.ts'
import { CommitteeWorld } from '../../fakes/committee-world.ts'
import { type BuiltReceipt, batchOf } from '../../fakes/money-batch.ts'
import { type Actor, chainId, type MoneyEvent, open } from '../../fakes/money-chain.ts'
import type { CommittedBatch } from '../../fakes/money-world.ts'
import { randomAdapter } from '../../fakes/random-adapter.ts'

const canonical = decodeModel(readFileSync(baseModelFile))
const text = readTokenizer(canonical.tokenizer)
const model = floatOf(canonical)
const rule = { tempQ16: 52_429, topK: 40, topPQ16: 62_259 }
const { signal } = new AbortController()
const adapter = { ...randomAdapter(4, canonical.config, 8, ['query', 'value'], 0.2), base: modelRoot(canonical) }
const adapters = [{ root: adapterRoot(adapter), weight: 50_000 }]
const adapted = adaptedModel(model, canonical.config, [{ adapter, weight: 50_000 }])

let world: CommitteeWorld
let folder: string
let floats: { check(task: FloatTask): Promise<FloatOutcome> }
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'openledger-committee-'))
  floats = checkerOf(join(folder, 'models'))
  world = await CommitteeWorld.create(5)
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true }))

/** What the nodes judge by, with the model and one adapter. */
function checkerOf(models: string): typeof floats {
  mkdirSync(models)
  copyFileSync(baseModelFile, join(models, 'base.olm'))
  writeFileSync(join(models, 'one.ola'), encodeAdapter(adapter))
  const waiting = new Map<number, { resolve(outcome: FloatOutcome): void; reject(error: Error): void }>()
  const jobs = new FloatJobs({ folders: [models], fetched: join(models, 'fetched'), urls: [] }, (reply) => {
    const asker = waiting.get(reply.id)
    if ('done' in reply) asker?.resolve(reply.done)
    else asker?.reject(new Error(JSON.stringify(reply.failed)))
  })
  return {
    check: (task) =>
      new Promise((resolve, reject) => {
        const id = waiting.size
        waiting.set(id, { resolve, reject })
        jobs.take({ id, task })
      }),
  }
}

type Served = { readonly batch: CommittedBatch; readonly answer: SettledAnswer; readonly file: Uint8Array }

/** An answer that the worker gave with an engine, whose receipt stands on chain. */
async function served(engine: FloatEngine, changes: Partial<InferenceRequest> = {}): Promise<Served> {
  const { money, worker, payer } = world
  const prompt = Uint32Array.from([0, ...text.encode('What is a Datanet? It is')])
  const draft = money.build(worker, [money.plan(payer, worker, prompt.length, 1)]).receipts[0] as BuiltReceipt
  const request = {
    ...draft.request,
    promptRoot: bytesToHex(tokenListRoot(prompt)),
    sampling: { ...rule, maxTokens: 20, stopHash: stopHash([]) },
    class: 3,
    maxFee: 10n * open,
    ...changes,
  }
  const requestId = requestIdOf(request)
  const asked = { input: [...prompt], rule, maxTokens: 20, stops: [], seed: answerSeed(requestId, worker.address) }
  const output: number[] = []
  let fingerprint: Fingerprint | undefined
  for await (const step of generateFloat(engine, text, asked, signal)) {
    output.push(step.token)
    fingerprint = step.fingerprint
  }
  if (fingerprint === undefined) throw new Error('no fingerprint')
  const receipt = {
    ...draft.receipt,
    ...{ requestId, tout: output.length, class: 3, traceRoot: fingerprintRoot(fingerprint) },
    outputRoot: bytesToHex(tokenListRoot(Uint32Array.from(output))),
  }
  const voucher = { ...draft.voucher, requestId, maxFee: request.maxFee, cumulativeCap: 50n * open }
  const signature = payer.sign(moneyDigest(chainId, voucherStructHash(voucher)))
  const payment = { voucher: { value: voucher, signature: signature.bytes } }
  const built = {
    ...{ ...draft, request, receipt, voucher, signature },
    ...{ paymentHash: paymentHash(payment.voucher), sums: receiptSums(receipt, draft.parts) },
  }
  const { batch } = await money.commit(worker, batchOf(worker.address, [built], 3, money.chain.now + 600n))
  const answer: SettledAnswer = {
    ...{ receipt, request, payment, sums: built.sums, entries: [], prompt, output: Uint32Array.from(output) },
    ...{
      batchId: batch.header.batchId,
      index: 0,
      committedAt: batch.header.committedAt,
      l2Block: batch.header.l2Block,
    },
  }
  return { batch, answer, file: encodeFingerprint(fingerprint) }
}

/** A node with the role checker, and what its runner would send. */
function nodeOf(
  of: Served,
  events: readonly MoneyEvent[],
  who: Actor,
  options: { lies?: boolean; accuses?: boolean } = {},
) {
  const { chain } = world.money
  const book = committeeBook(chain, of.batch, events)
  const actions: Action[] = []
  const journalFile = join(folder, `${who.address}-${of.answer.batchId}.sqlite`)
  const rpc = {
    request: async (method: string) => {
      if (method !== 'eth_getStorageAt') throw new Error(method)
      return quantity((await chain.read('L1Block', 'number')) as bigint)
    },
  }
  const opened = { opened: world.money.openedReceipt(of.batch, 0), segments: of.batch.built.segments }
  const judge = async () => {
    const file = shownFingerprint(book, fingerprintDemandsOf(book, of.answer.batchId), of.answer)
    if (file === undefined) return undefined
    const { request } = of.answer
    const task = { model: modelRoot(canonical), adapters: request.adapters, answer: floatAnswerOf(of.answer), file }
    const verdict = await floats.check(task)
    return typeof verdict === 'string' ? undefined : verdict.ok === (options.lies === true)
  }
  const make = (journal: VoteJournal) =>
    new Committee({
      ...{ rpc, book, account: who.address, journal, judge, judgeShown: judge, log: silentLog },
      runner: { run: (list) => void actions.push(...list) },
      suspects: async () => (options.accuses === true ? [{ answer: of.answer, isWithheld: false }] : []),
      open: async () => opened as never,
      window: async () => 30n,
    })
  return new CommitteeNode(chain, who, actions, { make, open: () => new VoteJournal(journalFile) })
}

/** The worker shows what it is asked for, unless it is silent. */
async function show(of: Served, events: MoneyEvent[]) {
  for (const demand of fingerprintDemandsOf(committeeBook(world.money.chain, of.batch, events), of.answer.batchId)) {
    if (demand.isServed) continue
    const leaf = shownLeaf(decodeFingerprint(of.file, of.answer.receipt.tout), demand.index)
    const sent = await world.money.chain.send(world.worker, 'FingerprintJudge', 'serveFingerprint', [
      demand.id,
      ...leaf,
    ])
    events.push(...sent.events)
  }
}

type Played = { readonly events: readonly MoneyEvent[]; readonly calls: readonly string[] }

/** Everybody looks at each block until nobody has anything to do or the window is over. */
async function play(of: Served, options: { liars: number; isSilent?: boolean; dying?: boolean }): Promise<Played> {
  const { chain } = world.money
  const events: MoneyEvent[] = []
  const nodes = [
    nodeOf(of, events, world.challenger, { accuses: true }),
    ...world.checkers.map((who, i) => nodeOf(of, events, who, { lies: i < options.liars })),
  ]
  const calls: string[] = []
  const end = of.answer.committedAt + 30n
  let origin = 100n
  while (chain.now < end - 1n) {
    for (const node of nodes) {
      calls.push(...(await node.turn(events)))
      if (options.dying === true) node.dies()
    }
    if (options.isSilent !== true) await show(of, events)
    chain.advance(2)
    await world.setOrigin(++origin)
  }
  for (const node of nodes) node.close()
  return { events, calls }
}

const slashed = ({ events }: Played, contract: 'WorkerSlashed' | 'MemberSlashed') =>
  events
    .filter(({ name }) => name === contract)
    .map(({ args }) => String(args['member'] ?? args['worker']).toLowerCase())

test(
  'weights of 4 bits served as the model: five nodes, of which one lies and each dies at every step, void it',
  () =>
    world.money.chain.trial(async () => {
      const of = await served(referenceEngine(requantised(model, 4)))
      const played = await play(of, { liars: 1, dying: true })
      const closed = played.events.find(({ name }) => name === 'CaseClosed')?.args
      expect([Number(closed?.['outcome']), closed?.['wrong'], closed?.['right']]).toEqual([2, 4, 1])
      expect(await world.money.chain.read('InferenceMarket', 'isVoid', [of.answer.batchId, 0])).toBe(true)
      expect(slashed(played, 'WorkerSlashed')).toEqual([world.worker.address])
      expect(slashed(played, 'MemberSlashed')).toEqual([world.checkers[0]?.address])
      await world.checkLaws()
    }),
  180_000,
)

test(
  'an honest answer that is accused: it stands, the bond is lost, the liar is slashed and nobody else',
  () =>
    world.money.chain.trial(async () => {
      const of = await served(referenceEngine(model))
      const played = await play(of, { liars: 1 })
      expect(Number(played.events.find(({ name }) => name === 'CaseClosed')?.args['outcome'])).toBe(3)
      expect(await world.money.chain.read('InferenceMarket', 'isVoid', [of.answer.batchId, 0])).toBe(false)
      expect(slashed(played, 'WorkerSlashed')).toEqual([])
      expect(slashed(played, 'MemberSlashed')).toEqual([world.checkers[0]?.address])
      await world.checkLaws()
    }),
  180_000,
)

test(
  'the request’s adapter left out: the nodes have the fingerprint shown, and void it',
  () =>
    world.money.chain.trial(async () => {
      const lazy = await served(referenceEngine(model), { adapters })
      const played = await play(lazy, { liars: 0 })
      const closed = played.events.find(({ name }) => name === 'CaseClosed')?.args
      expect([Number(closed?.['outcome']), closed?.['wrong'], closed?.['right']]).toEqual([2, 5, 0])
      expect(await world.money.chain.read('InferenceMarket', 'isVoid', [lazy.answer.batchId, 0])).toBe(true)
      expect(slashed(played, 'WorkerSlashed')).toEqual([world.worker.address])
      await world.checkLaws()
    }),
  180_000,
)

test(
  'three liars of five cannot void an honest answer',
  () =>
    world.money.chain.trial(async () => {
      const of = await served(referenceEngine(model))
      const played = await play(of, { liars: 3 })
      expect(Number(played.events.find(({ name }) => name === 'CaseClosed')?.args['outcome'])).toBe(4)
      expect(await world.money.chain.read('InferenceMarket', 'isVoid', [of.answer.batchId, 0])).toBe(false)
      expect([...slashed(played, 'WorkerSlashed'), ...slashed(played, 'MemberSlashed')]).toEqual([])
    }),
  180_000,
)

test(
  'a fingerprint that is withheld when asked for voids the receipt without a committee',
  () =>
    world.money.chain.trial(async () => {
      const of = await served(referenceEngine(model))
      const played = await play(of, { liars: 0, isSilent: true })
      expect(played.calls).toContain('fingerprintMissing')
      expect(await world.money.chain.read('InferenceMarket', 'isVoid', [of.answer.batchId, 0])).toBe(true)
      expect(played.events.some(({ name }) => name === 'CaseOpened')).toBe(false)
    }),
  180_000,
)

test('the journal: the first vote of a case stays, over restarts', () => {
  const file = join(folder, 'votes.sqlite')
  const id: Hex = `0x${'11'.repeat(32)}`
  const journal = new VoteJournal(file)
  expect(journal.get(id)).toBeUndefined()
  const kept = journal.keep(id, true)
  expect(journal.keep(id, false)).toEqual(kept)
  journal.close()
  const again = new VoteJournal(file)
  expect(again.get(id)).toEqual(kept)
  expect(kept.isWrong).toBe(true)
  again.close()
})

test('the role judges an answer by a float engine of the model and its adapters, and bytes that are no fingerprint are wrong', async () => {
  await world.money.chain.trial(async () => {
    const of = await served(referenceEngine(adapted), { adapters })
    const book = committeeBook(world.money.chain, of.batch, [])
    const part = makeCommittee({
      ...{ rpc: { request: async () => '0x' }, book, account: world.challenger.address, log: silentLog },
      ...{ runner: { run: () => {} }, journal: new VoteJournal(join(folder, 'judge.sqlite')), window: async () => 30n },
      ...{ suspects: async () => [], open: async () => undefined, answers: { all: () => [of.answer] } },
      found: () => undefined,
      sketches: { isWrong: async () => undefined },
      modelRoot: async () => modelRoot(canonical),
      floats,
    })
    expect(await part.check(of.answer, of.file)).toEqual({ ok: true })
    expect(await part.check(of.answer, of.file.slice(0, 40))).toMatchObject({ ok: false, kind: 'answer' })
    const named = (changes: Partial<InferenceRequest>) => ({
      ...of.answer,
      request: { ...of.answer.request, ...changes },
    })
    expect(await part.check(named({ adapters: [] }), of.file)).toMatchObject({ ok: false, kind: 'answer' })
    const unknown = named({ adapters: [{ root: zeroHash, weight: 1 }] })
    await expect(part.check(unknown, of.file)).rejects.toMatchObject({ code: 'no-adapter' })
  })
})
