import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { integerSqrt, roundDiv, roundShift, roundShiftBig } from '../../inference/integer.ts'
import { rowScale } from '../../inference/model.ts'
import { narrowInput, wideInput } from '../../inference/model-config.ts'
import { quantise } from '../../inference/ops/quantise.ts'
import { rmsNorm } from '../../inference/ops/rms-norm.ts'
import { exp2Negative, expOne, makeExpTable, makeSigmoidTable, sigmoid } from '../../inference/tables.ts'

const floorDiv = (a: bigint, b: bigint) => (a - (((a % b) + b) % b)) / b

describe('rounding', () => {
  test('a double quotient floors as whole numbers do, up to 2^53', () => {
    const wide = fc.integer({ min: -(2 ** 51), max: 2 ** 51 })
    fc.assert(
      fc.property(wide, fc.integer({ min: 1, max: 2 ** 46 }), (a, b) => {
        expect(BigInt(roundDiv(a, b))).toBe(floorDiv(2n * BigInt(a) + BigInt(b), 2n * BigInt(b)))
      }),
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 25 }), fc.integer({ min: 1, max: 2 ** 25 }), (n, b) => {
        // Just below the step: 2a + b = 2bn - 1 or - 2.
        expect(roundDiv(Math.floor((2 * b * n - 1 - b) / 2), b)).toBe(n - 1)
      }),
    )
  })

  test('halves go upwards, below zero too', () => {
    expect([roundDiv(-3, 2), roundDiv(3, 2), roundShift(-3, 1), roundShift(3, 1), roundShift(-5, 0)]).toEqual([
      -1, 2, -1, 2, -5,
    ])
    expect([roundShiftBig(-3n, 1), roundShiftBig(3n, 1), roundShiftBig(-5n, 0)]).toEqual([-1n, 2n, -5n])
  })

  test('a root is the largest whole number whose square fits', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 61n }), (a) => {
        const root = BigInt(integerSqrt(a))
        expect(root * root <= a && (root + 1n) * (root + 1n) > a).toBe(true)
      }),
    )
  })
})

describe('tables', () => {
  const [exp, sigma] = [makeExpTable(), makeSigmoidTable()]

  test('exp and sigmoid are the nearest whole numbers to the functions', () => {
    for (const [i, value] of exp.entries()) expect(Math.abs(value - expOne * 2 ** (-i / 1024))).toBeLessThan(0.501)
    for (const [i, value] of sigma.entries()) {
      expect(Math.abs(value - 65_536 / (1 + Math.exp(16 - i / 128)))).toBeLessThan(0.501)
    }
  })

  test('between entries they stay within three units, and far out they end', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 21 }), (z) => {
        expect(Math.abs(exp2Negative(exp, z, 0) - expOne * 2 ** (-z / 65_536))).toBeLessThan(3)
      }),
    )
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (x) => {
        expect(Math.abs(sigmoid(sigma, x) - 65_536 / (1 + Math.exp(-x / 65_536)))).toBeLessThan(3)
      }),
    )
    expect([exp2Negative(exp, 0, 9), exp2Negative(exp, 2 ** 32 - 1, 0), exp2Negative(exp, 16 * 65_536, 9)]).toEqual([
      32_767, 0, 0,
    ])
  })
})

describe('ops on real numbers', () => {
  const vector = fc.array(fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 }), { minLength: 16, maxLength: 64 })

  test('a quantised vector is within half a step of what it stands for', () => {
    fc.assert(
      fc.property(vector, fc.constantFrom(narrowInput, wideInput), (x, inputMax) => {
        const { mantissa, exponent, values } = quantise(x, inputMax)
        const step = (mantissa * 2 ** exponent) / inputMax
        for (const [i, value] of values.entries())
          expect(Math.abs(value * step - (x[i] ?? 0))).toBeLessThanOrEqual(0.51 * step)
      }),
    )
  })

  test('a norm is the real one within 2^-12 of its largest value', () => {
    fc.assert(
      fc.property(vector, fc.integer({ min: 8, max: 31 }), (raw, bits) => {
        const x = Int32Array.from(raw, (value) => Math.trunc(value / 2 ** (31 - bits)))
        const weight = Int32Array.from(x, (_, i) => 65_536 + 100 * i)
        const rms = Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length + 42_950)
        const real = Array.from(x, (v, i) => ((v * (weight[i] ?? 0)) / rms) as number)
        const tolerance = 2 + Math.max(...real.map(Math.abs)) / 4096
        for (const [i, value] of rmsNorm(x, weight, 42_950).entries()) {
          expect(Math.abs(value - (real[i] ?? 0))).toBeLessThanOrEqual(tolerance)
        }
      }),
    )
  })

  test('a row scale keeps 14 bits', () => {
    fc.assert(
      fc.property(fc.double({ min: 2 ** -45, max: 0.24, noNaN: true }), (real) => {
        const packed = rowScale(real)
        expect(Math.abs((packed >>> 8) / 2 ** (packed & 255) / real - 1)).toBeLessThan(2 ** -14)
      }),
    )
  })
})
