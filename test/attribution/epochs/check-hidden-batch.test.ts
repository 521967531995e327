import { beforeAll, describe, expect, test } from 'vitest'
import type { BatchFacts } from '../../../attribution/epochs/batch-facts.ts'
import type { Verdict } from '../../../attribution/epochs/challenge.ts'
import { checkBatch } from '../../../attribution/epochs/check-batch.ts'
import { concatBytes } from '../../../protocol/bytes.ts'
import { answerTerms, type Committed, commit, type Draft, honestDrafts, type Plan } from '../../fakes/dispute-batch.ts'
import { type Corruption, corruptions } from '../../fakes/dispute-corruptions.ts'
import { disputeFacts, draftsFile } from '../../fakes/dispute-facts.ts'
import { DisputeWorld } from '../../fakes/dispute-world.ts'
import { HiddenBatch } from '../../fakes/hidden-batch.ts'
import type { Actor } from '../../fakes/money-chain.ts'
import { at } from '../../fakes/proven-tree.ts'
import { Random } from '../../fakes/random.ts'

let world: DisputeWorld
let facts: BatchFacts
let actors: Readonly<Record<'worker' | 'payer' | 'sponsor' | 'stranger', Actor>>
beforeAll(async () => {
  world = await DisputeWorld.create()
  await answerTerms(world)
  facts = disputeFacts(world.chain.now)
  const actor = (name: string) => world.chain.actor(name)
  actors = { worker: actor('worker'), payer: actor('payer'), sponsor: actor('sponsor'), stranger: actor('stranger') }
}, 120_000)

const seed = Number(process.env['SEED'] ?? 1)
const scale = Number(process.env['OPENLEDGER_FUZZ'] ?? 1)
const asking = (limit = 1_000) => ({ seed: new Uint8Array(32).fill(seed), limit })

/** Two channels, a cut stream, an app, and a request opened on chain; padding behind the last. */
const mixed = (): Plan[] => [
  { payer: actors.payer, tin: 1_234, tout: 567 },
  { payer: actors.payer, tin: 33, tout: 0, hasApp: true },
  { payer: actors.sponsor, tin: 0, tout: 64, cut: true },
  { payer: actors.sponsor, tin: 32, tout: 1, hasApp: true, cut: true },
  { payer: actors.payer, tin: 7, tout: 7, onChain: true },
]

const honest = (plans: readonly Plan[]) => honestDrafts(actors.worker, plans, world.chain.now)

async function committed(drafts: readonly Draft[]): Promise<Committed> {
  return await commit(world, actors.worker.address, drafts)
}

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

/** What a judge finds: the fault's number, or why there is none. */
async function judged(verdict: Verdict): Promise<number | string> {
  if (verdict.kind !== 'challenge') return verdict.kind
  const { functionName, args } = verdict.call
  return await world.ask(/Entry|Pools/.test(functionName) ? 'EntryJudge' : 'ReceiptJudge', functionName, args)
}

type Outcome = { readonly end: 'right' | 'silence' | 'challenged'; readonly shown: number; readonly rounds: number }

/** Asks for what the check demands until it ends; each challenge is one that its judge upholds. */
async function pursue(batch: Committed, file: Uint8Array | undefined, limit?: number): Promise<Outcome> {
  const worker = new HiddenBatch(world, batch)
  const asked = new Set<string>()
  for (let rounds = 0; ; rounds++) {
    const verdicts = await checkBatch(batch.header, batch.segments, { file, ...worker.data }, facts, asking(limit))
    const outcome = { shown: worker.shown, rounds }
    const challenges = verdicts.filter(({ kind }) => kind === 'challenge')
    for (const each of challenges) expect(await judged(each)).toEqual(expect.any(Number))
    if (challenges.length > 0) return { ...outcome, end: 'challenged' }
    if (verdicts.length === 0) return { ...outcome, end: 'right' }
    let answered = true
    for (const verdict of verdicts) {
      if (verdict.kind !== 'demand') continue
      const { functionName, args } = verdict.call
      const key = JSON.stringify([functionName, args], (_, value) => (typeof value === 'bigint' ? `${value}` : value))
      expect(asked).not.toContain(key)
      asked.add(key)
      answered = (await worker.answer(verdict.call)) && answered
    }
    if (!answered) return { ...outcome, end: 'silence' }
  }
}

describe('checkBatch of a batch whose file nobody has', () => {
  test('asks an honest worker for everything, and finds nothing', async () => {
    const drafts = honest(mixed())
    const { end, shown } = await pursue(await committed(drafts), undefined)
    const entries = new Map(drafts.map(({ receipt }) => [receipt.attrRoot, receipt.attrEntries]))
    const lists = new Set(
      drafts.flatMap(({ request, receipt: { tin, tout, outputRoot } }) => [
        ...(tin > 0 ? [`prompt ${request.promptRoot}`] : []),
        ...(tout > 0 ? [`output ${outputRoot}`] : []),
      ]),
    )
    const leaves = drafts.length + [...entries.values()].reduce((sum, count) => sum + count, 0) + lists.size
    expect([end, shown]).toEqual(['right', leaves])
  })

  test.each(corruptions.map((corruption) => [corruption.name, corruption] as const))(
    'of a batch with %s proves it, or is answered by silence',
    async (_, corruption) => {
      const batch = await spoiled(mixed(), corruption)
      if (batch === undefined) throw new Error('the batch has no place for this corruption')
      for (const limit of [1, 1_000]) expect((await pursue(batch, undefined, limit)).end).not.toBe('right')
    },
  )

  test('asks in an order that only the seed tells', async () => {
    const { header, segments } = await committed(honest(Array.from({ length: 40 }, () => at(mixed(), 0))))
    const order = async (fill: number) =>
      (await checkBatch(header, segments, {}, facts, { seed: new Uint8Array(32).fill(fill), limit: 12 })).map((each) =>
        each.kind === 'demand' ? each.call.args[1] : each,
      )
    expect(await order(1)).toEqual(await order(1))
    expect(new Set(await order(1))).not.toEqual(new Set(await order(2)))
    // The last leaf shows what the padding holds.
    for (const fill of [1, 2, 3]) expect((await order(fill))[0]).toBe(header.count - 1)
  })
})

