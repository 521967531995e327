import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DataInf, dot } from '../../../attribution/gradients/data-inf.ts'
import { AdapterGradients, GradientAttributor } from '../../../attribution/gradients/gradient-attributor.ts'
import { GradientError } from '../../../attribution/gradients/gradient-error.ts'
import { gradientShares } from '../../../attribution/gradients/gradient-shares.ts'
import { Projection } from '../../../attribution/gradients/projection.ts'
import { InfluenceScorer, querySketch } from '../../../attribution/gradients/query.ts'
import {
  decodeSketches,
  encodeSketches,
  type SketchFile,
  sketchRoot,
} from '../../../attribution/gradients/sketch-file.ts'
import { makeSketches } from '../../../attribution/gradients/sketches.ts'
import { adapterRoot } from '../../../inference/adapter/adapter-file.ts'
import { type Block, blocksOf } from '../../../inference/gradients/lora-shape.ts'
import { randomAdapter } from '../../fakes/random-adapter.ts'
import { randomModel, randomNumbers, smallConfig } from '../../fakes/random-model.ts'

const shape = { rank: 8, targets: ['query', 'down'] as const }
const blocks = blocksOf(smallConfig, shape)
const size = blocks.reduce((sum, { columns }) => sum + 8 * columns, 0)

/** Gradients that have something in common, as those of one model do. */
function someGradients(count: number, seed: number): Float32Array[] {
  const random = randomNumbers(seed)
  const common = Float32Array.from({ length: size }, () => random() - 0.5)
  return Array.from({ length: count }, () => {
    const part = random()
    return common.map((value) => part * value + (random() - 0.5))
  })
}

/** DataInf from its definition: the mean of the examples' own inverses, each solved by Gaussian elimination. */
function definition(parts: readonly Block[], gradients: readonly Float32Array[], query: Float32Array): number[] {
  return gradients.map((target) =>
    parts.reduce((sum, { offset, columns }) => {
      const part = (g: Float32Array) => Array.from(g.subarray(offset, offset + 8 * columns))
      const d = 8 * columns
      const lambda = (0.1 * gradients.reduce((all, g) => all + squared(part(g)), 0)) / (gradients.length * d)
      const mean = gradients.reduce((all, g) => all + quadratic(part(query), part(g), part(target), lambda), 0)
      return sum + mean / gradients.length
    }, 0),
  )
}

function squared(g: readonly number[]): number {
  return g.reduce((sum, value) => sum + value * value, 0)
}

/** v · (g gᵀ + λ)⁻¹ t */
function quadratic(v: readonly number[], g: readonly number[], t: readonly number[], lambda: number): number {
  const rows = g.map((a, i) => [...g.map((b, j) => a * b + (i === j ? lambda : 0)), t[i] as number])
  const n = g.length
  for (let p = 0; p < n; p++) {
    const pivot = rows[p] as number[]
    for (let r = p + 1; r < n; r++) {
      const row = rows[r] as number[]
      const factor = (row[p] as number) / (pivot[p] as number)
      for (let c = p; c <= n; c++) row[c] = (row[c] as number) - factor * (pivot[c] as number)
    }
  }
  const x = new Array<number>(n).fill(0)
  for (let p = n - 1; p >= 0; p--) {
    const row = rows[p] as number[]
    let rest = row[n] as number
    for (let c = p + 1; c < n; c++) rest -= (row[c] as number) * (x[c] as number)
    x[p] = rest / (row[p] as number)
  }
  return v.reduce((sum, value, i) => sum + value * (x[i] as number), 0)
}

function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [x, y] = [Float64Array.from(a), Float64Array.from(b)]
  const centred = (list: Float64Array) => list.map((value) => value - list.reduce((s, v) => s + v, 0) / list.length)
  const [p, q] = [centred(x), centred(y)]
  const product = (m: Float64Array, n: Float64Array) => m.reduce((sum, value, i) => sum + value * (n[i] as number), 0)
  return product(p, q) / Math.sqrt(product(p, p) * product(q, q))
}

function examplesOf(gradients: readonly Float32Array[]) {
  return gradients.map((gradient, i) => ({ contribution: BigInt(i >> 1), gradient }))
}

