import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Outcome,
  Reputations,
  reputationFactor,
  reputationOne,
} from '../../../attribution/integrity/reputation.ts'
import type { Hex } from '../../../protocol/bytes.ts'

const authors: readonly Hex[] = ['0x01', '0x02', '0x03']
const result = fc.oneof(
  fc.record({ kind: fc.constant('accepted' as const), score: fc.integer({ min: 0, max: 12_000 }) }),
  fc.record({ kind: fc.constantFrom('rejected' as const, 'refuted' as const) }),
)
const outcome: fc.Arbitrary<Outcome> = fc.record({
  datanet: fc.bigInt({ min: 1n, max: 2n }),
  author: fc.constantFrom(...authors),
  items: fc.integer({ min: 1, max: 30 }),
  result,
})
const outcomes = fc.array(outcome, { maxLength: 40 })

function replay(list: readonly Outcome[], from = new Reputations()): Reputations {
  for (const each of list) from.apply(each)
  return from
}

describe('reputations', () => {
  test('stay between 0 and 1, whatever happens', () => {
    fc.assert(
      fc.property(outcomes, (list) => {
        for (const { reputation } of replay(list).standings()) {
          expect(reputation).toBeGreaterThanOrEqual(0)
          expect(reputation).toBeLessThanOrEqual(reputationOne)
          expect(Number.isInteger(reputation)).toBe(true)
        }
      }),
    )
  })

  test('are the same when replay stops and goes on from what was written down', () => {
    fc.assert(
      fc.property(outcomes, fc.nat(40), (list, cut) => {
        const half = replay(list.slice(0, cut)).standings()
        expect(replay(list.slice(cut), new Reputations(half)).standings()).toEqual(replay(list).standings())
      }),
    )
  })

  test('of an author in a Datanet do not depend on others or on other Datanets', () => {
    fc.assert(
      fc.property(outcomes, (list) => {
        const all = replay(list)
        for (const author of authors) {
          const own = replay(list.filter((each) => each.author === author && each.datanet === 1n))
          expect(all.of(1n, author)).toEqual(own.of(1n, author))
        }
      }),
    )
  })

  test('a batch of n counts as n outcomes one by one', () => {
    fc.assert(
      fc.property(outcomes, outcome, (list, last) => {
        const singly = Array.from({ length: last.items }, () => ({ ...last, items: 1 }))
        expect(replay([...list, ...singly]).standings()).toEqual(replay([...list, last]).standings())
      }),
    )
  })

  test('a worse outcome never leaves more, and a refuted one costs more than a rejected one', () => {
    fc.assert(
      fc.property(outcomes, outcome, fc.integer({ min: 1, max: 10_000 }), (list, last, score) => {
        const left = (kind: Outcome['result']) =>
          replay([...list, { ...last, result: kind }]).of(last.datanet, last.author).reputation
        const [best, scored] = [left({ kind: 'accepted', score: 10_000 }), left({ kind: 'accepted', score })]
        expect(best).toBeGreaterThanOrEqual(scored)
        expect(scored).toBeGreaterThanOrEqual(left({ kind: 'rejected' }))
        expect(left({ kind: 'rejected' })).toBeGreaterThanOrEqual(left({ kind: 'refuted' }))
      }),
    )
    const newcomer = { datanet: 1n, author: '0x01' as const, items: 1 }
    const one = replay([{ ...newcomer, result: { kind: 'rejected' } }]).of(1n, '0x01').reputation
    expect(one).toBe(32_768 - 4_096)
    expect(replay([{ ...newcomer, result: { kind: 'refuted' } }]).of(1n, '0x01').reputation).toBeLessThan(one)
  })

  test('a batch of a million takes no million steps', () => {
    const batch: Outcome = { datanet: 1n, author: '0x01', items: 2 ** 20, result: { kind: 'accepted', score: 0 } }
    const { reputation, accepted } = replay([batch]).of(1n, '0x01')
    expect(reputation).toBeGreaterThan(reputationOne - 8)
    expect(accepted).toBe(2 ** 20)
    expect(replay([{ ...batch, result: { kind: 'rejected' } }]).of(1n, '0x01').reputation).toBe(0)
  })

  test('the leaderboard is an order: reputation, accepted, address', () => {
    fc.assert(
      fc.property(outcomes, (list) => {
        const board = replay(list).leaderboard(1n)
        expect(replay(list).leaderboard(1n)).toEqual(board)
        for (const [i, { reputation, accepted, author }] of board.entries()) {
          const next = board[i + 1]
          if (next === undefined) continue
          const isBefore =
            reputation > next.reputation ||
            (reputation === next.reputation &&
              (accepted > next.accepted || (accepted === next.accepted && author < next.author)))
          expect(isBefore).toBe(true)
        }
      }),
    )
  })

  test('the factor is between a half and one', () => {
    expect([0, 32_768, reputationOne].map(reputationFactor)).toEqual([32_768, 49_152, 65_536])
  })
})
