import { describe, expect, test } from 'vitest'
import { right } from '../../../inference/check/check-answer.ts'
import { checkSampled, type SampledJob } from '../../../inference/check/check-sampled.ts'
import { Oracle } from '../../../inference/oracle.ts'
import { answerOf, partsOf } from '../../fakes/check-world.ts'
import { randomModel, smallConfig } from '../../fakes/random-model.ts'
import { sentTrace } from '../../fakes/sent-trace.ts'

const model = randomModel(4, { ...smallConfig, layers: 3 })
const parts = partsOf(model)
const rule = { tempQ16: 65_536, topK: 12, topPQ16: 62_000 }
const options = { input: [0, 9, 17, 4], rule, maxTokens: 5, width: 3 } as const

function job(layers: readonly number[], of = model, spoil: (residuals: Int32Array[][]) => void = () => {}): SampledJob {
  const answer = answerOf(of, options)
  const { head, slabs, input, output } = answer
  const run = [...input, ...output].slice(0, head.positions)
  const embeddings: Int32Array[] = []
  new Oracle(of).start().append(run, ({ op, position }, values) => {
    if (op === 'embedding') embeddings[position] = Int32Array.from(values)
  })
  const residuals = [embeddings, ...sentTrace(new Oracle(of), run).residuals.map((each) => [...each])]
  spoil(residuals)
  const records = (slab: number, first: number) => (from: number, count: number) => {
    const bytes = slabs[slab] as Uint8Array
    const size = bytes.length / (head.positions - first)
    return [bytes.subarray((from - first) * size, (from - first + count) * size)]
  }
  return {
    ...answer,
    rows: answerOf(model, options).rows,
    layers: layers.map((layer) => ({ layer, records: records(layer, 0) })),
    headRecords: records(model.config.layers, head.tin - 1),
    residual: (slab, position) => residuals[slab]?.[position] as Int32Array,
  }
}

describe('sampled slabs', () => {
  test('an honest answer passes, whichever layers are chosen', () => {
    for (const layers of [[], [0], [1], [2], [0, 2]]) expect(checkSampled(parts, job(layers))).toEqual(right)
  })

  test("another model's answer has no layer that passes", () => {
    const other = randomModel(40, model.config)
    for (const layer of [0, 1, 2]) {
      const spoilt = { ...job([layer], other), rows: job([]).rows }
      expect(checkSampled(parts, spoilt).verdict.ok).toBe(false)
      const embeddings = job([]).residual
      const residual = (slab: number, p: number) => (slab === 0 ? embeddings(0, p) : spoilt.residual(slab, p))
      const { verdict } = checkSampled(parts, { ...spoilt, residual: layer === 0 ? residual : spoilt.residual })
      expect(verdict.ok).toBe(false)
    }
  })

  test('a residual stream that is not what follows is found to the row, in chosen layers', () => {
    const change = (slab: number, position: number, row: number, to?: number) =>
      job([1], model, (residuals) => {
        const list = residuals[slab]?.[position] as Int32Array
        list[row] = to ?? (list[row] ?? 0) + 1
      })
    const place = (op: string, slab: number, position: number, row: number) => ({ ok: false, op, slab, position, row })
    expect(checkSampled(parts, change(0, 3, 7)).verdict).toMatchObject(place('embedding', 0, 3, 7))
    expect(checkSampled(parts, change(2, 5, 31)).verdict).toMatchObject(place('ffnResidual', 2, 5, 31))
    expect(checkSampled(parts, change(1, 2, 4, -(2 ** 31))).verdict).toMatchObject(place('ffnResidual', 1, 2, 4))
  })

  test('a head that is not that of the last residual stream is found', () => {
    const spoilt = job([0], model, (residuals) => {
      const list = residuals[3]?.[4] as Int32Array
      list.fill(70_000)
    })
    expect(checkSampled(parts, spoilt).verdict).toMatchObject({ ok: false, op: 'head', slab: 4, position: 4 })
  })
})
