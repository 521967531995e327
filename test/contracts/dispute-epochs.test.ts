import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { entryClasses } from '../../protocol/attribution-entry.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { type Credit, creditRow, type Payout, payoutRow } from '../../protocol/payout-epoch.ts'
import { answerTerms, commit, honestDrafts, reseal } from '../fakes/dispute-batch.ts'
import {
  challengesOfEpoch,
  type EpochDraft,
  type EpochSource,
  honestEpoch,
  mature,
  type Proposed,
  propose,
} from '../fakes/dispute-epoch.ts'
import { DisputeWorld } from '../fakes/dispute-world.ts'
import { at } from '../fakes/proven-tree.ts'

/** As in EpochJudge.sol. */
const faults = ['BadAmount', 'CreditsUnsorted', 'PayoutUnsorted', 'BadCumulative', 'BadTotal'] as const
type Fault = (typeof faults)[number]

const stranger: Hex = `0x${'00ee'.repeat(10)}`
const oldPayee: Hex = `0x${'00aa'.repeat(9)}0000`

let world: DisputeWorld
let source: EpochSource
/** The same receipts as the first epoch of all. */
let first: EpochSource
/** A receipt whose contributors' weights sum to more than 13,000,000, which nobody challenged. */
let heavy: EpochSource

beforeAll(async () => {
  world = await DisputeWorld.create()
  await answerTerms(world)
  const worker = world.chain.actor('worker')
  const payer = world.chain.actor('payer')
  const batch = async (batchId: bigint, tins: readonly number[]) => {
    const plans = tins.map((tin) => ({ payer, tin, tout: 2 * tin, hasApp: tin % 2 === 1 }))
    return await commit(world, worker.address, honestDrafts(worker, plans, world.chain.now), { batchId })
  }
  const receipts = await mature(
    world,
    [
      { batch: await batch(4n, [3]), voids: [] },
      { batch: await batch(5n, [9, 9]), voids: 'all' },
      { batch: await batch(6n, [8, 21]), voids: [1] },
    ],
    17n,
  )
  const before = [
    { payee: oldPayee, cumulative: 12n },
    { payee: at(at(at(receipts, 0).batch.drafts, 0).entries, 4).payee, cumulative: 5n * 10n ** 15n },
    { payee: `0x${'f'.repeat(40)}` as Hex, cumulative: 1n },
  ]
  source = { firstBatch: 4n, lastBatch: 6n, receipts, before }
  first = { ...source, before: [] }

  const drafts = honestDrafts(worker, [{ payer, tin: 30, tout: 11, hasApp: true }], world.chain.now)
  const { entries } = at(drafts, 0)
  for (const [i, each] of entries.entries()) {
    if (each.class >= entryClasses.S) entries[i] = { ...each, weight: each.weight * 13 + 750_001 }
  }
  reseal(at(drafts, 0))
  const overweight = await commit(world, worker.address, drafts, { batchId: 9n })
  const matured = await mature(world, [{ batch: overweight, voids: [] }], 20n)
  heavy = { firstBatch: 9n, lastBatch: 9n, receipts: matured, before: [] }
})

/** The first fault that is found, among the challenges of these names if any are given. */
async function caught(epoch: Proposed, names?: readonly string[]): Promise<Fault | undefined> {
  for (const { judge, name, args } of challengesOfEpoch(epoch)) {
    if (names?.includes(name) === false) continue
    const answer = await world.ask(judge, name, args)
    if (typeof answer === 'number') return at(faults, answer)
  }
  return undefined
}

/** Challenges that find a fault. */
const provers: Readonly<Record<Fault, readonly string[]>> = {
  BadAmount: ['badAmount', 'badCreditReceipt', 'badVoidCredit', 'badCreditEntry'],
  CreditsUnsorted: ['creditsUnsorted'],
  PayoutUnsorted: ['payoutUnsorted'],
  BadCumulative: ['badCumulative'],
  BadTotal: ['badCreditsTotal', 'badPayoutsTotal'],
}

function proposed(from: EpochSource, draft: EpochDraft): Proposed {
  const epoch = propose(from, draft)
  if (epoch === undefined) throw new Error('the ledger refuses this epoch')
  return epoch
}

test('no challenge holds against an honest epoch', async () => {
  for (const each of [source, first, heavy]) {
    const epoch = proposed(each, honestEpoch(each))
    const answers = new Set<number | string>()
    for (const { judge, name, args } of challengesOfEpoch(epoch)) answers.add(await world.ask(judge, name, args))
    expect([...answers]).toEqual(['NoFault'])
  }
})

