import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLog } from '../../../common/log.ts'
import { generate } from '../../../inference/answer/generate.ts'
import { bytesSource } from '../../../inference/check/model-source.ts'
import { SecretPool } from '../../../inference/check/pool.ts'
import type { Engine, Session } from '../../../inference/engine.ts'
import type { CanonicalModel } from '../../../inference/model.ts'
import { encodeModel, modelRoot } from '../../../inference/model-file.ts'
import { Oracle } from '../../../inference/oracle.ts'
import { answerSeed } from '../../../inference/sampler.ts'
import { Tokenizer } from '../../../inference/tokenizer/tokenizer.ts'
import { encodeTokenizer } from '../../../inference/tokenizer/tokenizer-file.ts'
import type { Trace } from '../../../inference/trace.ts'
import { CheckedModels } from '../../../node/checker/checked-models.ts'
import { Checker, pullsMax } from '../../../node/checker/checker.ts'
import type { SettledAnswer } from '../../../node/checker/settled-answers.ts'
import type { Finding } from '../../../node/checker/verdict-place.ts'
import { MessageAuthor } from '../../../p2p/workers/message-author.ts'
import { proofAnnounce, verdict as verdictMessage } from '../../../p2p/workers/wire/messages.ts'
import { WorkersError } from '../../../p2p/workers/workers-error.ts'
import { zeroHash } from '../../../protocol/bytes.ts'
import { requestIdOf } from '../../../protocol/inference-request.ts'
import { openTraces } from '../../../worker/backends/answer-traces.ts'
import { ManualClock } from '../../fakes/manual-clock.ts'
import { randomModel } from '../../fakes/random-model.ts'
import { jobFor, signedReceipt } from '../../fakes/worker-jobs.ts'
import { account, accountKey, announced, announcement, netChain, word } from '../../fakes/worker-net.ts'

const tokenizer = encodeTokenizer(new Tokenizer(2, []))
const model: CanonicalModel = { ...randomModel(8), tokenizer }
const other: CanonicalModel = { ...randomModel(80), tokenizer }
const sampling = { tempQ16: 90_000, topK: 0, topPQ16: 65_536 }
const never = new AbortController().signal
const [worker, second] = [account(1).address, account(2).address]

let folder = ''
let models: CheckedModels
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bad-answers-'))
  await SecretPool.open({ folder, root: modelRoot(model) }, async () => bytesSource(encodeModel(model)))
  models = new CheckedModels([], folder, { get: async () => undefined })
}, 60_000)
afterAll(async () => {
  await models.close()
  await rm(folder, { recursive: true })
})

type Lie = {
  /** What the engine runs on. */
  readonly runs?: CanonicalModel
  readonly tamper?: Trace
  readonly seed?: Uint8Array
  /** What it says that came out, of which the trace is then. */
  readonly says?: (output: readonly number[]) => readonly number[]
  /** Whose rows of the embedding it shows. */
  readonly shows?: CanonicalModel
  /** Changes the file that it serves. */
  readonly file?: (file: Uint8Array) => Uint8Array
}

/** A committed answer as a worker's own code makes and proves it, but for the lie. */
async function answered(
  lie: Lie = {},
  by = worker,
): Promise<{ readonly settled: SettledAnswer; readonly file: Uint8Array }> {
  const n = by === worker ? 1 : 2
  const limits = { ...sampling, maxTokens: 6, stopHash: zeroHash }
  const request = { adapters: [], sampling: limits, nonce: BigInt(n), deadline: 2_000_000_000n }
  const job = jobFor(by, [0, 5, 3], { request })
  const requestId = requestIdOf(job.request)
  const runs = lie.runs ?? model
  const parts = { engine: lying(new Oracle(runs), lie.tamper), expTable: runs.expTable, text: new Tokenizer(2, []) }
  const seed = lie.seed ?? answerSeed(requestId, by)
  const asked = { input: [...job.tokens], rule: sampling, maxTokens: 6, stops: [], seed }
  const output: number[] = []
  for await (const { token } of generate(parts, asked)) output.push(token)
  const told = [...(lie.says?.(output) ?? output)]
  const { traceRoot, proof = new Uint8Array(0) } = await openTraces(lie.shows ?? model, parts).again(
    asked,
    told,
    false,
    never,
  )
  const receipt = signedReceipt(job, told, accountKey(n), { traceRoot, proofHash: word(5) }).value
  const settled: SettledAnswer = {
    ...{
      receipt,
      request: job.request,
      sums: [],
      entries: [],
      batchId: 3n,
      index: 0,
      committedAt: 1_000n,
      l2Block: 7n,
    },
    ...{ payment: { voucher: job.voucher }, prompt: job.tokens, output: Uint32Array.from(told) },
  }
  return { settled, file: lie.file?.(proof) ?? proof }
}

