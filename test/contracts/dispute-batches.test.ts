import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { type Challenge, challengesOf } from '../fakes/dispute-arguments.ts'
import { answerTerms, type Committed, commit, honestDrafts, type Plan } from '../fakes/dispute-batch.ts'
import { type Corruption, corruptions, faults } from '../fakes/dispute-corruptions.ts'
import { DisputeWorld } from '../fakes/dispute-world.ts'
import type { Actor } from '../fakes/money-chain.ts'
import { at } from '../fakes/proven-tree.ts'

let world: DisputeWorld
let [worker, payer, sponsor, stranger]: Actor[] = []
beforeAll(async () => {
  world = await DisputeWorld.create()
  await answerTerms(world)
  ;[worker, payer, sponsor, stranger] = ['worker', 'payer', 'sponsor', 'stranger'].map((name) =>
    world.chain.actor(name),
  )
})

const someone = (actor: Actor | undefined): Actor => {
  if (actor === undefined) throw new Error('no such actor')
  return actor
}

/** Two channels, a cut stream, an app, and a request opened on chain. */
const mixed = (): Plan[] => [
  { payer: someone(payer), tin: 1_234, tout: 567 },
  { payer: someone(payer), tin: 33, tout: 0, hasApp: true },
  { payer: someone(sponsor), tin: 0, tout: 64, cut: true },
  { payer: someone(sponsor), tin: 32, tout: 1, hasApp: true, cut: true },
  { payer: someone(payer), tin: 7, tout: 7, onChain: true },
]

async function honest(plans: readonly Plan[]): Promise<Committed> {
  const drafts = honestDrafts(someone(worker), plans, world.chain.now)
  return await commit(world, someone(worker).address, drafts)
}

/** Undefined where no receipt of the batch can be spoiled so. */
async function spoiled(plans: readonly Plan[], corruption: Corruption, from = 0): Promise<Committed | undefined> {
  const drafts = honestDrafts(someone(worker), plans, world.chain.now)
  const spoiling = (index: number) => ({ drafts, index, stranger: someone(stranger), now: world.chain.now })
  const places = drafts.map((_, i) => (i + from) % drafts.length)
  const index = places.find((i) => corruption.needs?.(at(drafts, i), spoiling(i)) ?? true)
  if (index === undefined) return undefined
  const options = corruption.apply(at(drafts, index), spoiling(index))
  return await commit(world, someone(worker).address, drafts, options)
}

const named = (batch: Committed, name: string) => challengesOf(batch).filter((challenge) => challenge.name === name)

async function inTurn(challenges: readonly Challenge[]): Promise<(number | string)[]> {
  const answers: (number | string)[] = []
  for (const { judge, name, args } of challenges) answers.push(await world.ask(judge, name, args))
  return answers
}

/** Faults that the challenges to the batch find. */
async function found(batch: Committed): Promise<(number | string)[]> {
  return (await inTurn(challengesOf(batch))).filter((answer) => typeof answer === 'number')
}

test('no challenge holds against an honest batch', async () => {
  const answers = await inTurn(challengesOf(await honest(mixed())))
  // The payment of a request opened on chain is no voucher.
  expect([...new Set(answers)].sort()).toEqual(['NoFault', 'WrongPayment'])
})

test.each(corruptions.map((corruption) => [corruption.name, corruption] as const))(
  'a batch with %s is proven wrong',
  async (_, corruption) => {
    const batch = await spoiled(mixed(), corruption)
    if (batch === undefined) throw new Error('the batch has no place for this corruption')
    const answers = await inTurn(named(batch, corruption.challenge))
    expect(answers).toContain(faults[corruption.fault])
  },
)

const plan = fc.record({
  payer: fc.constantFrom(0, 1),
  // A prompt has a token, so that there is something to split and an app's entry has its place.
  tin: fc.integer({ min: 1, max: 200 }),
  tout: fc.nat(200),
  hasApp: fc.boolean(),
  cut: fc.boolean(),
  onChain: fc.boolean(),
})
/** Up to four receipts, those of a channel together. */
const plans = fc
  .array(plan, { minLength: 1, maxLength: 4 })
  .map((list) =>
    [...list]
      .sort((a, b) => Number(a.onChain) - Number(b.onChain) || a.payer - b.payer)
      .map((each) => ({ ...each, cut: each.cut && !each.onChain })),
  )
const withActors = (list: readonly (Omit<Plan, 'payer'> & { readonly payer: number })[]): Plan[] =>
  list.map((each) => ({ ...each, payer: someone(each.payer === 0 ? payer : sponsor) }))

test('whatever a batch holds, honest it stands and corrupted it falls', async () => {
  await fc.assert(
    fc.asyncProperty(plans, fc.constantFrom(...corruptions), fc.nat(3), async (list, corruption, from) => {
      expect(await found(await honest(withActors(list)))).toEqual([])
      const batch = await spoiled(withActors(list), corruption, from)
      if (batch !== undefined) expect(await found(batch)).not.toEqual([])
    }),
    { numRuns: 12 },
  )
}, 120_000)
