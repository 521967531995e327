import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { aheadMax, epochsMin, forecast } from '../../../attribution/integrity/forecast.ts'
import { Random } from '../../fakes/random.ts'

const wei = fc.bigInt({ min: 0n, max: 10n ** 20n })
const past = fc.array(wei, { minLength: epochsMin, maxLength: 60 })

describe('forecast', () => {
  test('is an interval of what the past can add up to, and the same again', () => {
    fc.assert(
      fc.property(past, fc.integer({ min: 1, max: 20 }), (earned, ahead) => {
        const found = forecast(earned, ahead)
        if (found === undefined) throw new Error('no forecast')
        const [least, most] = [...earned]
          .sort((a, b) => (a < b ? -1 : 1))
          .filter((_, i, all) => i === 0 || i === all.length - 1)
        expect(found.low <= found.middle && found.middle <= found.high).toBe(true)
        expect(found.low >= BigInt(ahead) * (least ?? 0n) && found.high <= BigInt(ahead) * (most ?? 0n)).toBe(true)
        expect(forecast(earned, ahead)).toEqual(found)
      }),
      { numRuns: 20 },
    )
  })

  test('of a payee that earns the same in every epoch is exactly that', () => {
    expect(
      forecast(
        Array.from({ length: 10 }, () => 7n),
        5,
      ),
    ).toEqual({ low: 35n, middle: 35n, high: 35n })
  })

  test.each([
    ['steady', 0, 0.8],
    ['drifting', 100, 0.75],
  ])('holds what %s demand brings next, and its middle is half of the time too low', (_, drift, insideMin) => {
    const random = new Random(21)
    // Days of none, and days of much.
    const series = () => {
      let level = 1_000
      return random.list(60, () => {
        level = Math.max(200, Math.min(5_000, level + random.int(2 * drift + 1) - drift))
        return BigInt(random.chance(0.2) ? 0 : random.chance(0.05) ? level * 6 : random.int(2 * level))
      })
    }
    const [trials, ahead] = [150, 7]
    let [inside, above] = [0, 0]
    for (let i = 0; i < trials; i++) {
      const all = series()
      const found = forecast(all.slice(0, 53), ahead)
      const actual = all.slice(53).reduce((sum, each) => sum + each, 0n)
      if (found === undefined) throw new Error('no forecast')
      if (found.low <= actual && actual <= found.high) inside++
      if (actual > found.middle) above++
    }
    expect(inside / trials).toBeGreaterThan(insideMin)
    expect(inside / trials).toBeLessThan(0.97)
    expect(Math.abs(above / trials - 0.5)).toBeLessThan(0.12)
  })

  test('of few epochs there is none, and too far ahead is refused', () => {
    expect(
      forecast(
        Array.from({ length: epochsMin - 1 }, () => 1n),
        1,
      ),
    ).toBeUndefined()
    for (const ahead of [0, 1.5, aheadMax + 1]) expect(() => forecast([1n], ahead)).toThrow(RangeError)
  })
})
