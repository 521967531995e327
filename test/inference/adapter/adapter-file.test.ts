import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Adapter, type Target, targets } from '../../../inference/adapter/adapter.ts'
import {
  adapterRoot,
  adapterSections,
  decodeAdapter,
  encodeAdapter,
  upLeafBytes,
} from '../../../inference/adapter/adapter-file.ts'
import { InferenceError } from '../../../inference/inference-error.ts'
import { FormatError } from '../../../protocol/bytes.ts'
import { fakeBase, randomAdapter } from '../../fakes/random-adapter.ts'
import { smallConfig } from '../../fakes/random-model.ts'

const base = { root: fakeBase, config: smallConfig }
const adapter = randomAdapter(1, smallConfig, 24, ['query', 'output', 'down'])
const file = encodeAdapter(adapter)
const root = adapterRoot(adapter)

function changed(change: (copy: Uint8Array) => void): Uint8Array {
  const copy = file.slice()
  change(copy)
  return copy
}

describe('adapter file', () => {
  test('any rank and targets read back the same, from any offset', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.subarray<Target>([...targets], { minLength: 1 }),
        fc.nat(20),
        (eights, chosen, offset) => {
          const one = randomAdapter(eights, smallConfig, 8 * eights, chosen)
          const bytes = encodeAdapter(one)
          const moved = new Uint8Array(bytes.length + offset)
          moved.set(bytes, offset)
          expect(decodeAdapter(moved.subarray(offset), base)).toEqual(one)
        },
      ),
      { numRuns: 20 },
    )
  })

  test('one of another base is refused by name', () => {
    const other = `0x${'bb'.repeat(32)}` as const
    try {
      decodeAdapter(file, { ...base, root: other })
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(InferenceError)
      expect(error).toMatchObject({ code: 'adapter', message: `the adapter is for model ${fakeBase}, not ${other}` })
    }
  })

  test('any changed byte is refused or changes the root', () => {
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        let otherRoot = ''
        try {
          const bytes = changed((copy) => {
            copy[at] = (copy[at] ?? 0) ^ flip
          })
          otherRoot = adapterRoot(decodeAdapter(bytes, base))
        } catch (error) {
          expect(error instanceof FormatError || error instanceof InferenceError).toBe(true)
        }
        expect(otherRoot).not.toBe(root)
      }),
      { numRuns: 100 },
    )
  })

  test('a file cut at any length, longer by a byte, or of a model with other shapes is refused', () => {
    fc.assert(
      fc.property(fc.nat(file.length - 1), (length) => {
        expect(() => decodeAdapter(file.slice(0, length), base)).toThrow(FormatError)
      }),
      { numRuns: 60 },
    )
    expect(() => decodeAdapter(new Uint8Array([...file, 0]), base)).toThrow(FormatError)
    for (const config of [
      { ...smallConfig, layers: 1 },
      { ...smallConfig, dim: 48 },
    ]) {
      expect(() => decodeAdapter(file, { ...base, config })).toThrow(FormatError)
    }
  })

  const head = Math.ceil((12 + 8 * adapterSections(adapter).length) / 16) * 16
  test.each([
    ['another version', 3, 2],
    ['rank 0', 7, 0],
    ['rank 12', 7, 12],
    ['rank 72', 7, 72],
    ['no target', 11, 0],
    ['an eighth target', 11, 128],
  ])('%s is refused', (_, at, value) => {
    expect(() =>
      decodeAdapter(
        changed((copy) => copy.set([value], head + at)),
        base,
      ),
    ).toThrow(FormatError)
  })

  test('a weight of -128 is refused', () => {
    const [layer, ...others] = adapter.layers
    const query = layer?.query
    if (query === undefined) throw new Error('no query')
    const bad: Adapter = {
      ...adapter,
      layers: [
        { ...layer, query: { ...query, up: { ...query.up, weights: query.up.weights.with(3, -128) } } },
        ...others,
      ],
    }
    expect(() => decodeAdapter(encodeAdapter(bad), base)).toThrow('-128')
  })

  test('a leaf of short rows holds whole rows', () => {
    expect([8, 16, 24, 40, 56, 64].map(upLeafBytes)).toEqual([1024, 1024, 1008, 1000, 1008, 1024])
  })
})
