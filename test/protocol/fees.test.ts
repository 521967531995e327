import fc from 'fast-check'
import { expect, test } from 'vitest'
import { attributesExtraData, decodeExtraData, encodeExtraData, nextBaseFee } from '../../protocol/base-fee.ts'
import { blobBaseFee, blobBaseFeeFraction, blobFeeFraction, fakeExponential } from '../../protocol/blob-base-fee.ts'
import { FormatError } from '../../protocol/bytes.ts'
import { fastLzLength } from '../../protocol/fastlz.ts'
import { daFootprint, dataShape, l1Cost, l1FeeParams, operatorFee } from '../../protocol/l1-fee.ts'
import { bytesUpTo, uint } from '../fakes/arbitraries.ts'

/** Source: EIP-4844's test cases for fake_exponential, as in go-ethereum's consensus/misc/eip4844. */
test.each([
  [1n, 0n, 1n, 1n],
  [38_493n, 0n, 1000n, 38_493n],
  [0n, 1234n, 2345n, 0n],
  [1n, 2n, 1n, 6n],
  [1n, 6n, 2n, 18n],
  [1n, 4n, 1n, 49n],
  [10n, 8n, 2n, 542n],
  [1n, 5n, 2n, 11n],
  [1n, 50_000_000n, 2_225_652n, 5_709_098_764n],
])('fake exponential of %s, %s, %s is %s', (factor, numerator, denominator, expected) => {
  expect(fakeExponential(factor, numerator, denominator)).toBe(expected)
})

test('the blob fee schedule follows L1 forks, the Pectra delay and a schedule of its own', () => {
  const sepolia = { l1ChainId: 11_155_111n }
  const delayed = { ...sepolia, pectraBlobScheduleTime: 1_742_486_400n }
  expect(blobBaseFeeFraction(sepolia, 1_741_159_775n)).toBe(blobFeeFraction.cancun)
  expect(blobBaseFeeFraction(sepolia, 1_741_159_776n)).toBe(blobFeeFraction.prague)
  expect(blobBaseFeeFraction(delayed, 1_742_486_399n)).toBe(blobFeeFraction.cancun)
  expect(blobBaseFeeFraction(delayed, 1_742_486_400n)).toBe(blobFeeFraction.prague)
  expect(blobBaseFeeFraction({ ...sepolia, pectraBlobScheduleTime: 1n << 40n }, 1_761_017_184n)).toBe(
    blobFeeFraction.bpo1,
  )
  expect(blobBaseFeeFraction({ l1ChainId: 900n }, 5n)).toBe(blobFeeFraction.prague)
  const own = { l1ChainId: 900n, l1BlobSchedule: [{ time: 10n, fraction: 77n }] }
  expect([9n, 10n].map((time) => blobBaseFeeFraction(own, time))).toEqual([blobFeeFraction.cancun, 77n])
  expect(blobBaseFee(sepolia, { timestamp: 0n })).toBe(1n)
})

test('FastLZ lengths known from op-geth, in any order of calls', () => {
  const ones = new Uint8Array(1000).fill(1)
  for (let i = 0; i < 2; i++) {
    expect(fastLzLength(new Uint8Array(0))).toBe(0)
    expect(fastLzLength(new Uint8Array(1000))).toBe(21)
    expect(fastLzLength(ones)).toBe(21)
  }
})

test('FastLZ never exceeds one control byte for 32 literals', () => {
  fc.assert(
    fc.property(bytesUpTo(600), (data) => {
      const length = fastLzLength(data)
      expect(length).toBeLessThanOrEqual(data.length + Math.ceil(data.length / 32))
      if (data.length < 15) expect(length).toBe(data.length === 0 ? 0 : data.length + 1)
    }),
  )
})

test('fee parameters stand in the slots and bits of L1Block', () => {
  const words: Record<number, bigint> = {
    1: 11n,
    3: (4n << 96n) | (3n << 64n) | 99n,
    5: 5n,
    6: 6n,
    7: 7n,
    8: (9n << 96n) | (8n << 64n) | 10n,
  }
  expect(l1FeeParams((slot) => words[slot] ?? 0n)).toEqual({
    l1BaseFee: 11n,
    overhead: 5n,
    scalar: 6n,
    blobBaseFee: 7n,
    baseFeeScalar: 4n,
    blobBaseFeeScalar: 3n,
    operatorFeeScalar: 8n,
    operatorFeeConstant: 10n,
    daFootprintGasScalar: 9n,
  })
  expect(l1FeeParams(() => 0n).daFootprintGasScalar).toBe(400n)
})

