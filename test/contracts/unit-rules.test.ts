import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { GenesisEvm, Target } from '../../genesis/genesis-evm.ts'
import { RevertError } from '../../genesis/genesis-evm.ts'
import { narrowInput, wideInput } from '../../inference/model-config.ts'
import * as twin from '../../inference/one-step/fixed-point.ts'
import { StepError } from '../../inference/one-step/step-error.ts'
import * as rules from '../../inference/one-step/unit-rules.ts'
import { attendTile, joinTiles } from '../../inference/ops/attention.ts'
import { dequantise } from '../../inference/ops/linear.ts'
import { quantise } from '../../inference/ops/quantise.ts'
import { rmsNorm } from '../../inference/ops/rms-norm.ts'
import { narrow, rope } from '../../inference/ops/rope.ts'
import { add, swiGlu } from '../../inference/ops/swiglu.ts'
import { exp2Negative, makeExpTable, makeSigmoidTable, sigmoid } from '../../inference/tables.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { deploy, emptyChain } from './chain.ts'

const numRuns = Math.ceil(Number(process.env['OPENLEDGER_FUZZ'] ?? 600) / 10)
const fuzz = { numRuns }

let evm: GenesisEvm
let harness: Target
const [expTable, sigmoidTable] = [makeExpTable(), makeSigmoidTable()]

beforeAll(async () => {
  evm = await emptyChain()
  harness = await deploy(evm, 'UnitHarness', `0x${'5e'.repeat(20)}`)
})

const ask = (name: string, ...args: readonly unknown[]) => evm.call(harness, name, args)
const hex = (data: Int8Array | Int16Array | Int32Array): Hex =>
  bytesToHex(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
const big = (values: ArrayLike<number>): bigint[] => Array.from(values, BigInt)

/** Integers that a width holds, its ends and small ones more often than others. */
const near = (max: number) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: -max, max }) },
    { weight: 2, arbitrary: fc.constantFrom(max, -max, 0, 1, -1) },
    { weight: 1, arbitrary: fc.integer({ min: -300, max: 300 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 31 }).map((s) => Math.min(max, 2 ** s)) },
  )
const int32 = near(2 ** 31 - 1)
const vector = (max: number, length: number) => fc.array(near(max), { minLength: length, maxLength: length })
/** Vectors whose elements are all small now and then, so that every exponent is met. */
const int32s = (length: number) =>
  fc
    .tuple(vector(2 ** 31 - 1, length), fc.integer({ min: 0, max: 31 }))
    .map(([values, shift]) => Int32Array.from(values, (value) => Math.trunc(value / 2 ** shift)))
const rowScale = fc.tuple(fc.integer({ min: 0, max: 32767 }), fc.integer({ min: 17, max: 62 }))
const scaleWord = rowScale.map(([mantissa, shift]) => mantissa * 256 + shift)
const inputScale = fc
  .oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** 31 - 1 }))
  .map((max) => quantise([max], narrowInput))

describe('tables', () => {
  test('every entry is computed as the model files hold it', async () => {
    const tables = [
      ['expTable', expTable, twin.expAt],
      ['sigmoidTable', sigmoidTable, twin.sigmoidAt],
    ] as const
    for (const [name, table, twinOf] of tables) {
      const computed: bigint[] = []
      for (let from = 0; from < table.length; from += 1100) {
        computed.push(...((await ask(name, from, Math.min(table.length, from + 1100))) as bigint[]))
      }
      expect(computed).toEqual(big(table))
      expect(Array.from(table, (_, i) => twinOf(BigInt(i)))).toEqual(computed)
    }
  })

  test('powers and sigmoids lie between the entries as the specification says', async () => {
    const distance = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 26 * 65536 }))
    await fc.assert(
      fc.asyncProperty(distance, fc.constantFrom(0, 9), int32, async (z, s, x) => {
        const power = BigInt(exp2Negative(expTable, z, s))
        expect(await ask('exp2n', z, s)).toBe(power)
        expect(twin.exp2Negative(BigInt(z), BigInt(s))).toBe(power)
        const value = BigInt(sigmoid(sigmoidTable, x))
        expect(await ask('sigmoid', x)).toBe(value)
        expect(twin.sigmoid(BigInt(x))).toBe(value)
      }),
      fuzz,
    )
  })
})

