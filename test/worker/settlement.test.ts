import { afterEach, beforeEach, expect, test } from 'vitest'
import { batchState } from '../../chain/ledger/batch-state.ts'
import { openDemands } from '../../chain/ledger/demand-state.ts'
import { silentLog } from '../../common/log.ts'
import { ForgetStep } from '../../worker/settle/forget-step.ts'
import { WorkerWorld } from '../fakes/worker-world.ts'

let world: WorkerWorld
beforeEach(async () => {
  world = await WorkerWorld.open()
}, 60_000)
afterEach(() => world.close())

async function isSending(): Promise<boolean> {
  const { pending } = (await world.chain.rpc.request('txpool_status', [])) as { readonly pending: string }
  return pending !== '0x0'
}

/** Builds a block whenever the step sent something. */
async function mined<T>(running: Promise<T>): Promise<T> {
  let done = false
  const ended = running.finally(() => {
    done = true
  })
  while (!done) {
    await new Promise((next) => setTimeout(next, 5))
    if (await isSending()) await world.chain.mine()
  }
  return await ended
}

const signal = new AbortController().signal

test('answers are committed as one batch that watchers find nothing wrong with, and its data are kept', async () => {
  const { desk, commit, ledger, sync, content, book } = await world.start()
  const jobs = [world.job([1, 2, 3]), world.job([4, 5])]
  for (const job of jobs) await world.answer(job, desk)
  await world.follow(sync)
  expect(await mined(commit.run(signal))).toBe(true)
  await world.follow(sync)
  const batch = batchState(ledger, 1n)
  expect(batch?.header).toMatchObject({ count: 2, worker: world.chain.actor('worker').address })
  expect(await content.own(batch?.header.dataHash ?? '0x')).toBeDefined()
  await commit.run(signal)
  for (const job of jobs) expect(book.get(job.voucher.value.requestId)?.state).toBe('committed')
})

test('a worker that is killed between commit and look settles nothing twice', async () => {
  const before = await world.start()
  await world.answer(world.job([1, 2, 3]), before.desk)
  await world.follow(before.sync)
  await mined(before.commit.run(signal))
  world.stop()
  const { commit, sync, ledger } = await world.start()
  await world.follow(sync)
  expect(await commit.run(signal)).toBe(false)
  await world.follow(sync)
  expect(ledger.lastBatch).toBe(1n)
})

test('a batch that a reorg took away is committed again', async () => {
  const { desk, commit, sync, ledger } = await world.start()
  await world.answer(world.job([7]), desk)
  await world.follow(sync)
  await mined(commit.run(signal))
  await world.follow(sync)
  expect(ledger.lastBatch).toBe(1n)
  await world.chain.reorg(2)
  await world.follow(sync)
  expect(ledger.lastBatch).toBe(0n)
  expect(await commit.run(signal)).toBe(false)
  world.chain.advance(200n)
  await world.chain.mine()
  await world.follow(sync)
  await mined(commit.run(signal))
  await world.follow(sync)
  expect(ledger.lastBatch).toBe(1n)
})

test('an answer waits for others no longer than the interval, and not past its deadline', async () => {
  const { desk, commit, sync } = await world.start({ intervalSeconds: 1_000n })
  await world.answer(world.job([1], { deadline: world.chain.now + 400n }), desk)
  await world.follow(sync)
  expect(await commit.run(signal)).toBe(false)
  world.chain.advance(350n)
  await world.chain.mine()
  await world.follow(sync)
  expect(await mined(commit.run(signal))).toBe(true)
})

test('an answer past its deadline is given up, with words', async () => {
  const { desk, commit, sync, book } = await world.start({ intervalSeconds: 10_000n })
  const job = world.job([1], { deadline: world.chain.now + 400n })
  await world.answer(job, desk)
  world.chain.advance(500n)
  await world.chain.mine()
  await world.follow(sync)
  expect(await commit.run(signal)).toBe(false)
  expect(book.get(job.voucher.value.requestId)?.state).toBe('dropped')
  expect(world.lines.join('')).toContain('not settled before their deadline')
})

test('an answer that would be challenged is left out of its batch, and stays out', async () => {
  const { desk, commit, sync, ledger, book } = await world.start()
  const [sound, other] = [world.job([1, 2, 3]), world.job([4, 5])]
  const signature = Uint8Array.from(sound.voucher.signature)
  const faulty = { ...other, voucher: { ...other.voucher, signature } }
  for (const job of [sound, faulty]) await world.answer(job, desk)
  await world.follow(sync)
  expect(await mined(commit.run(signal))).toBe(true)
  await world.follow(sync)
  expect(batchState(ledger, 1n)?.header).toMatchObject({ count: 1 })
  await commit.run(signal)
  expect(book.get(sound.voucher.value.requestId)?.state).toBe('committed')
  expect(book.get(faulty.voucher.value.requestId)?.state).toBe('dropped')
})

test('what somebody asks to see of a batch is shown on chain', async () => {
  const { desk, commit, answers, sync, ledger } = await world.start()
  await world.answer(world.job([1, 2, 3]), desk)
  await world.follow(sync)
  await mined(commit.run(signal))
  await world.follow(sync)
  const header = batchState(ledger, 1n)?.header
  const bob = world.chain.actor('bob')
  await world.chain.send(bob, 'AttributionLedger', 'requestReceipt', [header, 0], { value: 10n ** 18n })
  await world.follow(sync)
  expect(openDemands(ledger)).toHaveLength(1)
  expect(await mined(answers.run(signal))).toBe(true)
  await world.follow(sync)
  expect(openDemands(ledger)).toHaveLength(0)
})

test('old jobs are forgotten once their receipts are mature since a day, and none before', async () => {
  const { desk, book, commit, sync, ledger } = await world.start()
  const job = world.job([1], { deadline: world.chain.now + 400n })
  const { requestId } = job.voucher.value
  await world.answer(job, desk)
  await world.follow(sync)
  await mined(commit.run(signal))
  await world.follow(sync)
  const windowSeconds = 60n
  let time = job.request.deadline + windowSeconds + 86_400n
  const forget = new ForgetStep({ book, now: () => time, windowSeconds, log: silentLog })
  await forget.run()
  expect(book.get(requestId)?.state).toBe('committed')
  time += 3_600n
  await forget.run()
  expect(book.get(requestId)).toBeUndefined()
  expect(ledger.lastBatch).toBe(1n)
})
