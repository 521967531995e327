import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  reviewPay,
  roundScore,
  scoreClip,
  stakeMedian,
  type WeighedScore,
} from '../../../attribution/integrity/median.ts'

const weight = fc.integer({ min: 100, max: 100_000 })
const anyScore = fc.integer({ min: 0, max: 10_000 })

/** Each whole OPEN as a vote of its own: the definition, without weights. */
function byVotes(scores: readonly WeighedScore[]): number | undefined {
  const votes = scores.flatMap(({ score, weight }) => Array.from({ length: weight }, () => score)).sort((a, b) => a - b)
  return votes[Math.ceil(votes.length / 2) - 1]
}

describe('M10 the stake-weighted median', () => {
  test('is that of as many votes as there are OPEN', () => {
    const few = fc.array(fc.record({ score: anyScore, weight: fc.nat(20) }), { maxLength: 12 })
    fc.assert(
      fc.property(few, (scores) => {
        expect(stakeMedian(scores)).toBe(byVotes(scores))
      }),
    )
  })

  test('moves by at most 5 % where 30 % of all stake lies, however, and others stay away as far as the quorum allows', () => {
    const honest = fc.array(fc.record({ offset: fc.integer({ min: 0, max: 500 }), weight }), {
      minLength: 1,
      maxLength: 30,
    })
    const world = fc.record({
      honest,
      base: fc.integer({ min: 0, max: 9_500 }),
      lies: fc.array(fc.record({ score: anyScore, part: fc.integer({ min: 1, max: 100 }) }), {
        minLength: 1,
        maxLength: 20,
      }),
    })
    fc.assert(
      fc.property(world, ({ honest, base, lies }) => {
        const truth = honest.map(({ offset, weight }) => ({ score: base + offset, weight }))
        const revealed = truth.reduce((sum, { weight }) => sum + weight, 0)
        // 30 % of all stake, of which the honest revealed the least that makes a quorum: 35 %.
        const lying = Math.floor((revealed * 30) / 35)
        const parts = lies.reduce((sum, { part }) => sum + part, 0)
        const liars = lies.map(({ score, part }) => ({ score, weight: Math.floor((lying * part) / parts) }))
        const total = Math.floor((revealed * 100) / 35)
        const with_ = roundScore(
          [...truth, ...liars],
          Math.min(total, Math.floor(((revealed + weightOf(liars)) * 100) / 65)),
        )
        const without = stakeMedian(truth) as number
        expect(Math.abs((with_ as number) - without)).toBeLessThanOrEqual(500)
      }),
      { numRuns: 500 },
    )
  })

  test('is decided by liars who are half of what is revealed: so below the quorum nothing is decided', () => {
    const honest = { score: 9_000, weight: 29 }
    const liar = { score: 0, weight: 30 }
    expect(stakeMedian([honest, liar])).toBe(0)
    expect(roundScore([honest, liar], 100)).toBeUndefined()
    expect(roundScore([{ ...honest, weight: 35 }, liar], 100)).toBe(9_000)
  })

  test('pays what was scored near to it, and never more than the fee', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ score: anyScore, weight }), { minLength: 1 }),
        fc.bigInt(0n, 10n ** 20n),
        (scores, fee) => {
          const median = stakeMedian(scores) as number
          const near = scores.filter(({ score }) => Math.abs(score - median) <= scoreClip)
          const paid = reviewPay(scores, median, fee) * BigInt(weightOf(near))
          expect(paid).toBeLessThanOrEqual(fee)
          expect(fee - paid).toBeLessThan(BigInt(weightOf(near)))
        },
      ),
    )
  })
})

function weightOf(scores: readonly WeighedScore[]): number {
  return scores.reduce((sum, { weight }) => sum + weight, 0)
}
