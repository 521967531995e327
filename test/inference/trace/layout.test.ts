import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { targets } from '../../../inference/adapter/adapter.ts'
import { type ModelConfig, narrowInput, scoreScale, tilePositions, wideInput } from '../../../inference/model-config.ts'
import { leafBytes, leavesOf, type TraceExtent, TraceLayout, type TraceTree } from '../../../inference/trace/layout.ts'
import { type Op, ops, type Unit } from '../../../inference/trace.ts'
import { smallConfig } from '../../fakes/random-model.ts'

/** Of SmolLM2-135M and of Llama-3.2-1B. */
const config135m = {
  ...smallConfig,
  ...scoreScale(64),
  vocab: 49_152,
  dim: 576,
  layers: 30,
  heads: 9,
  kvHeads: 3,
  headDim: 64,
  ffnDim: 1536,
  context: 8192,
}
const config1b = {
  ...config135m,
  vocab: 128_256,
  dim: 2048,
  layers: 16,
  heads: 32,
  kvHeads: 8,
  ffnDim: 8192,
  context: 32_768,
}

const arbitraryConfig: fc.Arbitrary<ModelConfig> = fc
  .record({
    vocab: fc.integer({ min: 2, max: 9000 }),
    dim: fc.constantFrom(16, 48, 512),
    layers: fc.integer({ min: 1, max: 3 }),
    kvHeads: fc.integer({ min: 1, max: 3 }),
    groups: fc.integer({ min: 1, max: 2 }),
    headDim: fc.constantFrom(16, 48, 128),
    ffnDim: fc.constantFrom(16, 4096),
    context: fc.integer({ min: 2, max: 400 }),
    inputMax: fc.constantFrom(narrowInput, wideInput),
  })
  .map(({ groups, ...shape }) => ({
    ...smallConfig,
    ...shape,
    ...scoreScale(shape.headDim),
    heads: groups * shape.kvHeads,
  }))
const arbitraryAdapters = fc.array(
  fc.record({ rank: fc.constantFrom(8, 64), targets: fc.subarray([...targets], { minLength: 1 }) }),
  { maxLength: 2 },
)

function arbitraryExtent(config: ModelConfig): fc.Arbitrary<TraceExtent> {
  return fc.integer({ min: 1, max: config.context - 1 }).chain((positions) =>
    fc.record({
      positions: fc.constant(positions),
      tin: fc.integer({ min: 1, max: positions }),
      width: fc.constantFrom(3 as const, 4 as const),
    }),
  )
}

/** Every committed unit at some positions, with its number of elements. */
function committedUnits(layout: TraceLayout, position: number, { tin }: TraceExtent): [Unit, number][] {
  const { layers, heads, kvHeads, headDim, vocab } = layout.config
  const tiles = Math.floor(position / tilePositions(layout.config)) + 1
  const list: [Unit, number][] = [[{ op: 'embedding', layer: 0, position, part: 0 }, layout.config.dim]]
  for (let layer = 0; layer < layers; layer++) {
    for (const tree of ['linear', 'derived'] as const) {
      for (const { op, part, count } of layout.fields(tree, layer + 1, 4))
        list.push([{ op, layer, position, part }, count])
    }
    for (const op of ['cachedKey', 'cachedValue'] as const) {
      list.push([{ op, layer, position, part: 0 }, kvHeads * headDim])
    }
    for (let part = 0; part < heads * tiles; part++) {
      list.push([{ op: 'attentionTile', layer, position, part }, headDim + 2])
    }
  }
  if (position < tin - 1) return list
  list.push([{ op: 'head', layer: 0, position, part: 0 }, vocab])
  for (const { op, part, count } of layout.fields('derived', layers + 1, 4)) {
    list.push([{ op, layer: 0, position, part }, count])
  }
  return list
}