describe('arithmetic', () => {
  test('rounds as bigints do, whatever the sign', async () => {
    const wide = fc.bigInt(-(2n ** 120n), 2n ** 120n)
    await fc.assert(
      fc.asyncProperty(wide, fc.bigInt(1n, 2n ** 70n), fc.nat(100), async (a, b, s) => {
        expect(await ask('rdiv', a, b)).toBe(twin.roundDiv(a, b))
        const product = a * b
        expect(await ask('rdiv', product, b)).toBe(a)
        expect(await ask('rsh', a, s)).toBe(twin.roundShift(a, BigInt(s)))
        expect(await ask('sat', a, b)).toBe(twin.saturate(a, b))
      }),
      fuzz,
    )
  })

  test('bit lengths and roots are exact beside powers of two and squares', async () => {
    const sized = fc.integer({ min: 1, max: 63 }).chain((n) => fc.bigInt(2n ** BigInt(n) - 2n, 2n ** BigInt(n) + 1n))
    await fc.assert(
      fc.asyncProperty(fc.oneof(sized, fc.bigInt(0n, 2n ** 64n - 1n)), fc.bigInt(-1n, 1n), async (a, off) => {
        expect(await ask('bits', a)).toBe(twin.bitLength(a))
        const square = a * a + (a === 0n ? 0n : off)
        const root = (await ask('isqrt', square)) as bigint
        expect(twin.integerSqrt(square)).toBe(root)
        expect(root * root <= square && (root + 1n) ** 2n > square).toBe(true)
      }),
      fuzz,
    )
  })

  test('elements of every width are read little-endian and signed', async () => {
    const bytes = fc.uint8Array({ minLength: 64, maxLength: 64 })
    await fc.assert(
      fc.asyncProperty(bytes, fc.nat(7), fc.nat(32), async (data, i, n) => {
        const view = new DataView(data.buffer, data.byteOffset)
        expect(await ask('elements', bytesToHex(data), i)).toEqual(
          [
            view.getInt8(i),
            view.getInt16(2 * i, true),
            BigInt(view.getUint32(4 * i, true)),
            BigInt(view.getInt32(4 * i, true)),
            view.getBigInt64(8 * i, true),
          ].map(BigInt),
        )
        const halves = Array.from({ length: n }, (_, k) => BigInt(view.getInt16(2 * k, true)))
        expect(await ask('int16s', bytesToHex(data), n)).toEqual(halves)
      }),
      fuzz,
    )
  })
})

