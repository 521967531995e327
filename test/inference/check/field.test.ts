import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CheckKernels } from '../../../inference/check/check-kernels.ts'
import {
  accumulatorMax,
  centred,
  fieldDot,
  fieldPrime,
  fieldProject,
  inputSpan,
} from '../../../inference/check/field.ts'
import { digits, interleaved } from '../../../inference/check/placed-pair.ts'
import { Projector } from '../../../inference/check/projector.ts'
import { KernelMemory } from '../../../inference/kernel-memory.ts'
import { narrowInput, wideColumnsMax, wideInput } from '../../../inference/model-config.ts'
import { kernelSets } from '../../fakes/kernel-sets.ts'

const memory = new KernelMemory()
const place = memory.take(2 ** 20)

const element = fc.oneof(fc.constantFrom(0, 1, fieldPrime - 1, 2 ** 30 - 1, 2 ** 30), fc.nat(fieldPrime - 1))
const weight = fc.oneof(fc.constantFrom(-127, 127, 0), fc.integer({ min: -127, max: 127 }))

/** A list whose length is a property, too. */
const listOf = <T>(item: fc.Arbitrary<T>, lengths: fc.Arbitrary<number>) =>
  lengths.chain((length) => fc.array(item, { minLength: length, maxLength: length }))

function rowDots(
  kernels: CheckKernels,
  y: Int32Array,
  first: Int32Array,
  second: Int32Array,
  top: number,
): Uint32Array {
  const vectors = interleaved([[first, second]])
  const [yAt, rAt] = [place, place + 4 * y.length + 16]
  const out = rAt + vectors.byteLength
  memory.write(yAt, y)
  memory.write(rAt, vectors)
  kernels.dotRows(yAt, 0, 1, rAt, y.length, Math.floor(2 ** 32 / top), out)
  return memory.uint32(out, 3).slice()
}

function inputDots(
  kernels: CheckKernels,
  q: readonly number[],
  first: readonly number[],
  second: readonly number[],
  inputMax: number,
) {
  const own = digits(first, second)
  const uAt = place + 2 * q.length
  memory.write(place, Int16Array.from(q))
  memory.write(uAt, own)
  kernels.dotInputs(place, 1, uAt, q.length, inputSpan(inputMax), uAt + own.byteLength)
  return [...memory.uint32(uAt + own.byteLength, 2)]
}

/** Of narrow and of wide inputs, up to the widest linear of each. */
const tops = [
  ...[16, 2048, 65_536].map((columns) => accumulatorMax(columns, narrowInput)),
  ...[16, wideColumnsMax].map((columns) => accumulatorMax(columns, wideInput)),
]

describe.each(kernelSets)('the field of 2^31 − 1 by %s', (_, load) => {
  const kernels = load(memory.memory)

  test('r·y of accumulators of any size in range is that of plain arithmetic', () => {
    fc.assert(
      fc.property(fc.constantFrom(...tops), fc.integer({ min: 1, max: 700 }), fc.nat(), (max, n, seed) => {
        const at = (i: number) => Math.imul(seed + i * 7919, 2_654_435_761) >>> 0
        const y = Int32Array.from({ length: n }, (_, i) => (at(i) % 5 === 0 ? max : (at(i) % (2 * max + 1)) - max))
        const r = [1, 2].map((k) => Int32Array.from({ length: n }, (_, i) => centred(at(i + 1000 * k) % fieldPrime)))
        const [first, second] = r as [Int32Array, Int32Array]
        const most = y.reduce((top, value) => Math.max(top, Math.abs(value)), 0)
        expect([...rowDots(kernels, y, first, second, max)]).toEqual([fieldDot(first, y), fieldDot(second, y), most])
      }),
    )
  })

  test('the largest magnitudes of int32 are seen, −2^31 too', () => {
    for (const value of [-(2 ** 31), 2 ** 31 - 1]) {
      for (const n of [1, 4, 5]) {
        const y = new Int32Array(n).fill(value)
        expect(rowDots(kernels, y, new Int32Array(n), new Int32Array(n), accumulatorMax(16, narrowInput))[2]).toBe(
          Math.abs(value),
        )
      }
    }
  })

  test('u·q of any inputs is that of plain arithmetic', () => {
    const columns = fc.integer({ min: 1, max: 150 }).map((n) => 16 * n)
    const input = columns.chain((n) =>
      fc.tuple(listOf(weight, fc.constant(n)), listOf(element, fc.constant(n)), listOf(element, fc.constant(n))),
    )
    fc.assert(
      fc.property(input, fc.constantFrom(narrowInput, wideInput), ([weights, first, second], inputMax) => {
        const q = weights.map((value, i) => (value === 0 ? i % (inputMax + 1) : (value * inputMax) / narrowInput) | 0)
        expect(inputDots(kernels, q, first, second, inputMax)).toEqual([fieldDot(first, q), fieldDot(second, q)])
      }),
    )
  })

  test.each([narrowInput, wideInput])(
    'u·q is exact where every digit and every input, up to %i, is the largest',
    (max) => {
      // Low digit −2^15, or high digit 2^14 − 1.
      for (const u of [2 ** 15, 2 ** 30 - 2 ** 16]) {
        for (const input of [max, -max]) {
          const columns = 2 * inputSpan(max) + 8
          const [q, list] = [new Array<number>(columns).fill(input), new Array<number>(columns).fill(u)]
          expect(inputDots(kernels, q, list, list, max)).toEqual([fieldDot(list, q), fieldDot(list, q)])
        }
      }
    },
  )

  test('rᵀW of matrices of any height is that of plain arithmetic', () => {
    const shape = fc.tuple(fc.integer({ min: 1, max: 600 }), fc.constantFrom(16, 32, 80))
    fc.assert(
      fc.property(shape, fc.nat(), element, ([rows, columns], seed, first) => {
        const at = (i: number) => Math.imul(seed + i * 7919, 2_654_435_761) >>> 0
        const weights = Int8Array.from({ length: rows * columns }, (_, i) => (at(i) % 255) - 127)
        const r = Int32Array.from({ length: rows }, (_, i) => centred(i === 0 ? first : at(-i) % fieldPrime))
        const other = r.map((value) => -value)
        const projector = new Projector([r, other], columns)
        for (let row = 0; row < rows; row += projector.roundRows) {
          projector.add(weights.subarray(row * columns, (row + projector.roundRows) * columns))
        }
        expect([...projector.projections()]).toEqual([fieldProject(r, weights), fieldProject(other, weights)])
      }),
      { numRuns: 20 },
    )
  })
})
