import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { IndexFolder } from '../../attribution/indexes/index-folder.ts'
import { buildIndex } from '../../attribution/suffix/build-index.ts'
import { encodeIndexFile } from '../../attribution/suffix/index-file.ts'
import type { Job, JobEvent } from '../../p2p/workers/jobs/job.ts'
import { zeroHash } from '../../protocol/bytes.ts'
import { requireIndexes } from '../../worker/attribute/contributions.ts'
import type { JobDesk } from '../../worker/jobs/job-desk.ts'
import { subjectOf, textOf } from '../fakes/suffix-texts.ts'
import { until } from '../fakes/until.ts'
import { WorkerWorld } from '../fakes/worker-world.ts'

let world: WorkerWorld
const dir = mkdtempSync(join(tmpdir(), 'openledger-waiting-'))
const index = buildIndex(textOf([[1, 2, 3, 4]], 30), subjectOf(30))
const folder = new IndexFolder(join(dir, 'indexes'))
const signal = new AbortController().signal

beforeEach(async () => {
  world = await WorkerWorld.open()
  mkdirSync(folder.dir, { recursive: true })
  world.requireAttribution = () => requireIndexes({ root: zeroHash, indexIds: [index.id], trainedOn: [] }, folder)
}, 60_000)
afterEach(async () => {
  folder.close()
  rmSync(dir, { recursive: true, force: true })
  await world.close()
})

/** What a client hears of a job as it comes. */
async function listen(
  job: Job,
  desk: JobDesk,
): Promise<{ readonly kinds: string[]; readonly ended: Promise<unknown> }> {
  const client = { requestId: job.voucher.value.requestId, cancelled: new Promise<never>(() => {}) }
  const stream = await desk.take(job, client, signal)
  const kinds: string[] = []
  const read = async () => {
    for await (const event of stream) kinds.push((event as JobEvent).kind)
  }
  return { kinds, ended: read().catch((error: unknown) => error) }
}

test('an answer whose index is missing is told and signed, waits over a restart, and gets its receipt when the index is there', async () => {
  const before = await world.start()
  const job = world.job([1, 2, 3])
  const { requestId } = job.voucher.value
  const heard = await listen(job, before.desk)
  await until(() => heard.kinds.includes('answer'))
  expect(heard.kinds).toEqual(['accepted', 'tokens', 'tokens', 'tokens', 'answer'])
  expect(before.book.get(requestId)).toMatchObject({ state: 'waiting', signature: undefined })
  world.stop()

  const { desk, attribute, book } = await world.start()
  const again = await listen(job, desk)
  await until(() => again.kinds.includes('answer'))
  expect(await attribute.run(signal)).toBe(false)
  expect(again.kinds).not.toContain('receipt')
  writeFileSync(folder.path(index.id), encodeIndexFile(index))
  expect(await attribute.run(signal), 'it is not tried again at once').toBe(false)
  world.nowMs += 5_000
  expect(await attribute.run(signal)).toBe(true)
  await again.ended
  expect(again.kinds.slice(-3)).toEqual(['answer', 'entries', 'receipt'])
  expect(book.get(requestId)?.state).toBe('made')
  expect(world.backend.runs, 'it was answered once').toBe(1)
})

test('tries come ever more rarely, and each failure is told', async () => {
  const { desk, attribute } = await world.start()
  const heard = await listen(world.job([1]), desk)
  await until(() => heard.kinds.includes('answer'))
  const tries: number[] = []
  for (let seconds = 0; seconds < 100; seconds++) {
    const before = world.lines.length
    await attribute.run(signal)
    if (world.lines.length > before) tries.push(seconds)
    world.nowMs += 1_000
  }
  expect(tries).toEqual([0, 5, 15, 35, 75])
  expect(world.lines.join('')).toContain(`the index ${index.id} of the model is not here`)
})

test('its fee counts against channel and stake while it waits', async () => {
  const { desk, book } = await world.start()
  const job = world.job([1])
  const heard = await listen(job, desk)
  await until(() => heard.kinds.includes('answer'))
  expect(book.unsettledOf(job.voucher.value.channel).fees).toBe(job.request.maxFee)
})

test('an answer that is not attributed before its deadline is given up, and its reader told', async () => {
  const { desk, attribute, book } = await world.start()
  const job = world.job([1], { deadline: world.chain.now + 400n })
  const heard = await listen(job, desk)
  await until(() => heard.kinds.includes('answer'))
  world.chain.advance(500n)
  await world.chain.mine()
  await attribute.run(signal)
  expect(await heard.ended).toMatchObject({ code: 'voucher-deadline' })
  expect(book.get(job.voucher.value.requestId)?.state).toBe('dropped')
})
