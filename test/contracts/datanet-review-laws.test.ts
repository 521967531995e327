import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import type { Actor } from '../fakes/money-chain.ts'
import { Reverted } from '../fakes/money-chain.ts'
import { itemBond, pools, ReviewWorld, reviewFee, saltOf } from '../fakes/review-world.ts'

const scale = Number(process.env['OPENLEDGER_FUZZ'] ?? 1)

const step = fc.record({
  act: fc.constantFrom(
    'submit',
    'submit',
    'review',
    'review',
    'challenge',
    'challenge',
    'commit',
    'commit',
    'reveal',
    'close',
    'round',
    'round',
    'round',
    'round',
    'round',
    'later',
    'absent',
    'pay',
    'appeal',
    'rule',
    'settle',
    'settle',
    'label',
    'share',
    'withdraw',
    'fund',
    'unbond',
    'claim',
  ),
  who: fc.nat(6),
  id: fc.constantFrom(0, 0, 0, 1, 1, 2, 3, 4, 5),
  score: fc.constantFrom(0, 3_000, 5_000, 9_000, 10_000),
  wait: fc.constantFrom(0n, 0n, 0n, 5n, 15n, 25n, 40n, 250n),
})

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** Something to quarrel about from the first step on: two texts, one of them before the validators. */
const opening: readonly Step[] = [
  { act: 'submit', who: 4, id: 0, score: 0, wait: 0n },
  { act: 'submit', who: 5, id: 1, score: 0, wait: 0n },
  { act: 'review', who: 6, id: 0, score: 0, wait: 0n },
  { act: 'round', who: 6, id: 0, score: 9_000, wait: 0n },
]

/** What a step sends; whatever it is refused as is fine, if by name. */
async function act(world: ReviewWorld, { act, who, id, score }: Step, done: Set<string>): Promise<void> {
  const people = [...world.validators, world.author, world.labeller, world.challenger]
  const from = people[who] as Actor
  const item = BigInt(id + 1)
  const registry = (name: string, args: readonly unknown[], value = 0n) =>
    world.chain.send(from, 'DatanetRegistry', name, args, { value })
  const steps: Record<string, () => Promise<unknown>> = {
    submit: () => world.submit(`text ${id} of ${who}`, from),
    review: () => world.review(from, 'openReview', [item], reviewFee + BigInt(id)),
    challenge: () =>
      world.review(from, 'challenge', [item, id % 6, id % 6 < 2 ? 1n : 0n, saltOf(from)], itemBond + reviewFee),
    commit: () => world.commit(item, from, score),
    reveal: () => world.review(from, 'revealScore', [item, score, saltOf(from)]),
    round: () =>
      world.score(
        item,
        world.validators.map((_, i) => (i === who ? undefined : i > id ? score : 10_000 - score)),
      ),
    later: async () => {
      world.chain.advance(3n * (await world.day()))
      await world.review(from, 'settle', [item])
    },
    close: () => world.review(from, 'closeRound', [item]),
    absent: () => world.review(from, 'slashAbsent', [item, (people[id] as Actor).address]),
    pay: () => world.review(from, 'payReview', [item, (people[id] as Actor).address]),
    appeal: () => world.review(from, 'appeal', [item], itemBond),
    rule: () => world.review(openLedgerPredeploys.timelock, 'rule', [item, id % 2 === 0]),
    settle: () => world.review(from, 'settle', [item]),
    label: () => world.label(item, from),
    share: () => world.review(from, 'shareLabel', [item]),
    withdraw: () => registry('withdrawConsent', [item]),
    fund: () => world.fund(pools.escrow, item, BigInt(score)),
    unbond: () => world.review(from, 'requestUnbond', [BigInt(score) * 10n ** 16n]),
    claim: () => world.review(from, 'claimOwed', [from.address]),
  }
  try {
    await steps[act]?.()
    done.add(act)
  } catch (error) {
    if (!(error instanceof Reverted)) throw error
    expect(error.error).toMatch(/^[A-Z]/)
  }
}

const sum = (rows: readonly bigint[]) => rows.reduce((a, b) => a + b, 0n)

test('random sequences keep every wei: held is booked, what is lost is burned or rewarded, escrows are paid out', {
  timeout: 240_000,
}, async () => {
  const done = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 60, maxLength: 120 }), async (steps) => {
      const world = await ReviewWorld.create([1_000n, 700n, 500n, 300n])
      const vault = world.chain.balance('RoyaltyVault')
      for (const each of [...opening, ...steps]) {
        world.chain.advance(each.wait)
        await act(world, each, done)
      }
      const { held, booked, lost } = await world.law()
      expect(held).toBe(booked)
      expect(lost).toBe(0n)
      expect(world.chain.supply()).toBe(10n ** 27n)
      const count = (await world.read('disputeCount')) as bigint
      let bonds = 0n
      for (let id = 1n; id <= count; id++) {
        const dispute = (await world.read('disputes', id)) as { state: number; bond: bigint; appealBond: bigint }
        if (dispute.state !== 5) bonds += dispute.bond + dispute.appealBond
      }
      expect(await world.read('bondsHeld')).toBe(bonds)
      const registry = await Promise.all(
        ['bondsLocked', 'refundsOwed', 'slashed', 'burned', 'rewarded'].map((name) => world.registry(name)),
      )
      const [locked, refunds, slashed, burned, rewarded] = registry as [bigint, bigint, bigint, bigint, bigint]
      expect(world.chain.balance('DatanetRegistry')).toBe(sum([locked, refunds]))
      expect(slashed).toBe(burned + rewarded)
      expect(world.chain.balance('RoyaltyVault')).toBeGreaterThanOrEqual(vault)
    }),
    { numRuns: 15 * scale },
  )
  for (const reached of ['review', 'round', 'challenge', 'later', 'label']) expect(done).toContain(reached)
})
