import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { silentLog } from '../../../common/log.ts'
import type { Verdict } from '../../../inference/check/verdict.ts'
import { ProofError } from '../../../inference/trace/proof-file.ts'
import { Checker, type CheckerParts, pullsMax, verdictsMax } from '../../../node/checker/checker.ts'
import type { SettledAnswer } from '../../../node/checker/settled-answers.ts'
import { MessageAuthor } from '../../../p2p/workers/message-author.ts'
import { faultOfVerdict } from '../../../p2p/workers/wire/canonical.ts'
import { proofAnnounce, verdict, verdictKinds } from '../../../p2p/workers/wire/messages.ts'
import { WorkersError } from '../../../p2p/workers/workers-error.ts'
import { bytesToHex, type Hex } from '../../../protocol/bytes.ts'
import { requestIdOf } from '../../../protocol/inference-request.ts'
import { ManualClock } from '../../fakes/manual-clock.ts'
import { jobFor, signedReceipt } from '../../fakes/worker-jobs.ts'
import { account, accountKey, announced, announcement, netChain, word } from '../../fakes/worker-net.ts'

const worker = account(1).address
const job = jobFor(worker, [0, 5, 3])
const requestId = requestIdOf(job.request)
const output = [7, 8, 1]
const receipt = signedReceipt(job, output, accountKey(1), { proofHash: word(5) }).value
const settled: SettledAnswer = {
  ...{ receipt, request: job.request, sums: [], entries: [], batchId: 3n, index: 0, committedAt: 1_000n, l2Block: 7n },
  payment: { voucher: job.voucher },
  prompt: job.tokens,
  output: Uint32Array.from(output),
}
const never = new AbortController().signal

function world(change: Partial<CheckerParts> & { readonly verdict?: Verdict } = {}) {
  const clock = new ManualClock(1_000_000)
  const state = {
    pulls: 0,
    checks: 0,
    said: [] as Uint8Array[],
    closed: 0,
    isCommitted: true,
    hosts: ['host'],
    beacon: undefined as Hex | undefined,
    now: 1_002n,
  }
  const author = new MessageAuthor(netChain, account(100), clock)
  const checker = new Checker({
    network: {
      pull: async () => {
        state.pulls++
        return new Uint8Array(9)
      },
      hostsOf: () => state.hosts,
      publish: async (_, bytes) => state.said.push(bytes),
      closeProof: () => void state.closed++,
    },
    author,
    answer: () => (state.isCommitted ? settled : undefined),
    answers: () => (state.isCommitted ? [settled] : []),
    lookForBatches: async () => {},
    beacon: async () => state.beacon,
    checkFloat: async () => ({ ok: true }),
    pace: async () => ({ againMs: 10_000, silentSeconds: 5n }),
    now: () => state.now,
    modelTerms: async () => ({ root: word(9) }),
    check: async () => {
      state.checks++
      return { verdict: change.verdict ?? { ok: true }, stops: [] }
    },
    clock,
    log: silentLog,
    metrics: new Registry(),
    ...change,
  })
  const from = new MessageAuthor(netChain, account(1), clock)
  const hear = (proofHash = word(5), proofClass = 1) =>
    checker.add(
      proofAnnounce.decode(announcement(from, 1, { ...announced(worker, 1), requestId, proofHash, class: proofClass })),
    )
  const look = async () => {
    await checker.look(never)
    await checker.settled()
  }
  const verdicts = () => state.said.map((bytes) => verdict.decode(bytes))
  return { checker, clock, state, hear, look, verdicts }
}

test('an answer is checked once its batch is committed, once, and what came out is gossiped', async () => {
  const { checker, state, hear, look, verdicts } = world()
  state.isCommitted = false
  hear()
  await look()
  expect(state.pulls).toBe(0)
  state.isCommitted = true
  await look()
  hear()
  await look()
  expect([state.pulls, state.checks, state.closed, checker.waiting]).toEqual([1, 1, 1, 0])
  expect(verdicts()).toMatchObject([{ kind: verdictKinds.sound, requestId, worker, checker: account(100).address }])
  expect(checker.get(worker, requestId)?.verdict).toEqual({ ok: true })
})

test('a worker that announces two outputs of one request is told of once, one that announces anew or another request is not', async () => {
  const metrics = new Registry()
  const { checker, clock } = world({ metrics })
  const from = new MessageAuthor(netChain, account(1), clock)
  const say = (id: Hex, outputRoot: Hex, proofHash = word(5)) =>
    checker.add(
      proofAnnounce.decode(
        announcement(from, 1, { ...announced(worker, 1), requestId: id, outputRoot, proofHash, class: 1 }),
      ),
    )
  const told = async () => (await metrics.getSingleMetric('checker_double_answers_total')?.get())?.values[0]?.value ?? 0
  for (let again = 0; again < 3; again++) say(requestId, word(1), word(5 + again))
  say(word(90), word(2))
  expect(await told()).toBe(0)
  for (let again = 0; again < 3; again++) {
    say(requestId, word(2))
    say(requestId, word(1))
  }
  expect(await told()).toBe(1)
})

test.each<[Verdict, object]>([
  [
    { ok: false, kind: 'unit', slab: 2, op: 'gate', position: 5, part: 0, row: undefined, reason: '' },
    { kind: 1, slab: 2, op: 19, position: 5, row: 2 ** 32 - 1 },
  ],
  [
    { ok: false, kind: 'unit', slab: 2, op: 'gate', position: 5, part: 1, row: 7, reason: '' },
    { kind: 1, part: 1, row: 7 },
  ],
  [
    { ok: false, kind: 'answer', position: 4, reason: '' },
    { kind: 2, slab: 0, position: 4 },
  ],
  [
    { ok: false, kind: 'root', reason: '' },
    { kind: 3, position: 0 },
  ],
])('the place of %o is told in its one form', async (found, said) => {
  const { look, hear, verdicts } = world({ verdict: found })
  hear()
  await look()
  expect(verdicts()).toMatchObject([said])
  expect(verdicts().map(faultOfVerdict)).toEqual([undefined])
})