function lying(engine: Engine, tamper: Trace = () => {}): Engine {
  const wrap = (session: Session): Session => ({
    get length() {
      return session.length
    },
    append: (tokens, trace, headFrom) =>
      session.append(
        tokens,
        (unit, values) => {
          tamper(unit, values)
          trace?.(unit, values)
        },
        headFrom,
      ),
    close: () => session.close(),
  })
  return {
    config: engine.config,
    start: (options) => wrap(engine.start(options)),
    step: (steps) => steps.map(({ session, tokens, trace, headFrom }) => session.append(tokens, trace, headFrom)),
  }
}

/** What a checker says of answers whose workers serve them so. */
async function judged(
  answers: readonly SettledAnswer[],
  pull: (requestId: string, signal: AbortSignal) => Promise<Uint8Array>,
  looks = 1,
  unannounced: readonly SettledAnswer[] = [],
) {
  const clock = new ManualClock(1_000_000)
  const author = new MessageAuthor(netChain, account(100), clock)
  const said: Uint8Array[] = []
  const byName = new Map(answers.map((each) => [each.receipt.requestId, each]))
  let asked = ''
  const checker = new Checker({
    network: {
      hostsOf: (of) => {
        asked = of
        return ['host']
      },
      pull: (_, __, signal) => pull(asked, signal),
      publish: async (_, bytes) => said.push(bytes),
      closeProof: () => undefined,
    },
    ...{ author, clock, log: silentLog, metrics: new Registry(), now: () => 1_001n },
    answer: (_, requestId) => byName.get(requestId),
    answers: () => [...answers, ...unannounced],
    lookForBatches: async () => {},
    beacon: async () => undefined,
    modelTerms: async () => ({ root: modelRoot(model) }),
    check: (task) => models.check(task),
    checkFloat: async () => ({ ok: true }),
    pace: async () => ({ againMs: 10_000, silentSeconds: 5n }),
  })
  for (const { receipt } of answers) {
    const from = new MessageAuthor(netChain, account(receipt.worker === worker ? 1 : 2), clock)
    const { requestId, proofHash } = receipt
    checker.add(proofAnnounce.decode(announcement(from, 1, { ...announced(receipt.worker, 1), requestId, proofHash })))
  }
  const settle = async () => {
    for (let i = 0; i < looks; i++) {
      await checker.look(never)
      await checker.settled()
      clock.advance(10_000)
    }
  }
  return { checker, settle, verdicts: () => said.map((bytes) => verdictMessage.decode(bytes)) }
}

async function findingOf(lie: Lie, looks = 1): Promise<Finding | undefined> {
  const { settled, file } = await answered(lie)
  const { checker, settle } = await judged([settled], async () => file, looks)
  await settle()
  const { worker: by, requestId } = settled.receipt
  return checker.get(by, requestId)?.verdict
}

/** Of temperature, so that another seed gives other tokens. */
const otherSeed = async () => answerSeed((await answered()).settled.receipt.requestId, second)

test('an honest answer is sound', async () => {
  expect(await findingOf({})).toEqual({ ok: true })
})

test.each([
  ['query', 1],
  ['down', 2],
  ['head', 0],
] as const)(
  'a worker that lies in one integer of %s, and goes on from it, is found at its place',
  async (op, layer) => {
    const at = Math.max(0, layer - 1)
    const tamper: Trace = (unit, values) => {
      if (unit.op === op && unit.layer === at && unit.position === 3)
        (values as Int32Array)[2] = ((values as Int32Array)[2] ?? 0) + 1
    }
    expect(await findingOf({ tamper })).toMatchObject({ ok: false, kind: 'unit', op, position: 3 })
  },
)

test('a worker that swaps the model is found, whosever embedding it shows', async () => {
  expect(await findingOf({ runs: other })).toMatchObject({ ok: false, kind: 'unit', position: 0 })
  expect(await findingOf({ runs: other, shows: other }, pullsMax)).toBe('withheld')
})

test('another model’s tokens, run through the right one, are not what it would have sampled', async () => {
  const foreign = await answered({ runs: other })
  const says = () => [...foreign.settled.output]
  expect(await findingOf({ says })).toMatchObject({ ok: false, kind: 'answer' })
})