/** The file with one byte of a section changed; undefined where it has none. */
function altered(drafts: readonly Draft[], random: Random): Uint8Array {
  const file = draftsFile(drafts).slice()
  const place = random.int(file.length)
  file[place] = (file[place] ?? 0) ^ (1 + random.int(255))
  return file
}

/** Files that a worker may publish of these drafts, the honest one aside. */
const publications: readonly ((drafts: readonly Draft[], random: Random) => Uint8Array | undefined)[] = [
  () => undefined,
  (drafts) => draftsFile(drafts),
  (_, random) => random.bytes(random.int(3_000)),
  altered,
  (drafts, random) => draftsFile(drafts).subarray(0, random.int(draftsFile(drafts).length)),
  (drafts, random) => concatBytes(draftsFile(drafts), random.bytes(1 + random.int(9))),
  // Another order, another size, other receipts in place of some.
  (drafts) => draftsFile([...drafts].reverse()),
  (drafts) => draftsFile(drafts.length > 1 ? drafts.slice(1) : [...drafts, ...drafts]),
  (drafts, random) => draftsFile(drafts.map((draft) => (random.chance(0.5) ? at(drafts, 0) : draft))),
  // Lists that are not under their roots.
  (drafts, random) =>
    draftsFile(
      drafts.map((draft) =>
        random.chance(0.5) ? draft : { ...draft, tokens: { prompt: draft.tokens.prompt + 1, output: random.int(9) } },
      ),
    ),
  (drafts, random) =>
    draftsFile(
      drafts.map((draft) => (random.chance(0.5) ? draft : { ...draft, entries: draft.entries.slice(random.int(3)) })),
    ),
  (drafts) => draftsFile(drafts.map((draft) => ({ ...draft, request: { ...draft.request, nonce: 77n } }))),
]

function somePlans(random: Random): Plan[] {
  return random
    .list(1 + random.int(6), () => ({
      ...{ payer: random.pick([actors.payer, actors.sponsor]), tin: random.int(100), tout: random.int(100) },
      ...{ hasApp: random.chance(0.5), cut: random.chance(0.3), onChain: random.chance(0.2) },
    }))
    .map((plan) => ({ ...plan, cut: plan.cut && !plan.onChain }))
    .sort((a, b) => Number(a.onChain) - Number(b.onChain) || (a.payer.address < b.payer.address ? -1 : 1))
}

describe('checkBatch of a batch of which some is published', () => {
  test('harms no honest worker, whatever became of the file, and asks for nothing that the file shows', {
    timeout: 240_000 * scale,
  }, async () => {
    const random = new Random(seed)
    for (let n = 0; n < 20 * scale; n++) {
      const drafts = honest(somePlans(random))
      const batch = await committed(drafts)
      expect(await pursue(batch, draftsFile(drafts))).toEqual({ end: 'right', shown: 0, rounds: 0 })
      expect((await pursue(batch, random.pick(publications)(drafts, random), random.pick([1, 3, 1_000]))).end).toBe(
        'right',
      )
    }
  })

  test('finds every corruption, whatever is published', { timeout: 240_000 * scale }, async () => {
    const random = new Random(seed + 1)
    const ends = new Map<string, number>()
    for (let n = 0; n < 50 * scale; ) {
      const batch = await spoiled(somePlans(random), random.pick(corruptions), random.int(4))
      if (batch === undefined) continue
      n++
      const known = await pursue(batch, draftsFile(batch.drafts))
      const { end } = await pursue(batch, random.pick(publications)(batch.drafts, random), random.pick([1, 3, 1_000]))
      // Not every corruption harms: then the whole file shows nothing either.
      expect(end === 'right').toBe(known.end === 'right')
      ends.set(end, (ends.get(end) ?? 0) + 1)
    }
    expect(ends.get('challenged')).toBeGreaterThan(16 * scale)
    expect(ends.get('silence')).toBeGreaterThan(0)
  })

  test('finds the one receipt of many that the file has wrong in few answers', async () => {
    const plans = Array.from({ length: 300 }, () => ({ payer: actors.payer, tin: 3, tout: 4 }))
    const spoiling = corruptions.find(({ name }) => name === 'a wei too much')
    const batch = spoiling && (await spoiled(plans, spoiling, 171))
    if (batch === undefined) throw new Error('no such corruption')
    const { end, shown } = await pursue(batch, draftsFile(honest(plans)), 1)
    expect(end).toBe('challenged')
    // The last leaf, then down the nine levels.
    expect(shown).toBeLessThanOrEqual(11)
  })

  test('asks for one leaf of a token list, and for the last receipt where rows may hide behind it', async () => {
    const drafts = honest(mixed())
    const other = drafts.map((draft, i) => (i === 0 ? { ...draft, tokens: { prompt: 1_234, output: 566 } } : draft))
    expect(await pursue(await committed(drafts), draftsFile(other))).toMatchObject({ end: 'right', shown: 1 })
    const hidden = corruptions.find(({ name }) => name === 'shares hidden in the padding')
    const batch = hidden && (await spoiled(mixed(), hidden))
    if (batch === undefined) throw new Error('no such corruption')
    expect(await pursue(batch, draftsFile(batch.drafts), 1)).toMatchObject({ end: 'challenged', shown: 1 })
  })
})
