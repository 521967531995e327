import { beforeEach, describe, expect, test } from 'vitest'
import { stakeMedian } from '../../attribution/integrity/median.ts'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { Actor } from '../fakes/money-chain.ts'
import { open } from '../fakes/money-chain.ts'
import { itemBond, poolOf, pools, ReviewWorld, reviewFee, saltOf } from '../fakes/review-world.ts'

const decisions = { pending: 1, accepted: 2, rejected: 3, withdrawn: 4, slashed: 5 } as const
const grounds = { duplicate: 0, plagiarism: 1, poison: 2, licence: 3, consent: 4, mediaType: 5 } as const
const timelock = openLedgerPredeploys.timelock

let world: ReviewWorld
beforeEach(async () => {
  world = await ReviewWorld.create()
})

const validator = (i: number) => world.validators[i] as Actor
const round = async (id: bigint) =>
  (await world.read('rounds', id)) as { state: number; score: number; pay: bigint; total: number; revealed: number }
const keepsLaws = async () => {
  const { held, booked, lost } = await world.law()
  expect(held).toBe(booked)
  expect(lost).toBe(0n)
}

describe('M10 M12 a review', () => {
  test('accepts by the stake-weighted median, and pays those near to it by stake', async () => {
    const item = await world.submit()
    const id = await world.reviewed(item.id, [8_000, 7_900, 100, 9_500])
    const scores = [8_000, 7_900, 100, 9_500].map((score, i) => ({
      score,
      weight: [1_000, 700, 500, 300][i] as number,
    }))
    expect(await round(id)).toMatchObject({ state: 2, score: stakeMedian(scores), revealed: 2_500 })
    expect(await world.decision(item.id)).toBe(decisions.accepted)
    await world.review(validator(0), 'payReview', [id, validator(1).address])
    await world.review(validator(0), 'payReview', [id, validator(0).address])
    expect(await world.refused(validator(0), 'payReview', [id, validator(0).address])).toBe('NothingToSettle')
    expect(await world.refused(validator(0), 'payReview', [id, validator(2).address])).toBe('NothingToSettle')
    expect(await world.refused(validator(0), 'payReview', [id, validator(3).address])).toBe('NothingToSettle')
    const dust = (await world.read('owedTo', world.challenger.address)) as bigint
    const paid = [0, 1].map(async (i) => (await world.read('owedTo', validator(i).address)) as bigint)
    expect((await Promise.all(paid)).reduce((a, b) => a + b) + dust).toBe(reviewFee)
    expect(await world.read('feesHeld')).toBe(0n)
    await keepsLaws()
  })

  test('rejects below half, and the author gets the bond back', async () => {
    const item = await world.submit()
    await world.reviewed(item.id, [4_999, 4_999, 9_000, 9_000])
    expect(await world.decision(item.id)).toBe(decisions.rejected)
    expect(await world.registry('refundOf', world.author.address)).toBe(itemBond)
  })

  test('decides nothing when less than 65 % of the stake was revealed, and may be opened again', async () => {
    const item = await world.submit()
    const id = await world.reviewed(item.id, [9_000, undefined, 9_000, undefined])
    expect(await round(id)).toMatchObject({ state: 3, score: 0, pay: 0n })
    expect(await world.decision(item.id)).toBe(decisions.pending)
    expect(await world.read('owedTo', world.challenger.address)).toBe(reviewFee)
    await world.accept(item.id)
    expect(await world.decision(item.id)).toBe(decisions.accepted)
  })

  test('M12 is not scored by the author, nor by the owner of the Datanet, nor by who has no stake', async () => {
    await world.review(world.author, 'addStake', [], 500n * open)
    await world.review(world.owner, 'addStake', [], 500n * open)
    world.chain.advance(2)
    const item = await world.submit()
    const { result: id } = await world.review(world.challenger, 'openReview', [item.id], reviewFee)
    expect((await round(id as bigint)).total).toBe(2_500)
    expect(await world.refused(world.author, 'commitScore', [id, saltOf(world.author)])).toBe('SelfVote')
    expect(await world.refused(world.owner, 'commitScore', [id, saltOf(world.owner)])).toBe('SelfVote')
    expect(await world.refused(world.labeller, 'commitScore', [id, saltOf(world.owner)])).toBe('NotValidator')
    // Stake that came with the round or after it has no vote.
    await world.review(world.labeller, 'addStake', [], 500n * open)
    expect(await world.refused(world.labeller, 'commitScore', [id, saltOf(world.owner)])).toBe('NotValidator')
  })

  test('each step out of its time, or not as committed, is refused by name', async () => {
    const item = await world.submit()
    expect(await world.refused(world.author, 'openReview', [item.id], reviewFee - 1n)).toBe('NotEnoughFee')
    const { result: id } = await world.review(world.author, 'openReview', [item.id], reviewFee)
    expect(await world.refused(world.author, 'openReview', [item.id], reviewFee)).toBe('AlreadyUnderReview')
    await world.commit(id as bigint, validator(0), 7_000)
    const reveal = (score: number, by = validator(0)) => world.refused(by, 'revealScore', [id, score, saltOf(by)])
    expect(await world.refused(validator(0), 'commitScore', [id, saltOf(validator(0))])).toBe('AlreadyCommitted')
    expect(await reveal(7_000)).toBe('TooEarly')
    expect(await world.refused(validator(0), 'closeRound', [id])).toBe('TooEarly')
    world.chain.advance(await world.until('commitUntil', id as bigint))
    expect(await world.refused(validator(1), 'commitScore', [id, saltOf(validator(1))])).toBe('TooLate')
    expect(await reveal(7_001)).toBe('WrongReveal')
    expect(await reveal(10_001)).toBe('BadScore')
    expect(await reveal(0, validator(1))).toBe('WrongReveal')
    await world.review(validator(0), 'revealScore', [id, 7_000, saltOf(validator(0))])
    expect(await reveal(7_000)).toBe('WrongReveal')
    await world.review(validator(0), 'closeRound', [id])
    expect(await world.refused(validator(0), 'closeRound', [id])).toBe('NotOpenRound')
    expect(await world.refused(validator(0), 'openReview', [99n], reviewFee)).toBe('UnknownContribution')
  })

  test('costs who did not come 0.1 % of stake and who committed in vain 1 %, half to who says so', async () => {
    const item = await world.submit()
    const { result: id } = await world.review(world.challenger, 'openReview', [item.id], reviewFee)
    expect(await world.refused(world.labeller, 'slashAbsent', [id, validator(2).address])).toBe('TooEarly')
    for (const i of [0, 1, 2]) await world.commit(id as bigint, validator(i), 8_000)
    world.chain.advance(await world.until('commitUntil', id as bigint))
    for (const i of [0, 1]) await world.review(validator(i), 'revealScore', [id, 8_000, saltOf(validator(i))])
    world.chain.advance(await world.until('revealUntil', id as bigint))
    await world.review(world.challenger, 'closeRound', [id])
    for (const [i, lost] of [
      [2, 5n * open],
      [3, (3n * open) / 10n],
    ] as const) {
      const before = (await world.read('owedTo', world.labeller.address)) as bigint
      await world.review(world.labeller, 'slashAbsent', [id, validator(i).address])
      expect(await world.read('owedTo', world.labeller.address)).toBe(before + lost / 2n)
      expect(await world.refused(world.labeller, 'slashAbsent', [id, validator(i).address])).toBe('NothingToSettle')
    }
    for (const who of [validator(0), world.author, world.labeller]) {
      expect(await world.refused(world.labeller, 'slashAbsent', [id, who.address])).toBe('NothingToSettle')
    }
    expect(await world.decision(item.id)).toBe(decisions.accepted)
    await keepsLaws()
  })

  test('is only for Datanets that admit by validators, and for what waits', async () => {
    const item = await world.submit()
    await world.accept(item.id)
    expect(await world.refused(world.author, 'openReview', [item.id], reviewFee)).toBe('NotPending')
    await world.chain.send(world.owner, 'DatanetRegistry', 'setParameter', [world.datanet, 2, 0n])
    const other = await world.submit()
    expect(await world.refused(world.author, 'openReview', [other.id], reviewFee)).toBe('NotForValidators')
  })

  test.each([
    ['the owner', 0n],
    ['time', 1n],
  ])('decides also where the Datanet lets %s admit meanwhile: no fee stays in it', async (_, policy) => {
    const item = await world.submit()
    const { result: id } = await world.review(world.challenger, 'openReview', [item.id], reviewFee)
    await world.chain.send(world.owner, 'DatanetRegistry', 'setParameter', [world.datanet, 2, policy])
    await world.score(id as bigint, [8_000, 8_000, 8_000, 8_000])
    expect(await world.decision(item.id)).toBe(decisions.accepted)
    await world.review(world.challenger, 'payReview', [id, validator(0).address])
    await keepsLaws()
  })

  test('of what was withdrawn meanwhile decides nothing, and pays all the same', async () => {
    const item = await world.submit()
    const { result: id } = await world.review(world.challenger, 'openReview', [item.id], reviewFee)
    await world.chain.send(world.author, 'DatanetRegistry', 'withdrawConsent', [item.id])
    await world.score(id as bigint, [8_000, 8_000, 8_000, 8_000])
    expect(await world.decision(item.id)).toBe(decisions.withdrawn)
    await world.review(world.challenger, 'payReview', [id, validator(0).address])
    expect(await world.read('owedTo', validator(0).address)).toBe((reviewFee * 1_000n) / 2_500n)
  })
})