test.each([
  ['is not pulled', new WorkersError('withheld', 'nobody')],
  ['is another file', new ProofError('tampered', 'no')],
])('a proof that %s is asked for again, then its worker is told of', async (_, error) => {
  const { look, clock, state, hear, verdicts } = world({
    check: async () => {
      throw error
    },
  })
  hear()
  for (let i = 0; i < pullsMax; i++) {
    expect(verdicts()).toEqual([])
    await look()
    await look()
    clock.advance(10_000)
  }
  expect(state.pulls).toBe(pullsMax)
  expect(verdicts()).toMatchObject([{ kind: verdictKinds.withheld, position: 0 }])
})

test('what this node cannot judge is no fault of the worker', async () => {
  const lacks = world({
    check: async () => {
      throw new Error('the disk is full')
    },
  })
  lacks.hear()
  for (let i = 0; i < pullsMax + 1; i++) {
    await lacks.look()
    lacks.clock.advance(10_000)
  }
  expect([lacks.verdicts(), lacks.checker.waiting]).toEqual([[], 0])
  const unreached = world()
  unreached.state.hosts = []
  unreached.hear()
  await unreached.look()
  expect([unreached.state.pulls, unreached.checker.waiting]).toEqual([0, 1])
  const other = world()
  other.hear(word(6))
  other.hear(word(5), 4)
  await other.look()
  expect(other.state.pulls).toBe(0)
})

test('the check has what request and receipt say, and nothing of the announcement', async () => {
  let seen: unknown
  const { look, hear } = world({
    check: async ({ facts, model, adapters }) => {
      seen = {
        ...facts,
        outputRoot: bytesToHex(facts.outputRoot),
        promptRoot: bytesToHex(facts.promptRoot),
        model,
        adapters,
      }
      return { verdict: { ok: true }, stops: [] }
    },
  })
  hear()
  await look()
  expect(seen).toMatchObject({
    ...{
      outputRoot: receipt.outputRoot,
      promptRoot: job.request.promptRoot,
      traceRoot: receipt.traceRoot,
      stopHash: job.request.sampling.stopHash,
      model: word(9),
    },
    ...{ adapters: job.request.adapters, maxTokens: 64, cancelled: false, beacon: undefined },
  })
})

test('of class FINGERPRINT the fingerprint is checked with the model, and a wrong one is doubted apart from traces', async () => {
  const files: Uint8Array[] = []
  const answer = { ...settled, receipt: { ...settled.receipt, class: 3 } }
  const floats = world({
    answer: () => answer,
    answers: () => [answer],
    checkFloat: async (_, file) => {
      files.push(file)
      return { ok: false, kind: 'answer', position: 3, reason: 'another model' }
    },
  })
  floats.hear(settled.receipt.proofHash, 3)
  await floats.look()
  expect(files).toHaveLength(1)
  expect(await floats.checker.suspects()).toEqual([])
  expect(await floats.checker.floatSuspects()).toMatchObject([{ isWithheld: false }])
})

test.each([
  ['another file than its receipt’s', word(6), ['host']],
  ['a file, by a host that nobody reaches', word(5), []],
])('a worker that announces %s is no less suspect than one that is silent', async (_, proofHash, hosts) => {
  const { checker, state, hear, look } = world()
  state.hosts = hosts
  hear(proofHash)
  await look()
  expect(await checker.suspects()).toEqual([])
  state.now = 1_005n
  expect(await checker.suspects()).toMatchObject([{ answer: { index: 0 } }])
  state.hosts = ['host']
  hear(word(5))
  expect(await checker.suspects()).toEqual([])
  await look()
  expect([state.checks, await checker.suspects()]).toEqual([1, []])
})

test('however many answers were checked, a silent worker is suspect, and a wrong answer stays so while it can be disputed', async () => {
  const answers = Array.from({ length: verdictsMax + 3 }, (_, i): SettledAnswer => {
    return { ...settled, index: i, receipt: { ...receipt, requestId: word(i) } }
  })
  const open = new Map(answers.map((answer) => [answer.receipt.requestId, answer]))
  // Verdicts are not what is asked here: nobody signs them.
  const author = { address: worker, message: () => new Uint8Array() } as unknown as MessageAuthor
  const { checker, state, look } = world({
    author,
    answer: (_, id) => open.get(id),
    answers: () => [...open.values()],
    check: async ({ facts }) => ({
      verdict: facts.requestId === word(0) ? { ok: false, kind: 'root', reason: '' } : { ok: true },
      stops: [],
    }),
  })
  const announce = { ...announced(worker, 1), version: 1, chainId: netChain, nonce: 1n, expiry: 1n, proofHash: word(5) }
  for (const { receipt: each } of answers.slice(0, -1)) {
    checker.add({ ...announce, requestId: each.requestId, class: 1 })
    await look()
  }
  state.now = 1_005n
  expect((await checker.suspects()).map(({ answer }) => answer.index)).toEqual([0, verdictsMax + 2])
  for (const { receipt: each } of answers.slice(1, 5)) open.delete(each.requestId)
  checker.add({ ...announce, requestId: word(verdictsMax + 2), class: 1 })
  await look()
  expect([checker.list().length, (await checker.suspects()).length]).toEqual([verdictsMax, 1])
})