test('a worker that reuses another’s answer is found by its seed', async () => {
  const seed = await otherSeed()
  const [own, theirs] = [await answered(), await answered({ seed })]
  expect(theirs.settled.output).not.toEqual(own.settled.output)
  expect(await findingOf({ seed })).toMatchObject({ ok: false, kind: 'answer' })
})

test('a worker that grinds the seed for the answer it likes best is found', async () => {
  const own = await answered()
  const tries = await Promise.all(
    Array.from({ length: 12 }, async (_, i) => {
      const seed = new Uint8Array(32).fill(i)
      return { seed, output: (await answered({ seed })).settled.output }
    }),
  )
  const [best] = tries.toSorted((x, y) => (x.output[0] ?? 0) - (y.output[0] ?? 0))
  expect(best?.output).not.toEqual(own.settled.output)
  expect(await findingOf(best === undefined ? {} : { seed: best.seed })).toMatchObject({ ok: false, kind: 'answer' })
})

test('a token that is swapped behind the sampler, and an end too early, are found', async () => {
  const { settled } = await answered()
  const swap = (output: readonly number[]) => output.with(1, ((output[1] ?? 0) + 1) % model.config.vocab)
  expect(await findingOf({ says: swap })).toMatchObject({ ok: false, kind: 'answer', position: 4 })
  const cut = { ok: false, kind: 'answer', position: 3, reason: 'the answer stops before its end' }
  expect(settled.output.length).toBeGreaterThan(1)
  expect(await findingOf({ says: (output) => output.slice(0, 1) })).toEqual(cut)
})

test.each<[string, (file: Uint8Array) => Uint8Array]>([
  ['truncated', (file) => file.subarray(0, file.length - 1)],
  ['oversized', (file) => Buffer.concat([file, new Uint8Array(70_000)])],
  ['tampered in its head', (file) => file.with(20, (file[20] ?? 0) ^ 1)],
  ['of no bytes', () => new Uint8Array(0)],
])('a trace that is %s is asked for again, and withheld at last', async (_, file) => {
  expect(await findingOf({ file }, pullsMax - 1)).toBeUndefined()
  expect(await findingOf({ file }, pullsMax)).toBe('withheld')
})

test('accumulators that are not those committed are told from wrong ones', async () => {
  const at = 8 + 85 + 4 + 4 * 9 + 7
  const found = await findingOf({ file: (file) => file.with(at, (file[at] ?? 0) ^ 1) })
  expect(found).toMatchObject({ ok: false, kind: 'root' })
})

test('a trace that is withheld is suspect, and what is known of its answer is kept for the quarrel', async () => {
  const { settled } = await answered()
  const pull = async () => {
    throw new WorkersError('withheld', 'nobody gives it')
  }
  const { checker, settle, verdicts } = await judged([settled], pull, pullsMax)
  await settle()
  expect(verdicts()).toMatchObject([{ kind: 4, requestId: settled.receipt.requestId }])
  expect(await checker.suspects()).toMatchObject([{ answer: settled, stops: undefined }])
})

test('a slow worker holds up its own answers alone', async () => {
  const [slow, quick] = [await answered({}, worker), await answered({}, second)]
  const ending = new AbortController()
  let pulls = 0
  const { checker } = await judged([slow.settled, quick.settled], (of) => {
    if (of === second) return Promise.resolve(quick.file)
    pulls++
    return new Promise((_, reject) =>
      ending.signal.addEventListener('abort', () => reject(new WorkersError('withheld', 'slow'))),
    )
  })
  const verdictOf = ({ settled: { receipt } }: typeof slow) => checker.get(receipt.worker, receipt.requestId)?.verdict
  for (let i = 0; i < 200 && verdictOf(quick) === undefined; i++) {
    await checker.look(never)
    await new Promise((next) => setTimeout(next, 50))
  }
  expect(verdictOf(quick)).toEqual({ ok: true })
  expect([verdictOf(slow), pulls]).toEqual([undefined, 1])
  ending.abort()
  await checker.settled()
}, 60_000)

test('an answer that its worker never announced is suspect when its time is over, and none that is waited for', async () => {
  const { settled } = await answered()
  const late = { ...settled, committedAt: 900n }
  const none = async () => new Uint8Array(0)
  const suspectsOf = async (...args: Parameters<typeof judged>) => (await judged(...args)).checker.suspects()
  expect(await suspectsOf([late], none)).toEqual([])
  expect(await suspectsOf([], none, 1, [{ ...settled, committedAt: 997n }])).toEqual([])
  expect(await suspectsOf([], none, 1, [late])).toEqual([{ answer: late, stops: undefined }])
})