describe('DataInf', () => {
  test('is the mean of inverses that its definition says', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.integer({ min: 1, max: 5 }), (seed, count) => {
        // Blocks of 16 and 8 parameters, so that the definition can be solved.
        const parts: Block[] = [
          { layer: 0, target: 'query', side: 'down', offset: 0, columns: 2 },
          { layer: 0, target: 'query', side: 'up', offset: 16, columns: 1 },
        ]
        const all = someGradients(count + 1, seed).map((g) => g.slice(0, 24))
        const [query, ...gradients] = all as [Float32Array, ...Float32Array[]]
        const found = new DataInf(parts, 8, gradients).scores(query)
        for (const [k, expected] of definition(parts, gradients, query).entries()) {
          expect(Math.abs((found[k] as number) - expected)).toBeLessThan(1e-6 * (1 + Math.abs(expected)))
        }
      }),
      { numRuns: 20 },
    )
  })

  test('a block without any gradient counts as nothing', () => {
    const gradients = someGradients(3, 4).map((g) => g.fill(0, 0, 8 * (blocks[0] as Block).columns))
    const scores = new DataInf(blocks, 8, gradients).scores(gradients[0] as Float32Array)
    expect(scores.every(Number.isFinite)).toBe(true)
    expect(scores[0]).toBeGreaterThan(0)
  })
})

describe('sketches', () => {
  test('unfolded ones score as DataInf on whole gradients, folded ones nearly so', () => {
    const gradients = someGradients(16, 3)
    const queries = someGradients(6, 3).map((g, i) =>
      g.map((value, j) => value + ((gradients[i] as Float32Array)[j] ?? 0)),
    )
    const exact = new DataInf(blocks, 8, gradients)
    const agreement = (fold: number) => {
      const projection = new Projection(blocks, 8, 5, fold)
      const sketches = makeSketches(projection, examplesOf(gradients))
      const scorer = new InfluenceScorer(sketches)
      const found = queries.map((query) =>
        correlation(
          Array.from(scorer.scores(querySketch(projection, sketches.scales, query)), Number),
          exact.scores(query),
        ),
      )
      return Math.min(...found)
    }
    expect(agreement(1)).toBeGreaterThan(0.9999)
    expect(agreement(2)).toBeGreaterThan(0.9)
  })

  test('every parameter has one place, and as many share a number as the fold says', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 4, 8), fc.nat(1000), (fold, seed) => {
        const projection = new Projection(blocks, 8, seed, fold)
        expect(projection.size * fold).toBe(size)
        const used = new Uint8Array(projection.size)
        for (let i = 0; i < size; i += 97) {
          const place = placeOf(projection, i)
          expect(Math.abs(place.value)).toBe(1)
          used[place.at] = (used[place.at] as number) + 1
        }
        expect(used.every((count) => count <= fold)).toBe(true)
      }),
      { numRuns: 8 },
    )
  })

  test('inner products keep their value on the average of seeds', () => {
    const [a, b] = someGradients(2, 8) as [Float32Array, Float32Array]
    const found = Array.from({ length: 60 }, (_, seed) => {
      const projection = new Projection(blocks, 8, seed, 4)
      const [x, y] = [projection.project(a), projection.project(b)]
      return x.reduce((sum, value, i) => sum + value * (y[i] as number), 0)
    })
    const mean = found.reduce((sum, value) => sum + value, 0) / found.length
    const length = Math.sqrt(dot(a, a, 0, size) * dot(b, b, 0, size))
    expect(Math.abs(mean - dot(a, b, 0, size))).toBeLessThan(0.02 * length)
  })

  test.each([0, 3, 16])('a fold of %d is refused', (fold) => {
    expect(() => new Projection(blocks, 8, 1, fold)).toThrow(GradientError)
  })

  test('no examples are refused', () => {
    expect(() => makeSketches(new Projection(blocks, 8, 1, 2), [])).toThrow('no examples')
  })
})

/** Where one parameter alone goes. */
function placeOf(projection: Projection, parameter: number): { at: number; value: number } {
  const out = projection.project(new Float32Array(size).fill(1, parameter, parameter + 1))
  const at = out.findIndex((value) => value !== 0)
  return { at, value: out[at] as number }
}

