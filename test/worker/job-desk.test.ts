import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Job, JobEvent } from '../../p2p/workers/jobs/job.ts'
import { answerStructHash } from '../../protocol/answer.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import { recoverCompact } from '../../protocol/compact-signature.ts'
import { receiptStructHash } from '../../protocol/inference-receipt.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import { cancelStructHash } from '../../protocol/voucher.ts'
import type { JobDesk } from '../../worker/jobs/job-desk.ts'
import { WorkerWorld } from '../fakes/worker-world.ts'

let world: WorkerWorld
beforeAll(async () => {
  world = await WorkerWorld.open()
}, 60_000)
afterAll(() => world.close())

const eventOf = <Kind extends JobEvent['kind']>(events: readonly JobEvent[], kind: Kind) => {
  const found = events.find((event) => event.kind === kind)
  if (found === undefined) throw new Error(`no event ${kind}`)
  return found as Extract<JobEvent, { kind: Kind }>
}
const outputOf = (events: readonly JobEvent[]) =>
  events.flatMap((event) => (event.kind === 'tokens' ? [...event.tokens] : []))

describe('a job', () => {
  let desk: JobDesk
  beforeAll(async () => {
    desk = (await world.start({ jobsMax: 2 })).desk
  })

  test('is answered with tokens, and an answer and a receipt signed by the worker over them', async () => {
    const job = world.job([5, 6, 7])
    const events = await world.answer(job, desk)
    expect(outputOf(events)).toEqual([7, 6, 5])
    const { answer } = eventOf(events, 'answer')
    const { receipt } = eventOf(events, 'receipt')
    const worker = world.chain.actor('worker').address
    const signer = (hash: Uint8Array, signature: Uint8Array) =>
      bytesToHex(recoverCompact(moneyDigest(901n, hash), signature))
    expect(signer(answerStructHash(answer.value), answer.signature)).toBe(worker)
    expect(signer(receiptStructHash(receipt.value), receipt.signature)).toBe(worker)
    expect(answer.value).toMatchObject({ final: true, outputRoot: bytesToHex(tokenListRoot(Uint32Array.of(7, 6, 5))) })
    expect(receipt.value).toMatchObject({
      tin: 3,
      tout: 3,
      outputRoot: answer.value.outputRoot,
      traceRoot: `0x${'7a'.repeat(32)}`,
    })
  })

  test('that is asked for again gets the same signatures and is not run a second time', async () => {
    const job = world.job([1, 2])
    const first = await world.answer(job, desk)
    const runs = world.backend.runs
    const again = await world.answer(job, desk)
    expect(outputOf(again)).toEqual(outputOf(first))
    for (const kind of ['answer', 'entries', 'receipt'] as const)
      expect(eventOf(again, kind)).toEqual(eventOf(first, kind))
    expect(world.backend.runs).toBe(runs)
  })

  test('asked for twice at once is run once, and both get all of it', async () => {
    const job = world.job([9, 8, 7])
    const runs = world.backend.runs
    const [one, two] = await Promise.all([world.answer(job, desk), world.answer(job, desk)])
    expect(outputOf(one)).toEqual(outputOf(two))
    expect(world.backend.runs).toBe(runs + 1)
  })

  test('goes on to its end where its client is gone, and waits for whoever asks again', async () => {
    const job = world.job([4, 5, 6])
    const client = { requestId: job.voucher.value.requestId, cancelled: new Promise<never>(() => {}) }
    for await (const event of await desk.take(job, client, new AbortController().signal)) {
      if (event.kind === 'tokens') break
    }
    expect(outputOf(await world.answer(job, desk))).toEqual([6, 5, 4])
  })

  test('that the payer cuts settles the delivered prefix he signed for, as no final answer', async () => {
    const job = world.job([1, 2, 3, 4, 5])
    const alice = world.chain.actor('alice')
    let release: () => void = () => {}
    let delivered = 0
    world.backend.pause = async () => {
      if (++delivered === 4) await new Promise<void>((resolve) => (release = resolve))
    }
    const outputRoot = bytesToHex(tokenListRoot(Uint32Array.of(5, 4)))
    const value = { requestId: job.voucher.value.requestId, tout: 2, outputRoot }
    const { bytes } = alice.sign(moneyDigest(901n, cancelStructHash(value)))
    let cut: (signed: { value: typeof value; signature: Uint8Array }) => void = () => {}
    const running = world.answer(job, desk, new Promise((resolve) => (cut = resolve)))
    while (delivered < 4) await new Promise((next) => setTimeout(next, 1))
    cut({ value, signature: bytes })
    await new Promise((next) => setTimeout(next, 5))
    release()
    world.backend.pause = undefined
    const events = await running
    expect(eventOf(events, 'answer').answer.value).toMatchObject({ final: false, outputRoot })
    expect(eventOf(events, 'receipt').receipt.value).toMatchObject({ tout: 2, outputRoot })
  })

  test.each<[string, string, (job: Job) => Job]>([
    ['of a class that is not offered', 'class-not-offered', () => world.job([1], { class: 5 })],
    ['whose price does not exist', 'price-stale', () => world.job([1], { priceVersion: 99 })],
    ['whose time is nearly over', 'voucher-deadline', () => world.job([1], { deadline: world.chain.now + 5n })],
    ['that allows less than it may cost', 'fee-too-low', () => world.job([1], { maxFee: 1n })],
    ['of a channel that is too poor', 'channel-short', () => world.job([1], { maxFee: 10n ** 24n })],
    ['whose voucher does not reach beyond what was promised', 'voucher-cap', () => world.job([1], {}, 1n)],
  ])('%s is refused as %s', async (_, code, make) => {
    await expect(world.answer(make(world.job([1])), desk)).rejects.toMatchObject({ code })
  })

  test('beyond those that are answered at once is refused as busy, with a time to ask again', async () => {
    let release: () => void = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    world.backend.pause = () => held
    const running = [world.answer(world.job([1]), desk), world.answer(world.job([2]), desk)]
    while (desk.load.running < 2) await new Promise((next) => setTimeout(next, 1))
    await expect(world.answer(world.job([3]), desk)).rejects.toMatchObject({ code: 'busy', retryAfterMs: 2_000 })
    world.backend.pause = undefined
    release()
    await Promise.all(running)
  })

  test('waits its turn behind those that are answered, and is answered then', async () => {
    world.stop()
    const { desk: queueing } = await world.start({ jobsMax: 1, jobsWaitingMax: 1 })
    let release: () => void = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    world.backend.pause = () => held
    const running = [world.answer(world.job([1]), queueing), world.answer(world.job([2]), queueing)]
    while (queueing.load.running + queueing.load.queued < 2) await new Promise((next) => setTimeout(next, 1))
    expect(queueing.load).toMatchObject({ running: 1, queued: 1 })
    await expect(world.answer(world.job([3]), queueing)).rejects.toMatchObject({ code: 'busy' })
    world.backend.pause = undefined
    release()
    expect((await Promise.all(running)).map(outputOf)).toEqual([[1], [2]])
    expect(queueing.load).toEqual({ running: 0, queued: 0, tokensPerMinute: 2 })
  })
})