test('operator fee: millionths in Isthmus, hundreds in Jovian', () => {
  const params = { operatorFeeScalar: 5_000n, operatorFeeConstant: 7n }
  expect(operatorFee(params, false, 21_000n)).toBe(112n)
  expect(operatorFee(params, true, 21_000n)).toBe(10_500_000_007n)
})

test('small transactions pay the least of Fjord and have the least footprint', () => {
  const params = l1FeeParams(() => 1n)
  expect(l1Cost(params, 'fjord', dataShape(Uint8Array.of(1))).gasUsed).toBe(1600n)
  expect(daFootprint(0, 400n)).toBe(40_000n)
  expect(daFootprint(1000, 1n)).toBe(793n)
})

const feeConstants = { eip1559Elasticity: 6n, eip1559Denominator: 50n, eip1559DenominatorCanyon: 250n }
const jovian = {
  regolith: 0n,
  canyon: 0n,
  delta: 0n,
  ecotone: 0n,
  fjord: 0n,
  granite: 0n,
  holocene: 0n,
  isthmus: 0n,
  jovian: 10n,
}

test("Jovian's first block still follows the parent's Holocene parameters", () => {
  const parent = {
    baseFeePerGas: 1000n,
    gasLimit: 30_000_000n,
    gasUsed: 0n,
    blobGasUsed: 30_000_000n,
    extraData: encodeExtraData({ denominator: 10n, elasticity: 2n }),
    timestamp: 8n,
  }
  expect(nextBaseFee({ forkTimes: jovian, feeConstants }, parent, 10n)).toBe(900n)
  const later = {
    ...parent,
    timestamp: 10n,
    extraData: encodeExtraData({ denominator: 10n, elasticity: 2n, minBaseFee: 1n }),
  }
  expect(nextBaseFee({ forkTimes: jovian, feeConstants }, later, 12n)).toBe(1100n)
})

test('extra data survives encoding, and the base fee never falls below its minimum', () => {
  const u32 = fc.bigInt({ min: 1n, max: 0xffff_ffffn })
  fc.assert(
    fc.property(
      u32,
      u32,
      uint(64),
      uint(64),
      uint(32),
      (denominator, elasticity, minBaseFee, baseFeePerGas, gasUsed) => {
        const extraData = encodeExtraData({ denominator, elasticity, minBaseFee })
        expect(decodeExtraData(extraData, 'jovian')).toEqual({ denominator, elasticity, minBaseFee })
        const parent = { baseFeePerGas, gasLimit: 1n << 33n, gasUsed, blobGasUsed: 0n, extraData, timestamp: 10n }
        expect(nextBaseFee({ forkTimes: jovian, feeConstants }, parent, 12n)).toBeGreaterThanOrEqual(minBaseFee)
      },
    ),
  )
})

test('extra data with a denominator or an elasticity of zero is refused: no base fee follows from it', () => {
  for (const [denominator, elasticity] of [
    [0n, 6n],
    [250n, 0n],
    [0n, 0n],
  ] as const) {
    const holocene = encodeExtraData({ denominator, elasticity })
    const jovian = encodeExtraData({ denominator, elasticity, minBaseFee: 1n })
    expect(() => decodeExtraData(holocene, 'holocene')).toThrow(FormatError)
    expect(() => decodeExtraData(jovian, 'jovian')).toThrow(FormatError)
  }
})

test('attributes without the parameters of their fork, or with those of a later one, are refused', () => {
  const rules = { forkTimes: jovian, feeConstants }
  const zero = '0x0000000000000000' as const
  expect(() => attributesExtraData(rules, { timestamp: 8n })).toThrow(FormatError)
  expect(() => attributesExtraData(rules, { timestamp: 8n, eip1559Params: zero, minBaseFee: 1n })).toThrow(FormatError)
  expect(() => attributesExtraData(rules, { timestamp: 10n, eip1559Params: zero })).toThrow(FormatError)
  for (const eip1559Params of ['0x0000000000000001', '0x0000000100000000'] as const) {
    expect(() => attributesExtraData(rules, { timestamp: 8n, eip1559Params })).toThrow(FormatError)
  }
  expect(() => attributesExtraData({ forkTimes: {}, feeConstants }, { timestamp: 8n, eip1559Params: zero })).toThrow(
    FormatError,
  )
  expect(attributesExtraData({ forkTimes: {}, feeConstants }, { timestamp: 8n })).toHaveLength(0)
})
