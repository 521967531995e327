import { afterEach, describe, expect, test } from 'vitest'
import type { Job, JobEvent, JobHandler } from '../../../p2p/workers/jobs/job.ts'
import { encodeEvent } from '../../../p2p/workers/jobs/job-wire.ts'
import { until } from '../../fakes/until.ts'
import { jobFor, signedAnswer, signedCancel, signedReceipt } from '../../fakes/worker-jobs.ts'
import { account, accountKey, bookOf, join, startWorkerNode, type TestWorkerNode } from '../../fakes/worker-net.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

const never = new AbortController().signal
const worker = account(1).address
const prompt = [0, 2, 77, 3]
const output = [5, 6, 7, 8, 9, 1]

/** A worker with a handler, and a client that is connected to it. */
async function pair(
  onJob: JobHandler,
): Promise<{ client: TestWorkerNode; ask: (job: Job) => Promise<JobEvent[]>; peerId: string }> {
  const chain = bookOf([worker])
  const [serving, client] = [
    await startWorkerNode('worker', 1, chain, { onJob }),
    await startWorkerNode('client', 0, chain),
  ]
  stops.push(
    () => serving.network.stop(),
    () => client.network.stop(),
  )
  await join(client, serving)
  const { peerId } = serving.network
  const ask = async (job: Job) => {
    const events: JobEvent[] = []
    for await (const event of (await client.network.ask(peerId, job, never)).events(never)) events.push(event)
    return events
  }
  return { client, ask, peerId }
}

const honest: JobHandler = async function* (job) {
  yield { kind: 'accepted', queued: 0 }
  yield { kind: 'tokens', first: 0, tokens: Uint32Array.from(output.slice(0, 4)) }
  yield { kind: 'tokens', first: 4, tokens: Uint32Array.from(output.slice(4)) }
  yield { kind: 'answer', answer: signedAnswer(job, output, accountKey(1)) }
  yield {
    kind: 'entries',
    entries: [
      {
        payee: worker,
        id: 0n,
        class: 1,
        evidenceHash: signedReceipt(job, output, accountKey(1)).value.attrRoot,
        weight: 1_000_000,
      },
    ],
  }
  yield { kind: 'receipt', receipt: signedReceipt(job, output, accountKey(1)) }
}

test('a job comes whole to the worker, its answer whole to the client', async () => {
  const jobs: Job[] = []
  const { ask } = await pair((job, context) => {
    jobs.push(job)
    return honest(job, context)
  })
  const job = jobFor(worker, prompt)
  const events = await ask(job)
  expect(jobs).toEqual([job])
  const whole: JobEvent[] = []
  for await (const event of honest(job, {
    peerId: '',
    requestId: '0x',
    signal: never,
    cancelled: new Promise(() => {}),
  }))
    whole.push(event)
  expect(events).toEqual(whole)
})

describe('refused by the worker before its handler sees it', () => {
  test.each([
    ['a request of another chain', jobFor(worker, prompt, { request: { chainId: 1n } }), 'other-chain'],
    ['a voucher for another worker', jobFor(account(2).address, prompt), 'voucher-worker'],
    [
      'a voucher for another request',
      jobFor(worker, prompt, { voucher: { requestId: worker.padEnd(66, '0') as `0x${string}` } }),
      'voucher-invalid',
    ],
    ['a voucher that somebody else signed', jobFor(worker, prompt, { signer: accountKey(501) }), 'voucher-invalid'],
    ['a voucher below the fee', jobFor(worker, prompt, { voucher: { maxFee: 999n } }), 'voucher-cap'],
    ['a voucher without room', jobFor(worker, prompt, { voucher: { cumulativeCap: 999n } }), 'voucher-cap'],
    ['a deadline that is past', jobFor(worker, prompt, { request: { deadline: 1n } }), 'voucher-deadline'],
    ['other tokens than promised', { ...jobFor(worker, prompt), tokens: Uint32Array.of(1, 2) }, 'prompt-mismatch'],
  ])('%s', async (_, job, code) => {
    let seen = 0
    const { ask } = await pair((...args) => {
      seen++
      return honest(...args)
    })
    expect(await ask(job)).toMatchObject([{ kind: 'refused', refusal: { code } }])
    expect(seen).toBe(0)
  })
})

test('a refusal that the worker throws comes with its code and time', async () => {
  const { ask } = await pair(() => {
    throw Object.assign(new Error('four before you'), { code: 'busy', retryAfterMs: 1_500 })
  })
  expect(await ask(jobFor(worker, prompt))).toEqual([
    { kind: 'refused', refusal: { code: 'busy', retryAfterMs: 1_500, detail: 'four before you' } },
  ])
})