describe('layout of a trace', () => {
  test('every element of every unit has a place of its own, and the place tells the element', () => {
    const cases = arbitraryConfig.chain((config) =>
      fc.tuple(fc.constant(config), arbitraryAdapters, arbitraryExtent(config), fc.nat(), fc.nat()),
    )
    fc.assert(
      fc.property(cases, ([config, adapters, extent, at, pick]) => {
        const layout = new TraceLayout(config, adapters)
        const position = at % extent.positions
        for (const [unit, count] of committedUnits(layout, position, extent)) {
          const element = pick % count
          const place = layout.place(unit, element, extent)
          const bytes = layout.recordBytes(place.tree, place.slab, place.position, extent)
          expect(place.offset + place.bytes).toBeLessThanOrEqual(bytes)
          expect(layout.unitAt(place.tree, place.slab, place.position, place.offset, extent)).toEqual({ unit, element })
        }
      }),
      { numRuns: 40 },
    )
  })

  test('the units of a position fill its records without a gap', () => {
    const config = { ...smallConfig, vocab: 300, context: 300 }
    const layout = new TraceLayout(config, [{ rank: 8, targets: ['key', 'down'] }])
    const extent: TraceExtent = { positions: 150, tin: 140, width: 3 }
    const filled = new Map<string, number>()
    for (let position = 128; position < 150; position++) {
      for (const [unit, count] of committedUnits(layout, position, extent)) {
        const { tree, slab, position: at, bytes } = layout.place(unit, 0, extent)
        const key = `${tree} ${slab} ${at}`
        filled.set(key, (filled.get(key) ?? 0) + count * bytes)
      }
    }
    for (const [key, bytes] of filled) {
      const [tree, slab, at] = key.split(' ') as [TraceTree, string, string]
      expect(bytes).toBe(layout.recordBytes(tree, Number(slab), Number(at), extent))
    }
  })

  test('each record has the leaves of its own indexes only', () => {
    for (const config of [smallConfig, config135m, config1b]) {
      const layout = new TraceLayout(config)
      const extent: TraceExtent = { positions: config.context - 1, tin: 1, width: 4 }
      for (const tree of ['linear', 'derived'] as const) {
        for (let slab = 0; slab < layout.slabs[tree]; slab++) {
          for (const position of [0, Math.floor(config.context / 200), config.context - 2]) {
            const leaves = leavesOf(tree, layout.recordBytes(tree, slab, position, extent))
            expect(leaves).toBeLessThanOrEqual(2 ** layout.bits[tree].leaf)
            if (leaves === 0) continue
            const index = layout.leafIndex(tree, slab, position, leaves - 1)
            expect(index).toBeLessThan(2 ** layout.depth(tree))
            expect(layout.leafAt(tree, index)).toEqual({ slab, position, leaf: leaves - 1 })
          }
        }
      }
    }
  })

  test('the head is there from the last input token on, and all of it', () => {
    const layout = new TraceLayout(config135m)
    for (const width of [3, 4] as const) {
      const extent: TraceExtent = { positions: 20, tin: 11, width }
      const bytes = (position: number) =>
        Array.from({ length: layout.slabs.linear - 31 }, (_, i) =>
          layout.recordBytes('linear', 31 + i, position, extent),
        )
      expect(bytes(9).every((each) => each === 0)).toBe(true)
      expect(bytes(10).reduce((a, b) => a + b)).toBe(49_152 * width)
      expect(bytes(20).every((each) => each === 0)).toBe(true)
    }
  })

  test('the trees of models of known size are as deep as the page says', () => {
    expect([new TraceLayout(config135m).depth('linear'), new TraceLayout(config135m).depth('derived')]).toEqual([
      20, 26,
    ])
    expect(leafBytes).toEqual({ linear: 12_288, derived: 4096 })
    const layout = new TraceLayout(config1b)
    expect([layout.depth('linear'), layout.depth('derived')]).toEqual([23, 32])
  })

  test('what is committed nowhere has no place', () => {
    const layout = new TraceLayout(smallConfig)
    const place = (op: Op, element: number) =>
      layout.place({ op, layer: 0, position: 0, part: 0 }, element, { positions: 1, tin: 1, width: 3 })
    for (const op of ['attentionNorm', 'ffnNorm', 'finalNorm', 'logits', 'loraDown'] as const) {
      expect(() => place(op, 0), String(ops[op].id)).toThrow(/committed/)
    }
    expect(() => place('query', 32)).toThrow(/committed/)
  })
})