describe('rules', () => {
  test('dot products are exact, at the extremes too', async () => {
    const length = fc.oneof(
      fc.integer({ min: 1, max: 12 }).map((n) => 8 * n),
      fc.constantFrom(576, 2048, 8192),
    )
    const pair = length.chain((n) =>
      fc.tuple(fc.constant(n), fc.constantFrom(127, 5), fc.nat(), fc.constantFrom(1, -1)),
    )
    await fc.assert(
      fc.asyncProperty(pair, async ([n, max, seed, sign]) => {
        const extreme = seed % 3 === 0
        const at = (i: number, k: number) => (extreme ? 127 : (((i * 48271 + seed * k) >>> 3) % (2 * max + 1)) - max)
        const a = Int8Array.from({ length: n }, (_, i) => at(i, 7))
        const b = Int8Array.from({ length: n }, (_, i) => sign * at(i, 13))
        const sum = a.reduce((total, value, i) => total + value * (b[i] ?? 0), 0)
        expect(await ask('dot', hex(a), hex(b), n)).toBe(BigInt(sum))
        if (extreme) expect(sum).toBe(sign * 16129 * n)
        const wide = Int16Array.from(b, (value, i) => (i % 5 === 0 ? sign * 32_767 : value * 258))
        const wideSum = a.reduce((total, value, i) => total + value * (wide[i] ?? 0), 0)
        expect(await ask('dotWide', hex(a), hex(wide), n)).toBe(BigInt(wideSum))
      }),
      { numRuns: Math.ceil(numRuns / 3) },
    )
  })

  test('norms are those of the oracle', async () => {
    const shape = fc.constantFrom(16, 32, 48).chain((n) => fc.tuple(int32s(n), vector(2 ** 24 - 1, n)))
    await fc.assert(
      fc.asyncProperty(shape, fc.integer({ min: 1, max: 2 ** 24 }), async ([x, weights], epsilon) => {
        const gains = Int32Array.from(weights)
        const expected = big(rmsNorm(x, gains, epsilon))
        expect(await ask('norm', hex(x), hex(gains), x.length, epsilon)).toEqual(expected)
        expect(rules.norm(big(x), big(gains), BigInt(epsilon))).toEqual(expected)
      }),
      fuzz,
    )
  })

  test('vectors are quantised as by the oracle, zeros and saturated ones too', async () => {
    const shape = fc.constantFrom(8, 24).chain((n) => fc.oneof(int32s(n), fc.constant(new Int32Array(n))))
    await fc.assert(
      fc.asyncProperty(shape, fc.constantFrom(narrowInput, wideInput), async (x, inputMax) => {
        const { mantissa, exponent, values } = quantise(x, inputMax)
        const scale = { mantissa: BigInt(mantissa), exponent: BigInt(exponent) }
        expect(await ask('quantise', hex(x), x.length, inputMax)).toEqual([scale, big(values)])
        expect(rules.scaleOf(rules.maxMagnitude(big(x)))).toEqual(scale)
        expect(big(x).map((h) => rules.quantised(h, scale, BigInt(inputMax)))).toEqual(big(values))
      }),
      fuzz,
    )
  })

  test('accumulators become Q16 as by the oracle; a scale that no vector has is refused', async () => {
    const accumulator = near(127 * 127 * 2 ** 16)
    await fc.assert(
      fc.asyncProperty(accumulator, scaleWord, inputScale, near(127), async (acc, scale, input, weight) => {
        const expected = BigInt(dequantise(Int32Array.of(acc), Uint32Array.of(scale), input)[0] ?? 0)
        const committed = Int32Array.of(input.mantissa, input.exponent)
        expect(await ask('dequantised', acc, scale, hex(committed))).toBe(expected)
        const read = rules.checkedScale(BigInt(input.mantissa), BigInt(input.exponent))
        expect(rules.dequantised(BigInt(acc), BigInt(scale), read)).toBe(expected)
        expect(await ask('embedded', weight, scale)).toBe(rules.embedded(BigInt(weight), BigInt(scale)))
      }),
      fuzz,
    )
    for (const bad of [
      [-1, 0],
      [32769, 0],
      [1, -1],
      [1, 18],
    ] as const) {
      await expect(ask('dequantised', 1, 20, hex(Int32Array.from(bad)))).rejects.toThrow('BadScale')
      expect(() => rules.checkedScale(BigInt(bad[0]), BigInt(bad[1]))).toThrow(new StepError('BadScale'))
    }
    await expect(ask('dequantised', 1, 3, hex(Int32Array.of(1, 4)))).rejects.toThrow('BadRowScale')
    expect(() => rules.dequantised(1n, 3n, { mantissa: 1n, exponent: 4n })).toThrow(new StepError('BadRowScale'))
  })

  test('angles, values, activations and sums are those of the oracle', async () => {
    const angle = near(2 ** 14)
    await fc.assert(
      fc.asyncProperty(int32, int32, angle, angle, async (a, b, c, s) => {
        const [x, y] = [BigInt(a), BigInt(b)]
        const [first, second] = rope(Int32Array.of(a, b), Int16Array.of(c), Int16Array.of(s))
        expect([await ask('rotated', a, b, c, s, false), await ask('rotated', b, a, c, s, true)]).toEqual(
          [first, second].map((value) => BigInt(value ?? 0)),
        )
        expect(rules.rotated(x, y, BigInt(c), BigInt(s), false)).toBe(BigInt(first ?? 0))
        expect(rules.rotated(y, x, BigInt(c), BigInt(s), true)).toBe(BigInt(second ?? 0))
        const narrowed = BigInt(narrow(Int32Array.of(a))[0] ?? 0)
        expect([await ask('narrowed', a), rules.narrowed(x)]).toEqual([narrowed, narrowed])
        const active = BigInt(swiGlu(Int32Array.of(a), Int32Array.of(b), sigmoidTable)[0] ?? 0)
        expect([await ask('activated', a, b), rules.activated(x, y)]).toEqual([active, active])
        const sum = BigInt(add(Int32Array.of(a), Int32Array.of(b))[0] ?? 0)
        expect([await ask('added', a, b), rules.added(x, y)]).toEqual([sum, sum])
        const weight = Math.abs(c)
        expect(await ask('adapted', a, b, weight)).toBe(rules.adapted(x, y, BigInt(weight)))
      }),
      fuzz,
    )
  })

  test('tiles and their joins are those of the oracle', async () => {
    const scale = { scoreMultiplier: 16713, scoreShift: 22 }
    const positions = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(40))
    const inputs = fc.constantFrom(8, 24, 64).chain((headDim) => {
      const tileOf = positions.chain((n) => {
        const half = fc.constantFrom(32767, 900).chain((max) => vector(max, headDim * n))
        return fc.record({ keys: half, values: half })
      })
      const tiles = fc.array(tileOf, { minLength: 1, maxLength: 3 })
      return fc.record({ query: vector(32767, headDim), tiles, i: fc.nat(headDim - 1) })
    })
    await fc.assert(
      fc.asyncProperty(inputs, async ({ query, tiles, i }) => {
        const headDim = query.length
        const q = Int16Array.from(query)
        const parts = []
        for (const { keys, values } of tiles) {
          const [k, v] = [Int16Array.from(keys), Int16Array.from(values)]
          const part = attendTile(q, k, v, expTable, scale)
          const expected = { max: BigInt(part.max), sum: BigInt(part.sum), mix: BigInt(part.mix[i] ?? 0) }
          const shape = [headDim, keys.length / headDim, scale.scoreMultiplier, scale.scoreShift, i]
          expect(await ask('tile', hex(q), hex(k), hex(v), shape)).toEqual(expected)
          const big32 = { multiplier: BigInt(scale.scoreMultiplier), shift: BigInt(scale.scoreShift) }
          expect(rules.tile(big(q), big(k), big(v), big32, i)).toEqual(expected)
          parts.push(part)
        }
        const expected = BigInt(joinTiles(parts, expTable)[i] ?? 0)
        const lists = [
          parts.map(({ max }) => BigInt(max)),
          parts.map(({ sum }) => BigInt(sum)),
          parts.map(({ mix }) => BigInt(mix[i] ?? 0)),
        ] as const
        expect(await ask('joined', ...lists)).toBe(expected)
        expect(rules.joined(...lists)).toBe(expected)
      }),
      { numRuns: Math.ceil(numRuns / 2) },
    )
  })

  test('tiles whose sum is nothing have no join', async () => {
    for (const sum of [0n, -5n]) {
      const lists = [[1n], [sum], [7n]] as const
      const failed = await ask('joined', ...lists).catch((error: unknown) => error)
      expect(failed).toBeInstanceOf(RevertError)
      expect(String(failed)).toContain('BadSum')
      expect(() => rules.joined(...lists)).toThrow(new StepError('BadSum'))
    }
  })
})