describe('a worker that lies is found out', () => {
  const tokens: JobEvent = { kind: 'tokens', first: 0, tokens: Uint32Array.from(output) }
  const answer = (job: Job, of = output, n = 1): JobEvent => ({
    kind: 'answer',
    answer: signedAnswer(job, of, accountKey(n)),
  })
  test.each<[string, (job: Job) => JobEvent[], string]>([
    ['an answer over other tokens', (job) => [tokens, answer(job, [1, 2])], 'lied'],
    ['an answer signed by another', (job) => [tokens, answer(job, output, 2)], 'lied'],
    [
      'a receipt without answer',
      (job) => [tokens, { kind: 'receipt', receipt: signedReceipt(job, output, accountKey(1)) }],
      'lied',
    ],
    [
      'a fee above the limit',
      (job) => [
        tokens,
        answer(job),
        { kind: 'receipt', receipt: signedReceipt(job, output, accountKey(1), { fee: 1_001n }) },
      ],
      'lied',
    ],
    [
      'more tokens charged',
      (job) => [
        tokens,
        answer(job),
        { kind: 'receipt', receipt: signedReceipt(job, output, accountKey(1), { tout: 9 }) },
      ],
      'lied',
    ],
    ['tokens that skip one', () => [{ kind: 'tokens', first: 1, tokens: Uint32Array.of(1) }], 'protocol'],
    ['more tokens than asked for', () => [{ kind: 'tokens', first: 0, tokens: new Uint32Array(65) }], 'protocol'],
    ['an end without a receipt', () => [tokens], 'protocol'],
  ])('%s', async (_, events, code) => {
    const { ask } = await pair(async function* (job) {
      yield* events(job)
    })
    await expect(ask(jobFor(worker, prompt))).rejects.toMatchObject({ code })
  })
})

test('a client that gives up the rest pays for the prefix that it signed', async () => {
  const { client, peerId } = await pair(async function* (job, { cancelled }) {
    yield { kind: 'tokens', first: 0, tokens: Uint32Array.of(5, 6) }
    const cancel = await cancelled
    const kept = [5, 6].slice(0, cancel.value.tout)
    yield { kind: 'answer', answer: signedAnswer(job, kept, accountKey(1)) }
    yield { kind: 'receipt', receipt: signedReceipt(job, kept, accountKey(1)) }
  })
  const job = jobFor(worker, prompt)
  const call = await client.network.ask(peerId, job, never)
  const kinds: string[] = []
  for await (const event of call.events(never)) {
    kinds.push(event.kind)
    if (event.kind === 'tokens') await call.cancel(signedCancel(job, [5]))
  }
  expect(kinds).toEqual(['tokens', 'answer', 'receipt'])
})

test('a client that leaves ends the worker’s work; one that reads nothing holds it up', async () => {
  let sent = 0
  let isOver = false
  const { client, peerId } = await pair(async function* (_, { signal }) {
    try {
      for (let first = 0; first < 8_000_000; first += 4_096) {
        if (signal.aborted) return
        sent++
        yield { kind: 'tokens', first, tokens: new Uint32Array(4_096) }
      }
    } finally {
      isOver = true
    }
  })
  const job = jobFor(worker, prompt, {
    request: { sampling: { ...jobFor(worker, prompt).request.sampling, maxTokens: 8_000_000 } },
  })
  const call = await client.network.ask(peerId, job, never)
  await until(async () => {
    const before = sent
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    return before > 0 && sent === before
  })
  // What the windows of the stream take, and no more.
  expect(sent).toBeLessThan(200)
  expect(isOver).toBe(false)
  const leaving = new AbortController()
  leaving.abort()
  await expect(call.events(leaving.signal).next()).rejects.toMatchObject({ code: 'cancelled' })
  await until(() => isOver)
})

test('no event is larger than what a client reads', () => {
  const job = jobFor(worker, prompt)
  const largest: JobEvent[] = [
    { kind: 'tokens', first: 0, tokens: new Uint32Array(4_096) },
    { kind: 'receipt', receipt: signedReceipt(job, output, accountKey(1)) },
    { kind: 'refused', refusal: { code: 'internal', retryAfterMs: 0, detail: 'x'.repeat(10_000) } },
  ]
  for (const event of largest) expect(encodeEvent(event).length).toBeLessThanOrEqual(16_392)
  expect(() => encodeEvent({ kind: 'tokens', first: 0, tokens: new Uint32Array(4_097) })).toThrow('4097 tokens')
})