describe('a file of sketches', () => {
  const model = randomModel(2, smallConfig, 0.4)
  const adapter = randomAdapter(2, smallConfig, 8, ['query', 'down'], 0.3)
  const random = randomNumbers(12)
  const text = () => ({ tokens: Array.from({ length: 9 }, () => Math.floor(random() * 48)), from: 1 })
  const texts = Array.from({ length: 6 }, text)
  const gradients = new AdapterGradients(model, adapter, 12)
  const examples = texts.map((one, i) => ({ contribution: BigInt(10 + i), gradient: gradients.of(one) }))
  const subject = { base: adapter.base, adapter: adapterRoot(adapter), data: adapter.base, seed: 9, fold: 2 }
  const file: SketchFile = { ...subject, ...makeSketches(gradients.projection(9, 2), examples) }
  const bytes = encodeSketches(file)

  test('reads back the same and has one root', () => {
    expect(decodeSketches(bytes)).toEqual(file)
    expect(sketchRoot(decodeSketches(bytes))).toBe(sketchRoot(file))
  })

  test('a changed byte is refused or changes the root; a cut is refused', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = bytes.slice()
        changed[at] = (changed[at] as number) ^ flip
        try {
          expect(sketchRoot(decodeSketches(changed))).not.toBe(sketchRoot(file))
        } catch (error) {
          expect(error).toBeInstanceOf(GradientError)
        }
      }),
      { numRuns: 60 },
    )
    expect(() => decodeSketches(bytes.subarray(0, bytes.length - 1))).toThrow(GradientError)
    expect(() => decodeSketches(bytes.subarray(0, 40))).toThrow('not a file of sketches')
  })

  test('an answer that repeats a text is owed to its contributor most', () => {
    const attributor = new GradientAttributor(model, adapter, decodeSketches(bytes), 12)
    for (const [i, one] of texts.entries()) {
      const { shares, rest } = gradientShares(attributor.parts(attributor.sketch(one)))
      const best = shares.reduce((a, b) => (b.weight > a.weight ? b : a))
      expect(best.id).toBe(BigInt(10 + i))
      expect(shares.reduce((sum, { weight }) => sum + weight, rest)).toBe(1_000_000)
    }
  })

  test('sketches of another adapter are refused', () => {
    const other = randomAdapter(3, smallConfig, 8, ['query', 'down'])
    expect(() => new GradientAttributor(model, other, file, 12)).toThrow(GradientError)
  })
})

describe('shares of class G', () => {
  const parts = fc.array(fc.tuple(fc.bigInt(0n, 500n), fc.bigInt(-(2n ** 50n), 2n ** 50n)), { maxLength: 150 })

  test('add up to the whole, none for a part that is not positive, at most 64, none smaller than one left out', () => {
    fc.assert(
      fc.property(parts, (list) => {
        const map = new Map(list)
        const { shares, rest } = gradientShares(map)
        expect(shares.reduce((sum, { weight }) => sum + weight, rest)).toBe(1_000_000)
        expect(shares.length).toBeLessThanOrEqual(64)
        const least = shares.reduce((min, { id }) => ((map.get(id) ?? 0n) < min ? (map.get(id) ?? 0n) : min), 2n ** 60n)
        expect(shares.every(({ id }) => (map.get(id) ?? 0n) > 0n)).toBe(true)
        const positive = [...map.values()].filter((part) => part > 0n)
        if (shares.length === 64) expect(positive.filter((part) => part > least).length).toBeLessThan(64)
        if (positive.length === 0) expect(rest).toBe(1_000_000)
      }),
    )
  })

  test('by largest remainder, the rest for those without an entry', () => {
    expect(
      gradientShares(
        new Map([
          [3n, 1n],
          [1n, 2n],
          [2n, -5n],
        ]),
      ),
    ).toEqual({
      shares: [
        { id: 1n, weight: 666_667 },
        { id: 3n, weight: 333_333 },
      ],
      rest: 0,
    })
    const many = new Map(Array.from({ length: 65 }, (_, i) => [BigInt(i), 1n]))
    expect(gradientShares(many).rest).toBe(15_384)
  })
})
