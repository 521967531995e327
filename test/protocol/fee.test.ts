import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { GenesisEvm, Target } from '../../genesis/genesis-evm.ts'
import { FormatError } from '../../protocol/bytes.ts'
import {
  amountOf,
  defaultShares,
  type FeeParts,
  feeOf,
  receiptSumNames,
  receiptSums,
  type Shares,
  splitFee,
  weightTotal,
} from '../../protocol/fee.ts'
import { largestRemainder } from '../../protocol/largest-remainder.ts'
import { deploy, emptyChain } from '../contracts/chain.ts'
import * as arbitrary from '../fakes/arbitrary-money.ts'

const numRuns = 300
let evm: GenesisEvm
let harness: Target

beforeAll(async () => {
  evm = await emptyChain()
  harness = await deploy(evm, 'MoneyHarness', `0x${'5f'.repeat(20)}`)
})

const solidity = async (name: string, ...args: unknown[]) => await evm.call(harness, name, args)
const price = (rin: bigint, rout: bigint) => ({ rin, rout, validUntil: 0n, sharesVersion: 1, setAt: 0n })
const sumOf = (parts: FeeParts) => Object.values(parts).reduce((sum, part) => sum + part, 0n)

/** mission.md §4.4. */
describe('the golden vector', () => {
  const shares: Shares = { ...defaultShares, gammaBps: 2000, omegaBps: 1000 }
  const rates = price(3n * 10n ** 15n, 6n * 10n ** 15n)
  const parts: FeeParts = {
    platform: 100_000_000_000_000n,
    model: 1_420_800_000_000_000n,
    stakers: 1_420_800_000_000_000n,
    worker: 710_400_000_000_000n,
    builder: 0n,
    contributors: 3_552_000_000_000_000n,
  }

  test('fee and shares', async () => {
    expect(feeOf(1234, 567, rates, shares)).toBe(7_204_000_000_000_000n)
    expect(await solidity('feeOf', 1234, 567, rates, shares)).toBe(7_204_000_000_000_000n)
    expect(splitFee(7_204_000_000_000_000n, shares, false)).toEqual(parts)
    const sums = receiptSums({ fee: 7_204_000_000_000_000n, tin: 1234, tout: 567, attrEntries: 4 }, parts)
    expect(await solidity('receiptSums', 7_204_000_000_000_000n, 1234, 567, 4, shares, false)).toEqual(sums)
  })

  test('weights 1, 1, 1, 4 in millionths share the pool without dust', async () => {
    const weights = largestRemainder([1n, 1n, 1n, 4n], weightTotal)
    expect(weights).toEqual([142_857, 142_857, 142_857, 571_429])
    const amounts = weights.map((weight) => amountOf(parts.contributors, weight))
    expect(amounts).toEqual([507_428_064_000_000n, 507_428_064_000_000n, 507_428_064_000_000n, 2_029_715_808_000_000n])
    for (const [i, weight] of weights.entries()) {
      expect(await solidity('amountOf', parts.contributors, weight, weightTotal)).toBe(amounts[i])
    }
  })
})

