import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BatchThread, type ThreadFacts } from '../../../attribution/epochs/batch-thread.ts'
import { checkBatch } from '../../../attribution/epochs/check-batch.ts'
import { answerTerms, type Committed, commit, honestDrafts, reseal } from '../../fakes/dispute-batch.ts'
import { corruptions } from '../../fakes/dispute-corruptions.ts'
import { disputeFacts, draftsFile } from '../../fakes/dispute-facts.ts'
import { DisputeWorld } from '../../fakes/dispute-world.ts'
import { at } from '../../fakes/proven-tree.ts'

const asking = { seed: new Uint8Array(32), limit: 9 }

let world: DisputeWorld
let thread: BatchThread
beforeAll(async () => {
  world = await DisputeWorld.create()
  await answerTerms(world)
  thread = new BatchThread()
}, 120_000)
afterAll(async () => {
  await thread.close()
})

const facts = (more: Partial<ThreadFacts> = {}): ThreadFacts => ({
  ...disputeFacts(world.chain.now),
  earlierReceipt: async () => undefined,
  ...more,
})

function drafts() {
  const payer = world.chain.actor('payer')
  const plans = Array.from({ length: 5 }, (_, i) => ({ payer, tin: 40 + i, tout: 7, hasApp: i % 2 === 0 }))
  return honestDrafts(world.chain.actor('worker'), plans, world.chain.now)
}

async function batchOf(list: ReturnType<typeof drafts>) {
  const batch = await commit(world, world.chain.actor('worker').address, list)
  return { batch, of: { header: batch.header, segments: batch.segments, data: { file: draftsFile(list) } } }
}

const here = ({ header, segments, drafts: list }: Committed) =>
  checkBatch(header, segments, { file: draftsFile(list) }, disputeFacts(world.chain.now), asking)

describe('the thread for batches', { timeout: 60_000 }, () => {
  test('finds what checkBatch finds, and whether epochs can be built of the file', async () => {
    for (const corruption of [undefined, ...corruptions.filter((_, i) => i % 9 === 0)]) {
      const list = drafts()
      const spoiling = { drafts: list, index: 0, stranger: world.chain.actor('stranger'), now: world.chain.now }
      corruption?.apply(at(list, 0), spoiling)
      const { batch, of } = await batchOf(list)
      const found = await thread.check(of, asking, facts())
      expect(found.verdicts).toEqual(await here(batch))
      expect(found.requests).toEqual(list.map(({ receipt }) => receipt.requestId))
      expect((await thread.read(of)).isWhole).toBe(found.isWhole)
    }
  })

  test('reads a receipt that states four billion entries as not whole', async () => {
    const list = drafts()
    const draft = at(list, 2)
    draft.receipt = { ...draft.receipt, attrEntries: 0xffff_ffff }
    draft.sums[3] = 0xffff_ffffn
    reseal(draft)
    const { of } = await batchOf(list)
    const found = await thread.check(of, asking, facts())
    expect(found.verdicts).toMatchObject([{ kind: 'challenge', call: { functionName: 'badReceipt' } }])
    expect(found.isWhole).toBe(false)
  })

  test('fails the job whose facts are not to be had, and goes on with the next', async () => {
    const { of } = await batchOf(drafts())
    const down = facts({ price: () => Promise.reject(new Error('the RPC is down')) })
    await expect(thread.check(of, asking, down)).rejects.toThrow('the RPC is down')
    expect((await thread.check(of, asking, facts())).verdicts).toEqual([])
  })

  test('opens an earlier receipt itself, and passes over one whose file is lost', async () => {
    const list = drafts()
    const { batch, of } = await batchOf(list)
    const first = { ...of, header: { ...batch.header, batchId: 4n } }
    const earlierReceipt = async () => ({ ...first, index: 3 })
    const found = await thread.check(of, asking, facts({ earlierReceipt }))
    expect(found.verdicts).toHaveLength(5)
    expect(found.verdicts).toMatchObject(Array(5).fill({ call: { functionName: 'duplicateRequest' } }))
    const lost = async () => ({ ...first, data: {}, index: 3 })
    expect((await thread.check(of, asking, facts({ earlierReceipt: lost }))).verdicts).toEqual([])
  })

  test('ends its jobs when it is closed, and starts anew', async () => {
    const { of } = await batchOf(drafts())
    const job = thread.read(of)
    job.catch(() => {})
    await thread.close()
    await expect(job).rejects.toThrow('closed')
    expect((await thread.read(of)).isWhole).toBe(true)
  })
})
