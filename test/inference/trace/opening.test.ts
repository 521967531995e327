import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scoreScale } from '../../../inference/model-config.ts'
import { leafBytes, leavesOf, type TraceTree } from '../../../inference/trace/layout.ts'
import { type TraceRun, verifyRun } from '../../../inference/trace/opening.ts'
import { randomModel, smallConfig } from '../../fakes/random-model.ts'
import { tracedAnswer } from '../../fakes/traced-answer.ts'

const shape = {
  ...smallConfig,
  ...scoreScale(128),
  vocab: 9000,
  heads: 2,
  kvHeads: 1,
  headDim: 128,
  ffnDim: 1600,
  layers: 1,
  context: 70,
}
const answer = tracedAnswer(
  randomModel(31, shape),
  Array.from({ length: 9 }, (_, i) => i),
  { tin: 4 },
)
const { layout, head, trace, store } = answer

/** Every record that is there. */
const records = (['linear', 'derived'] as const).flatMap((tree) =>
  Array.from({ length: layout.slabs[tree] }, (_, slab) =>
    Array.from({ length: 9 }, (_, position) => ({ tree, slab, position })),
  )
    .flat()
    .filter(({ slab, position }) => layout.recordBytes(tree, slab, position, head) > 0),
)

const arbitraryRun = fc.constantFrom(...records).chain(({ tree, slab, position }) => {
  const count = leavesOf(tree, layout.recordBytes(tree, slab, position, head))
  return fc
    .tuple(fc.nat(count - 1), fc.nat(count - 1))
    .map(([a, b]) => ({ tree, slab, position, first: Math.min(a, b), end: Math.max(a, b) + 1 }))
})

function holds(tree: TraceTree, run: TraceRun): boolean {
  return tree === 'linear'
    ? verifyRun(tree, head.linearRoot, head.linearDepth, run)
    : verifyRun(tree, head.derivedRoot, head.derivedDepth, run)
}

describe('openings of a trace', () => {
  test('every run of every record shows its bytes under the root', () => {
    fc.assert(
      fc.property(arbitraryRun, ({ tree, slab, position, first, end }) => {
        const base = layout.leafIndex(tree, slab, position, 0)
        const run = trace.run(tree, base + first, base + end)
        expect(holds(tree, run)).toBe(true)
        const record = store.get(tree, slab, position)
        expect(Buffer.compare(run.data, record.subarray(first * leafBytes[tree], end * leafBytes[tree]))).toBe(0)
      }),
      { numRuns: 150 },
    )
  })

  test('no run holds with a changed byte, place, sibling or number of siblings', () => {
    const forgery = fc.constantFrom('byte', 'place', 'sibling', 'fewer', 'more', 'shorter', 'tree')
    fc.assert(
      fc.property(arbitraryRun, forgery, fc.nat(), ({ tree, slab, position, first, end }, kind, at) => {
        const base = layout.leafIndex(tree, slab, position, 0)
        const run = trace.run(tree, base + first, base + end)
        const flip = (bytes: Uint8Array) => bytes.map((byte, i) => (i === at % bytes.length ? byte ^ 1 : byte))
        const { siblings, data } = run
        const forged = {
          byte: { ...run, data: flip(data) },
          place: { ...run, first: run.first === 0 ? 1 : at % run.first },
          sibling: { ...run, siblings: siblings.map((each, i) => (i === at % siblings.length ? flip(each) : each)) },
          fewer: { ...run, siblings: siblings.slice(1) },
          more: { ...run, siblings: [...siblings, new Uint8Array(32)] },
          shorter: { ...run, data: data.subarray(0, data.length - 1) },
          tree: run,
        }[kind]
        expect(holds(kind === 'tree' ? (tree === 'linear' ? 'derived' : 'linear') : tree, forged)).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  test('nodes lead from the root to every leaf, and absent ones are zeros', () => {
    for (const { tree, slab, position } of records.filter((_, i) => i % 3 === 0)) {
      const index = layout.leafIndex(tree, slab, position, 0)
      expect(trace.node(tree, layout.depth(tree), index)).not.toEqual(new Uint8Array(32))
      expect(trace.leaf(tree, index)).toEqual(store.get(tree, slab, position).subarray(0, leafBytes[tree]))
    }
    expect(trace.node('linear', 0, 0)).toEqual(head.linearRoot)
    expect(trace.node('linear', layout.depth('linear'), 0)).toEqual(new Uint8Array(32))
    expect(trace.node('derived', layout.depth('derived'), layout.leafIndex('derived', 1, 9, 0))).toEqual(
      new Uint8Array(32),
    )
    expect(trace.leaf('linear', 0).length).toBe(0)
  })
})