describe('any fee', () => {
  const tokens = fc.tuple(arbitrary.u32, arbitrary.u32, arbitrary.u128, arbitrary.u128)

  test('is one number here and in Solidity, rounded up', async () => {
    await fc.assert(
      fc.asyncProperty(tokens, arbitrary.shares, async ([tin, tout, rin, rout], shares) => {
        const fee = feeOf(tin, tout, price(rin, rout), shares)
        expect(await solidity('feeOf', tin, tout, price(rin, rout), shares)).toBe(fee)
        const exact = BigInt(tin) * rin + BigInt(tout) * rout
        const compute = (fee - shares.platformFee) * 1000n
        expect(compute >= exact && compute < exact + 1000n).toBe(true)
      }),
      { numRuns },
    )
  })

  test('is the sum of its parts, which are those of Solidity', async () => {
    const paid = fc.tuple(arbitrary.u128, arbitrary.u32, arbitrary.u32, arbitrary.u32)
    await fc.assert(
      fc.asyncProperty(paid, arbitrary.shares, fc.boolean(), async ([fee, tin, tout, attrEntries], shares, builder) => {
        const call = solidity('receiptSums', fee, tin, tout, attrEntries, shares, builder)
        if (fee < shares.platformFee) {
          expect(() => splitFee(fee, shares, builder)).toThrow(FormatError)
          await expect(call).rejects.toThrow('FeeBelowPlatform')
          return
        }
        const parts = splitFee(fee, shares, builder)
        expect(sumOf(parts)).toBe(fee)
        expect(Object.values(parts).every((part) => part >= 0n)).toBe(true)
        if (!builder) expect(parts.builder).toBe(0n)
        const sums = receiptSums({ fee, tin, tout, attrEntries }, parts)
        expect(sums).toHaveLength(receiptSumNames.length)
        expect(await call).toEqual(sums)
      }),
      { numRuns },
    )
  })

  test('cannot be split by shares above the whole, nor be above u128', async () => {
    const greedy = { ...defaultShares, betaBps: 9000 }
    expect(() => splitFee(10n ** 18n, greedy, false)).toThrow(FormatError)
    await expect(solidity('receiptSums', 10n ** 18n, 1, 1, 1, greedy, false)).rejects.toThrow()
    expect(() => splitFee(1n << 128n, defaultShares, false)).toThrow(FormatError)
  })
})

describe('a pool', () => {
  const raw = fc.array(fc.oneof(fc.bigInt(0n, 20n), arbitrary.u64), { minLength: 1, maxLength: 64 })

  test('is its amounts and a dust below their number', async () => {
    await fc.assert(
      fc.asyncProperty(arbitrary.u128, raw, async (pool, parts) => {
        fc.pre(parts.some((part) => part > 0n))
        const weights = largestRemainder(parts, weightTotal)
        const amounts = weights.map((weight) => amountOf(pool, weight))
        const dust = pool - amounts.reduce((sum, amount) => sum + amount, 0n)
        expect(dust >= 0n && dust < BigInt(weights.length)).toBe(true)
        expect(await solidity('amountOf', pool, weights[0], weightTotal)).toBe(amounts[0])
      }),
      { numRuns },
    )
  })

  test('is never exceeded by its amounts, whatever its weights', async () => {
    const weights = fc.array(fc.oneof(fc.bigInt(0n, 2_000_000n), arbitrary.u64), { minLength: 1, maxLength: 64 })
    await fc.assert(
      fc.asyncProperty(arbitrary.u128, weights, async (pool, list) => {
        const total = list.reduce((sum, weight) => sum + weight, 0n)
        const amounts = list.map((weight) => amountOf(pool, weight, total))
        expect(amounts.reduce((sum, amount) => sum + amount, 0n) <= pool).toBe(true)
        expect(await solidity('amountOf', pool, list[0], total)).toBe(amounts[0])
        if (total <= BigInt(weightTotal)) expect(amounts[0]).toBe(amountOf(pool, list[0] ?? 0n))
      }),
      { numRuns },
    )
  })

  test('has weights that add up, each within one of its exact share, the larger remainder and then the lower index first', () => {
    fc.assert(
      fc.property(raw, (parts) => {
        const whole = parts.reduce((sum, part) => sum + part, 0n)
        fc.pre(whole > 0n)
        const weights = largestRemainder(parts, weightTotal)
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBe(weightTotal)
        const remainders = parts.map((part, i) => {
          const exact = part * BigInt(weightTotal)
          const up = BigInt(weights[i] ?? 0) - exact / whole
          expect(up === 0n || up === 1n).toBe(true)
          return { up: up === 1n, remainder: exact % whole }
        })
        for (const [i, a] of remainders.entries()) {
          for (const [j, b] of remainders.entries()) {
            const first = a.remainder > b.remainder || (a.remainder === b.remainder && i < j)
            if (b.up && first) expect(a.up).toBe(true)
          }
        }
      }),
      { numRuns },
    )
  })

  test('of no weight cannot be split', () => {
    for (const parts of [[], [0n, 0n], [2n, -1n]]) expect(() => largestRemainder(parts, 10)).toThrow(FormatError)
  })
})
