import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Moments, Rounding } from '../../../inference/float/compensate.ts'
import { quantiseRows } from '../../../inference/float/convert.ts'
import type { FloatMatrix } from '../../../inference/float/float-model.ts'
import type { Matrix } from '../../../inference/model.ts'
import { randomNumbers } from '../../fakes/random-model.ts'

const columns = 24

/** Inputs whose channels go together: a few sources seen through a matrix. */
function inputsOf(seed: number, count: number): Float64Array[] {
  const random = randomNumbers(seed)
  const mixing = Float64Array.from({ length: columns * 4 }, () => random() - 0.5)
  return Array.from({ length: count }, () => {
    const sources = Array.from({ length: 4 }, () => random() - 0.5)
    return Float64Array.from({ length: columns }, (_, i) =>
      sources.reduce((sum, source, k) => sum + source * (mixing[4 * i + k] as number), 0.01 * (random() - 0.5)),
    )
  })
}

function matrixOf(seed: number, rows: number): FloatMatrix {
  const random = randomNumbers(seed)
  return { rows, columns, weights: Float32Array.from({ length: rows * columns }, () => random() - 0.5) }
}

function momentsOf(inputs: readonly Float64Array[]): Moments {
  const moments = new Moments(columns)
  for (const input of inputs) moments.add(input)
  return moments
}

/** Mean square of what rounding changes in the outputs. */
function change(float: FloatMatrix, { weights, scales }: Matrix, inputs: readonly Float64Array[]): number {
  let sum = 0
  for (const x of inputs) {
    for (let row = 0; row < float.rows; row++) {
      const step = ((scales[row] as number) >>> 8) / 2 ** ((scales[row] as number) & 255)
      let difference = 0
      for (let i = 0; i < columns; i++) {
        const at = row * columns + i
        difference += (x[i] as number) * ((float.weights[at] as number) - step * (weights[at] as number))
      }
      sum += difference ** 2
    }
  }
  return sum
}

test('where channels go together, outputs change much less than by rounding each weight alone, on other inputs too', () => {
  const [seen, others] = [inputsOf(1, 200), inputsOf(1, 400).slice(200)]
  const float = matrixOf(2, 12)
  const [alone, together] = [quantiseRows(float, 1), quantiseRows(float, 1, new Rounding(momentsOf(seen)))]
  for (const inputs of [seen, others]) {
    expect(change(float, together, inputs)).toBeLessThan(0.5 * change(float, alone, inputs))
  }
  expect(together.scales).toEqual(alone.scales)
})

test('where channels have nothing to do with each other, each weight goes to its nearest step', () => {
  const apart = Array.from({ length: columns }, (_, i) => new Float64Array(columns).with(i, 1 + i))
  const float = matrixOf(3, 5)
  expect(quantiseRows(float, 1, new Rounding(momentsOf(apart)))).toEqual(quantiseRows(float, 1))
})

test('weights stay within int8 whatever the inputs were, none at all too', () => {
  fc.assert(
    fc.property(
      fc.nat(999),
      fc.integer({ min: 0, max: 6 }),
      fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
      (seed, count, loud) => {
        const inputs = inputsOf(seed, count).map((x) => x.map((value) => value * loud))
        const { weights } = quantiseRows(matrixOf(seed + 1, 3), 1, new Rounding(momentsOf(inputs)))
        expect(weights.every((weight) => weight >= -127)).toBe(true)
      },
    ),
  )
})

test('few tokens decide nothing', () => {
  expect(momentsOf(inputsOf(1, 4 * columns - 1)).isEnough).toBe(false)
  expect(momentsOf(inputsOf(1, 4 * columns)).isEnough).toBe(true)
})

test('moments of inputs divided by factors are those of the inputs so divided', () => {
  const inputs = inputsOf(5, 6)
  const factors = Float64Array.from({ length: columns }, (_, i) => 2 ** ((i % 5) - 2))
  const divided = inputs.map((x) => x.map((value, i) => value / (factors[i] as number)))
  expect(momentsOf(inputs).dividedBy(factors).sums).toEqual(momentsOf(divided).sums)
})