test('of weights that are more than one, each is paid its part of the pool and not a wei more', async () => {
  const { entries, sums } = at(at(heavy.receipts, 0).batch.drafts, 0)
  const listed = entries.filter((each) => each.class >= entryClasses.S)
  expect(listed.reduce((sum, { weight }) => sum + weight, 0)).toBeGreaterThan(13_000_000)
  const draft = honestEpoch(heavy)
  const pool = at(sums, 9)
  const paid = draft.credits.filter(({ entry }) => at(entries, entry).class >= entryClasses.S)
  const sum = paid.reduce((total, { amount }) => total + amount, 0n)
  expect(sum <= pool && sum > pool - BigInt(paid.length)).toBe(true)

  for (const change of [1n, -1n]) {
    const greedy = honestEpoch(heavy)
    const credit = at(greedy.credits, 0)
    greedy.credits[0] = { ...credit, amount: credit.amount + change }
    pay(greedy.payouts, credit.payee, change)
    const epoch = propose(heavy, greedy)
    if (epoch !== undefined) expect(await caught(epoch, provers.BadAmount)).toBe('BadAmount')
  }
})

/** Changes to an honest epoch that the ledger lets pass, and what each is proven by. */
const harms: readonly (readonly [string, Fault, (draft: EpochDraft) => void])[] = [
  [
    'a credit to somebody else',
    'BadAmount',
    ({ credits, payouts }) => {
      const last = at(credits, credits.length - 1)
      credits.splice(credits.length - 1, 1)
      insert(credits, { ...last, payee: stranger })
      pay(payouts, last.payee, -last.amount)
      pay(payouts, stranger, last.amount)
    },
  ],
  [
    'a wei from one credit to another',
    'BadAmount',
    ({ credits, payouts }) => {
      const [a, b] = [at(credits, 0), at(credits, credits.length - 1)]
      credits[0] = { ...a, amount: a.amount + 1n }
      credits[credits.length - 1] = { ...b, amount: b.amount - 1n }
      pay(payouts, a.payee, 1n)
      pay(payouts, b.payee, -1n)
    },
  ],
  ['a credit of a receipt that is none', 'BadAmount', ({ credits }) => repoint(credits, { receipt: 3 })],
  ['a credit of a void receipt', 'BadAmount', ({ credits }) => repoint(credits, { receipt: 2 })],
  ['a credit of an entry that is none', 'BadAmount', ({ credits }) => repoint(credits, { entry: 7 })],
  ['a credit twice in the place of another', 'CreditsUnsorted', twice],
  [
    'credits out of order',
    'CreditsUnsorted',
    ({ credits }) => {
      credits.splice(0, 2, at(credits, 1), at(credits, 0))
    },
  ],
  [
    'payouts out of order',
    'PayoutUnsorted',
    ({ payouts }) => {
      payouts.splice(0, 2, at(payouts, 1), at(payouts, 0))
    },
  ],
  [
    'a payee twice',
    'PayoutUnsorted',
    ({ payouts }) => {
      const one = at(payouts, 0)
      payouts.splice(0, 1, { ...one, cumulative: one.cumulative - 1n }, { ...one, cumulative: 1n })
    },
  ],
  [
    'a wei from one payee to another',
    'BadCumulative',
    ({ payouts }) => {
      pay(payouts, at(payouts, 0).payee, 1n)
      pay(payouts, at(payouts, 1).payee, -1n)
    },
  ],
  [
    'a payee who earned nothing',
    'BadCumulative',
    ({ payouts }) => {
      pay(payouts, at(payouts, 1).payee, -9n)
      pay(payouts, stranger, 9n)
    },
  ],
  ['a payee with nothing, in neither', 'BadCumulative', ({ payouts }) => pay(payouts, stranger, 0n)],
  [
    'a payee left out, whose money another has',
    'BadCumulative',
    ({ payouts }) => {
      const [gone] = payouts.splice(0, 1)
      pay(payouts, at(payouts, 0).payee, gone?.cumulative ?? 0n)
    },
  ],
  [
    'a payout hidden in the padding',
    'BadTotal',
    (draft) => {
      const [gone] = draft.payouts.splice(draft.payouts.length - 1, 1)
      if (gone !== undefined) draft.hiddenPayouts = [payoutRow(draft.payouts.length, gone)]
    },
  ],
]

test.each(harms)('an epoch with %s is proven wrong', async (_, fault, harm) => {
  const draft = honestEpoch(source)
  harm(draft)
  expect(await caught(proposed(source, draft), provers[fault])).toBe(fault)
})

test('credits hidden in the padding are proven wrong', async () => {
  const draft = honestEpoch(source)
  const { credits } = draft
  const place = credits.findIndex(({ amount }) => amount > 1n)
  const one = at(credits, place)
  credits[place] = { ...one, amount: one.amount - 1n }
  draft.hiddenCredits = [creditRow(credits.length, { ...one, amount: 1n })]
  expect(await caught(proposed(source, draft), provers.BadTotal)).toBe('BadTotal')
})

test('what an honest epoch earned in rounding is nobody’s', () => {
  const draft = honestEpoch(source)
  const { payouts } = draft
  pay(payouts, at(payouts, 0).payee, 1n)
  expect(propose(source, draft)).toBeUndefined()
})

type Edit = (draft: EpochDraft, a: number, b: number, amount: bigint) => void