describe('M17 a dispute', () => {
  test('that is upheld slashes the item, and gives what it earned since to the original to the wei', async () => {
    const [first, copy] = [await world.submit(), await world.submit('another text', world.labeller)]
    await world.accept(first.id)
    await world.accept(copy.id)
    const { dispute } = await world.disputed(copy.id, grounds.plagiarism, first.id, [10_000, 9_000, 10_000, 0])
    expect(await world.payee(copy.id)).toBe(poolOf(pools.escrow, dispute))
    await world.fund(pools.escrow, dispute, 1_000_001n)
    expect(await world.refused(world.author, 'settle', [dispute])).toBe('TooEarly')
    const owed = (await world.read('owedTo', world.challenger.address)) as bigint
    await world.settled(dispute)
    expect(await world.decision(copy.id)).toBe(decisions.slashed)
    expect(await world.registry('refundOf', world.challenger.address)).toBe(itemBond / 2n)
    expect(await world.read('owedTo', world.challenger.address)).toBe(owed + itemBond)
    await world.fund(pools.escrow, dispute, 7n)
    expect(await world.claim(pools.escrow, dispute, world.author.address)).toBe(1_000_008n)
    expect(await world.payee(copy.id)).toBe(poolOf(pools.escrow, dispute))
    await keepsLaws()
  })

  test('that is upheld without an original gives the escrow to the unit holders', async () => {
    const item = await world.submit()
    await world.accept(item.id)
    const { dispute } = await world.disputed(item.id, grounds.poison, 0n, [10_000, 9_000, 10_000, 0])
    await world.fund(pools.escrow, dispute, 1_001n)
    await world.settled(dispute)
    expect(await world.claim(pools.escrow, dispute, poolOf(pools.units, world.datanet))).toBe(1_001n)
  })

  test.each<[string, readonly (number | undefined)[]]>([
    ['dismissed', [0, 1_000, 4_000, 10_000]],
    ['left undecided', [undefined, 9_000, 9_000, 9_000]],
  ])(
    'that is %s releases the escrow to the author to the wei, and costs the challenger the bond',
    async (_, scores) => {
      const item = await world.submit()
      await world.accept(item.id)
      const { dispute } = await world.disputed(item.id, grounds.licence, 0n, scores)
      await world.fund(pools.escrow, dispute, 999n)
      const [owed, burned] = [await world.read('owedTo', world.author.address), await world.read('burned')]
      await world.settled(dispute)
      expect(await world.decision(item.id)).toBe(decisions.accepted)
      expect(await world.read('owedTo', world.author.address)).toBe((owed as bigint) + itemBond / 2n)
      expect(await world.read('burned')).toBe((burned as bigint) + itemBond / 2n)
      expect(await world.claim(pools.escrow, dispute, world.author.address)).toBe(999n)
      expect(await world.payee(item.id)).toBe(world.author.address)
      expect(await world.read('disputeOf', item.id)).toBe(0n)
      await keepsLaws()
    },
  )

  test('holds the item: it is neither decided nor refunded until it is over', async () => {
    const item = await world.submit()
    const { result: review } = await world.review(world.author, 'openReview', [item.id], reviewFee)
    await world.review(
      world.challenger,
      'challenge',
      [item.id, grounds.consent, 0n, saltOf(validator(0))],
      itemBond + reviewFee,
    )
    await world.score(review as bigint, [9_000, 9_000, 9_000, 9_000])
    expect(await world.decision(item.id)).toBe(decisions.pending)
    await world.chain.send(world.author, 'DatanetRegistry', 'withdrawConsent', [item.id])
    const release = await world.chain.fails(world.author, 'DatanetRegistry', 'releaseBond', [item.id])
    expect(release.error).toBe('BondInDispute')
  })

  test('may be appealed once, by who lost, and the Governor’s ruling is carried out', async () => {
    const item = await world.submit()
    await world.accept(item.id)
    const { dispute } = await world.disputed(item.id, grounds.poison, 0n, [10_000, 9_000, 10_000, 0])
    expect(await world.refused(world.challenger, 'appeal', [dispute], itemBond)).toBe('NotParty')
    expect(await world.refused(world.author, 'appeal', [dispute], itemBond - 1n)).toBe('WrongBond')
    await world.review(world.author, 'appeal', [dispute], itemBond)
    expect(await world.refused(world.author, 'appeal', [dispute], itemBond)).toBe('WrongState')
    expect(await world.refused(world.author, 'rule', [dispute, false])).toBe('NotAllowed')
    expect(await world.refused(world.author, 'settle', [dispute])).toBe('TooEarly')
    await world.review(timelock, 'rule', [dispute, false])
    await world.review(world.author, 'settle', [dispute])
    // Its own bond back, and half of the challenger's.
    expect(await world.read('owedTo', world.author.address)).toBe(itemBond + itemBond / 2n)
    expect(await world.decision(item.id)).toBe(decisions.accepted)
    expect(await world.refused(timelock, 'rule', [dispute, true])).toBe('WrongState')
    await keepsLaws()
  })

  test('that nobody rules on in time stands as the validators left it, and the appeal’s bond is lost', async () => {
    const item = await world.submit()
    await world.accept(item.id)
    const { dispute } = await world.disputed(item.id, grounds.poison, 0n, [10_000, 9_000, 10_000, 0])
    await world.review(world.author, 'appeal', [dispute], itemBond)
    world.chain.advance(21n * (await world.day()))
    expect(await world.refused(timelock, 'rule', [dispute, false])).toBe('TooLate')
    const owed = (await world.read('owedTo', world.challenger.address)) as bigint
    await world.review(world.author, 'settle', [dispute])
    expect(await world.decision(item.id)).toBe(decisions.slashed)
    expect(await world.read('owedTo', world.challenger.address)).toBe(owed + itemBond + itemBond / 2n)
    await keepsLaws()
  })

  test('is refused without its bond, twice, of an own item, of what is rejected, and of an original that is none', async () => {
    const item = await world.submit()
    const challenge = (from: Actor, ground: number, original = 0n, value = itemBond + reviewFee) =>
      world.refused(from, 'challenge', [item.id, ground, original, saltOf(from)], value)
    expect(await challenge(world.challenger, grounds.poison, 0n, itemBond + reviewFee - 1n)).toBe('WrongBond')
    expect(await challenge(world.author, grounds.poison)).toBe('OwnContribution')
    expect(await challenge(world.challenger, grounds.poison, 1n)).toBe('BadOriginal')
    expect(await challenge(world.challenger, grounds.duplicate, item.id)).toBe('BadOriginal')
    expect(await challenge(world.challenger, grounds.duplicate, 77n)).toBe('UnknownContribution')
    await world.review(world.challenger, 'challenge', [item.id, 2, 0n, saltOf(world.author)], itemBond + reviewFee)
    expect(await challenge(world.labeller, grounds.poison)).toBe('AlreadyDisputed')
    const other = await world.submit()
    await world.reviewed(other.id, [0, 0, 0, 0])
    expect(
      await world.refused(world.challenger, 'challenge', [other.id, 2, 0n, saltOf(world.author)], itemBond + reviewFee),
    ).toBe('NotDisputable')
  })
})

