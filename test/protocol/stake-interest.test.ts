import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compound } from '../../protocol/stake-interest.ts'
import { exactInterest } from '../fakes/exact-interest.ts'

const year = 31_536_000n
const rateMax = 5n * 10n ** 17n
const amounts = fc.oneof(fc.bigInt(0n, 10n ** 27n), fc.bigInt(0n, 10n ** 6n))
const rates = fc.oneof(fc.bigInt(0n, rateMax), fc.constantFrom(0n, 1n, rateMax))
const times = fc.oneof(fc.bigInt(0n, year), fc.constantFrom(0n, 1n, year))
const numRuns = Number(process.env['OPENLEDGER_FUZZ'] ?? 200)

test('interest is the exact amount rounded down, or a wei less, for every amount up to all OPEN', () => {
  const off: bigint[] = []
  fc.assert(
    fc.property(amounts, rates, times, (amount, rate, seconds) => {
      const difference = exactInterest(amount, rate, seconds) - compound(amount, rate, seconds)
      off.push(difference)
      expect(difference === 0n || difference === 1n, `off by ${difference}`).toBe(true)
    }),
    {
      numRuns,
      examples: [
        [10n ** 27n, rateMax, year],
        [10n ** 27n, 10n ** 18n, year],
      ],
    },
  )
  // A wei less is the exception: where the exact amount is within 2^-23 wei above an integer, and where the exponent is 0.
  expect(off.filter((each) => each === 1n).length).toBeLessThan(off.length / 10)
})

test('interest never falls as time passes, and none is earned at a rate or time of 0', () => {
  fc.assert(
    fc.property(amounts, rates, times, times, (amount, rate, a, b) => {
      const [first, second] = a < b ? [a, b] : [b, a]
      expect(compound(amount, rate, first)).toBeLessThanOrEqual(compound(amount, rate, second))
      expect(compound(amount, 0n, a)).toBe(amount)
      expect(compound(amount, rate, 0n)).toBe(amount)
    }),
    { numRuns },
  )
})

test('a year at 100 % is e', () => {
  const e = 2_718_281_828_459_045_235n
  expect(compound(10n ** 18n, 10n ** 18n, year)).toBe(e)
  expect(exactInterest(10n ** 18n, 10n ** 18n, year)).toBe(e)
})