/** Any change that rows can suffer; most are refused at proposal, which `settle` undoes where it can. */
const edits: readonly Edit[] = [
  ({ credits }, a, _, amount) => change(credits, a, (credit) => ({ ...credit, amount: credit.amount + amount })),
  ({ credits }, a, b) => change(credits, a, (credit) => ({ ...credit, payee: wrap(credits, b).payee })),
  ({ credits }, a, b) => change(credits, a, (credit) => ({ ...credit, receipt: b % 5 })),
  ({ credits }, a, b) => change(credits, a, (credit) => ({ ...credit, entry: b % 9 })),
  ({ credits }, a, b) => change(credits, a, () => wrap(credits, b)),
  ({ credits }, a, b) => swap(credits, a, b),
  ({ payouts }, a, _, amount) =>
    change(payouts, a, (payout) => ({ ...payout, cumulative: payout.cumulative + amount })),
  ({ payouts }, a, b) => swap(payouts, a, b),
  ({ payouts }, a) => void payouts.splice(a % payouts.length, 1),
  ({ payouts }, a, b) => change(payouts, a, (payout) => ({ ...payout, payee: wrap(payouts, b).payee })),
  ({ payouts }, a) => payouts.push({ payee: `0x${'ee'.repeat(20)}`, cumulative: BigInt(a) }),
]

const edit = fc.tuple(fc.nat(edits.length - 1), fc.nat(30), fc.nat(30), fc.bigInt(-3n, 1_000n))

const numRuns = Math.ceil(Number(process.env['OPENLEDGER_FUZZ'] ?? 1_500) / 100)

test('an epoch that is not the canonical one is refused or proven wrong', async () => {
  const canonical = JSON.stringify(honestEpoch(source), (_, value) => (typeof value === 'bigint' ? `${value}` : value))
  let proposable = 0
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), fc.boolean(), async (list, resort) => {
      const draft = honestEpoch(source)
      for (const [which, a, b, amount] of list) at(edits, which)(draft, a, b, amount)
      if (resort) sort(draft)
      settle(draft)
      const text = JSON.stringify(draft, (_, value) => (typeof value === 'bigint' ? `${value}` : value))
      const negative = [...draft.credits.map(({ amount }) => amount), ...draft.payouts.map((each) => each.cumulative)]
      if (text === canonical || draft.payouts.length === 0 || negative.some((value) => value < 0n)) return
      const epoch = propose(source, draft)
      if (epoch === undefined) return
      proposable++
      expect(await caught(epoch)).toBeDefined()
    }),
    { numRuns },
  )
  expect(proposable).toBeGreaterThan(numRuns / 4)
}, 120_000)

function insert(credits: Credit[], credit: Credit): void {
  credits.push(credit)
  credits.sort(order)
}

function order(a: Credit, b: Credit): number {
  if (a.payee !== b.payee) return a.payee < b.payee ? -1 : 1
  return a.receipt - b.receipt || a.entry - b.entry
}

/** Adds to a payee's cumulative, who is listed then. */
function pay(payouts: Payout[], payee: Hex, amount: bigint): void {
  const place = payouts.findIndex((payout) => payout.payee >= payee)
  const one = payouts[place]
  if (one?.payee === payee) payouts[place] = { payee, cumulative: one.cumulative + amount }
  else payouts.splice(place === -1 ? payouts.length : place, 0, { payee, cumulative: amount })
}

/** Points the last credit elsewhere; it stays the last. */
function repoint(credits: Credit[], change: Partial<Credit>): void {
  const place = credits.length - 1
  credits[place] = { ...at(credits, place), ...change }
  credits.sort(order)
}

function twice({ credits, payouts }: EpochDraft): void {
  const [one, gone] = [at(credits, 0), at(credits, 1)]
  credits[1] = { ...one, amount: gone.amount }
  pay(payouts, gone.payee, -gone.amount)
  pay(payouts, one.payee, gone.amount)
}

function wrap<T>(list: readonly T[], index: number): T {
  return at(list, index % list.length)
}

function change<T>(list: T[], index: number, to: (value: T) => T): void {
  if (list.length > 0) list[index % list.length] = to(wrap(list, index))
}

function swap<T>(list: T[], a: number, b: number): void {
  if (list.length === 0) return
  const [one, other] = [wrap(list, a), wrap(list, b)]
  list[a % list.length] = other
  list[b % list.length] = one
}

function sort({ credits, payouts }: EpochDraft): void {
  credits.sort(order)
  payouts.sort((a, b) => (a.payee < b.payee ? -1 : a.payee > b.payee ? 1 : 0))
}

/** Lets the first payout make up what the sums are apart, so that the ledger has nothing against them. */
function settle({ credits, payouts }: EpochDraft): void {
  const credited = credits.reduce((sum, { amount }) => sum + amount, 0n)
  const paid = payouts.reduce((sum, { cumulative }) => sum + cumulative, 0n)
  const before = source.before.reduce((sum, { cumulative }) => sum + cumulative, 0n)
  change(payouts, 0, (one) => ({ ...one, cumulative: one.cumulative + before + credited - paid }))
}
