import { beforeAll, describe, expect, test } from 'vitest'
import type { Verdict } from '../../../attribution/epochs/challenge.ts'
import { checkBatch } from '../../../attribution/epochs/check-batch.ts'
import { KnownBatch } from '../../../attribution/epochs/known-batch.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import { challengesOf } from '../../fakes/dispute-arguments.ts'
import { answerTerms, type Committed, commit, honestDrafts, type Plan } from '../../fakes/dispute-batch.ts'
import { type Corruption, corruptions } from '../../fakes/dispute-corruptions.ts'
import { disputeFacts, draftsFile } from '../../fakes/dispute-facts.ts'
import { DisputeWorld } from '../../fakes/dispute-world.ts'
import type { Actor } from '../../fakes/money-chain.ts'
import { at } from '../../fakes/proven-tree.ts'
import { Random } from '../../fakes/random.ts'

let world: DisputeWorld
let actors: Readonly<Record<'worker' | 'payer' | 'sponsor' | 'stranger', Actor>>
beforeAll(async () => {
  world = await DisputeWorld.create()
  await answerTerms(world)
  const [worker, payer, sponsor, stranger] = [
    world.chain.actor('worker'),
    world.chain.actor('payer'),
    world.chain.actor('sponsor'),
    world.chain.actor('stranger'),
  ]
  actors = { worker, payer, sponsor, stranger }
}, 120_000)

/** Two channels, a cut stream, an app, and a request opened on chain. */
const mixed = (): Plan[] => [
  { payer: actors.payer, tin: 1_234, tout: 567 },
  { payer: actors.payer, tin: 33, tout: 0, hasApp: true },
  { payer: actors.sponsor, tin: 0, tout: 64, cut: true },
  { payer: actors.sponsor, tin: 32, tout: 1, hasApp: true, cut: true },
  { payer: actors.payer, tin: 7, tout: 7, onChain: true },
]

const honest = (plans: readonly Plan[]) => honestDrafts(actors.worker, plans, world.chain.now)

/** Undefined where no receipt of the batch can be spoiled so. */
async function spoiled(plans: readonly Plan[], corruption: Corruption, from = 0): Promise<Committed | undefined> {
  const drafts = honest(plans)
  const spoiling = (index: number) => ({ drafts, index, stranger: actors.stranger, now: world.chain.now })
  const places = drafts.map((_, i) => (i + from) % drafts.length)
  const index = places.find((i) => corruption.needs?.(at(drafts, i), spoiling(i)) ?? true)
  if (index === undefined) return undefined
  const options = corruption.apply(at(drafts, index), spoiling(index))
  return await commit(world, actors.worker.address, drafts, options)
}

const asking = { seed: new Uint8Array(32), limit: 1_000 }
const check = (batch: Committed) =>
  checkBatch(batch.header, batch.segments, { file: draftsFile(batch.drafts) }, disputeFacts(world.chain.now), asking)

/** What the judge says to a challenge: the number of a fault, or why there is none. */
async function judged(verdict: Verdict): Promise<number | string> {
  if (verdict.kind !== 'challenge') return verdict.kind
  const { functionName, args } = verdict.call
  return await world.ask(/Entry|Pools/.test(functionName) ? 'EntryJudge' : 'ReceiptJudge', functionName, args)
}

const hidden = ['badBatchTotal', 'badEntryTotal']

describe('checkBatch', () => {
  test('finds nothing in an honest batch', async () => {
    expect(await check(await commit(world, actors.worker.address, honest(mixed())))).toEqual([])
  })

  test.each(corruptions.map((corruption) => [corruption.name, corruption] as const))(
    'of a batch with %s names a challenge that the judge upholds',
    async (_, corruption) => {
      const batch = await spoiled(mixed(), corruption)
      if (batch === undefined) throw new Error('the batch has no place for this corruption')
      const verdicts = await check(batch)
      if (hidden.includes(corruption.challenge)) {
        // The published rows do not open the root, so that the worker has to show its own.
        expect(new Set(verdicts.map(({ kind }) => kind))).toEqual(new Set(['demand']))
        return
      }
      expect(verdicts).not.toEqual([])
      for (const verdict of verdicts) expect(await judged(verdict)).toEqual(expect.any(Number))
    },
  )

  test('demands every receipt of a batch whose data nobody has', async () => {
    const batch = await commit(world, actors.worker.address, honest(mixed()))
    const facts = disputeFacts(world.chain.now)
    const demands = batch.drafts.map((_, index) => ({
      kind: 'demand',
      call: { functionName: 'requestReceipt', args: [batch.header, index] },
    }))
    for (const file of [undefined, new Uint8Array(7), draftsFile(honest(mixed().slice(1)))]) {
      const verdicts = await checkBatch(batch.header, batch.segments, { file }, facts, asking)
      expect(verdicts).toHaveLength(demands.length)
      expect(verdicts).toEqual(expect.arrayContaining(demands))
    }
  })

  test('names a request that an earlier batch settled', async () => {
    const first = await commit(world, actors.worker.address, honest(mixed()), { batchId: 4n })
    const second = await commit(world, actors.worker.address, honest(mixed()))
    const facts = disputeFacts(world.chain.now)
    const open = KnownBatch.of(first.header, first.segments, { file: draftsFile(first.drafts) })
    const settled = new Map(first.drafts.map(({ receipt }, i) => [receipt.requestId, open.openReceipt(i)]))
    const earlierReceipt = async (_: Hex, requestId: Hex) => settled.get(requestId)
    const file = draftsFile(second.drafts)
    const verdicts = await checkBatch(second.header, second.segments, { file }, { ...facts, earlierReceipt }, asking)
    expect(verdicts).toHaveLength(second.drafts.length)
    for (const verdict of verdicts) expect(await judged(verdict)).toBe(1)
  })

  test('whatever a batch holds, honest it stands and corrupted it falls', { timeout: 240_000 }, async () => {
    const random = new Random(Number(process.env['SEED'] ?? 1))
    let challenged = 0
    while (challenged < 150) {
      const plans = random
        .list(1 + random.int(4), () => ({
          ...{ payer: random.pick([actors.payer, actors.sponsor]), tin: random.int(100), tout: random.int(100) },
          ...{ hasApp: random.chance(0.5), cut: random.chance(0.3), onChain: random.chance(0.2) },
        }))
        .map((plan) => ({ ...plan, cut: plan.cut && !plan.onChain }))
        .sort((a, b) => Number(a.onChain) - Number(b.onChain) || (a.payer.address < b.payer.address ? -1 : 1))
      expect(await check(await commit(world, actors.worker.address, honest(plans)))).toEqual([])
      const corruption = random.pick(corruptions)
      const batch = await spoiled(plans, corruption, random.int(4))
      if (batch === undefined) continue
      const verdicts = await check(batch)
      if (verdicts.length === 0) {
        // Not every corruption harms: somebody else may have opened a request on chain.
        for (const { judge, name, args } of challengesOf(batch))
          expect(await world.ask(judge, name, args)).toEqual(expect.any(String))
        continue
      }
      if (verdicts.every(({ kind }) => kind === 'demand')) continue
      for (const verdict of verdicts) expect(await judged(verdict)).toEqual(expect.any(Number))
      challenged++
    }
  })
})