describe('M32 labels', () => {
  test('share what the Datanet sets of their item’s income, in equal parts, to the wei', async () => {
    const item = await world.submit()
    await world.accept(item.id)
    const [one, two] = [await world.label(item.id), await world.label(item.id, world.challenger)]
    expect(await world.refused(world.author, 'shareLabel', [one])).toBe('NotAccepted')
    expect(await world.refused(world.author, 'shareLabel', [item.id])).toBe('NotALabel')
    await world.accept(one)
    await world.review(world.author, 'shareLabel', [one])
    expect(await world.refused(world.author, 'shareLabel', [one])).toBe('AlreadyShared')
    expect(await world.payee(item.id)).toBe(poolOf(pools.item, item.id))
    await world.fund(pools.item, item.id, 10_000n)
    expect(await world.claim(pools.item, item.id, world.labeller.address)).toBe(1_500n)
    expect(await world.claim(pools.item, item.id, world.author.address)).toBe(8_500n)
    await world.accept(two)
    await world.review(world.author, 'shareLabel', [two])
    await world.fund(pools.item, item.id, 20_000n)
    expect(await world.claim(pools.item, item.id, world.labeller.address)).toBe(1_500n)
    expect(await world.claim(pools.item, item.id, world.challenger.address)).toBe(1_500n)
    expect(await world.claim(pools.item, item.id, world.author.address)).toBe(17_000n)
  })

  test('an item in dispute and with labels goes back to its pool, and a refuted label earns nothing more', async () => {
    const item = await world.submit()
    await world.accept(item.id)
    const label = await world.label(item.id)
    await world.accept(label)
    await world.review(world.author, 'shareLabel', [label])
    const { dispute } = await world.disputed(item.id, grounds.poison, 0n, [0, 0, 0, 0])
    await world.fund(pools.escrow, dispute, 10_000n)
    await world.settled(dispute)
    expect(await world.payee(item.id)).toBe(poolOf(pools.item, item.id))
    await world.claim(pools.escrow, dispute, poolOf(pools.item, item.id))
    expect(await world.claim(pools.item, item.id, world.labeller.address)).toBe(1_500n)
    const { dispute: second } = await world.disputed(label, grounds.poison, 0n, [9_000, 9_000, 9_000, 9_000])
    await world.settled(second)
    await world.fund(pools.item, item.id, 100n)
    expect(await world.claim(pools.item, item.id, world.labeller.address)).toBe(0n)
    expect(await world.claim(pools.item, item.id, world.author.address)).toBe(8_600n)
  })
})

test('only SignatureProofs may refute', async () => {
  const item = await world.submit()
  expect(await world.refused(world.author, 'refute', [item.id, 0n, world.author.address as Hex])).toBe('NotAllowed')
})
