import { expect, test } from 'vitest'
import { checkExact, type ExactJob } from '../../../inference/check/check-answer.ts'
import { LinearRoot, linearRoot } from '../../../inference/check/linear-root.ts'
import { plainHasher, recordHasher } from '../../../inference/check/record-hasher.ts'
import { TraceLayout } from '../../../inference/trace/layout.ts'
import { linearSlabs } from '../../../inference/trace/proof-file.ts'
import { answerOf, partsOf } from '../../fakes/check-world.ts'
import { randomModel } from '../../fakes/random-model.ts'

const model = randomModel(8)
const parts = partsOf(model)
const layout = new TraceLayout(model.config)

/** Under the root of its own slabs. */
function committed(job: ExactJob): ExactJob {
  const head = { ...job.head, linearRoot: linearRoot(layout, job.head, job.slabs) }
  return { ...job, head, isHashed: false }
}

const rule = { tempQ16: 0, topK: 0, topPQ16: 65_536 }
const honest = committed(answerOf(model, { input: [3, 1, 4], rule, maxTokens: 4, width: 3 }))

function spoilt({ slabs, ...job }: ExactJob, slab: number): ExactJob {
  const changed = slabs.map((bytes) => bytes.slice())
  const bytes = changed[slab - 1] as Uint8Array
  bytes[0] = (bytes[0] as number) ^ 1
  return { ...job, slabs: changed }
}

test.each([
  ['one by one', plainHasher],
  ['as this machine does it', recordHasher()],
])('hashed %s the root does not depend on the order in which records are taken', (_, hasher) => {
  const root = new LinearRoot(layout, hasher)
  for (const { slab, from, bytes } of linearSlabs(layout, honest.head).reverse()) {
    const size = bytes / (honest.head.positions - from)
    for (let position = honest.head.positions - 1; position >= from; position--) {
      const at = (position - from) * size
      root.add(slab, position, 1, (honest.slabs[slab - 1] as Uint8Array).subarray(at, at + size))
    }
  }
  expect(root.root()).toEqual(honest.head.linearRoot)
  expect(linearRoot(layout, honest.head, honest.slabs, hasher)).toEqual(honest.head.linearRoot)
})

test('right accumulators under another root are not those committed', () => {
  expect(checkExact(parts, honest).verdict).toEqual({ ok: true })
  const other = { ...honest, head: { ...honest.head, linearRoot: new Uint8Array(32).fill(1) } }
  expect(checkExact(parts, other).verdict).toMatchObject({ kind: 'root' })
})

test('a wrong accumulator of any slab is blamed on the linear only where it is the one committed', () => {
  for (const { slab, bytes } of linearSlabs(layout, honest.head)) {
    if (bytes === 0) continue
    const wrong = spoilt(honest, slab)
    expect(checkExact(parts, wrong).verdict, `slab ${slab}`).toMatchObject({ kind: 'root' })
    expect(checkExact(parts, committed(wrong)).verdict, `slab ${slab}`).toMatchObject({ kind: 'unit', slab })
  }
})
