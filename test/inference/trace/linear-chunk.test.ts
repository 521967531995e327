import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAccumulators } from '../../../inference/trace/elements.ts'
import { decodeTraceHead, encodeTraceHead, traceRootOf } from '../../../inference/trace/head.ts'
import { decodeLinearChunk, encodeLinearChunk, linearChunks } from '../../../inference/trace/linear-chunk.ts'
import { bytesToHex } from '../../../protocol/bytes.ts'
import { randomModel, smallConfig } from '../../fakes/random-model.ts'
import { tracedAnswer } from '../../fakes/traced-answer.ts'

const model = randomModel(21, { ...smallConfig, vocab: 9000, layers: 1 })
const tokens = [0, 4, 8, 15, 16, 23, 42]

function sent(options: { tin?: number; width?: 3 | 4 } = {}) {
  const answer = tracedAnswer(model, tokens, { tin: 3, ...options })
  const chunks = linearChunks(answer.layout, answer.head)
  return { ...answer, chunks: chunks.map((chunk) => ({ chunk, bytes: encodeLinearChunk(answer.trace, chunk) })) }
}

describe('chunks of the linear tree', () => {
  test.each([3, 4] as const)('hold all accumulators of all positions, %i bytes each', (width) => {
    const { layout, head, chunks, units } = sent({ width })
    const seen = new Map<string, number[]>()
    for (const { chunk, bytes } of chunks) {
      for (const [i, record] of decodeLinearChunk(layout, head, chunk, bytes).records.entries()) {
        for (const { op, count, offset } of layout.fields('linear', chunk.slab, width)) {
          const name = `${op} 0 ${chunk.first + i} 0`
          seen.set(name, [...(seen.get(name) ?? []), ...readAccumulators(record, offset, width, count)])
        }
      }
    }
    for (const [name, values] of seen) expect(values, name).toEqual(units.get(name))
    expect(seen.size).toBe(7 * tokens.length + tokens.length - 2)
  })

  test('every flipped bit of a chunk is noticed, wherever it is', () => {
    const { layout, head, chunks } = sent()
    fc.assert(
      fc.property(fc.constantFrom(...chunks), fc.nat(), fc.nat(7), ({ chunk, bytes }, at, bit) => {
        const flipped = bytes.slice()
        flipped[at % bytes.length] = (flipped[at % bytes.length] as number) ^ (1 << bit)
        expect(() => decodeLinearChunk(layout, head, chunk, flipped)).toThrow(
          expect.objectContaining({ code: 'tampered' }),
        )
      }),
      { numRuns: 200 },
    )
  })

  test('a chunk cut short, one with more behind it, and one of another place are refused by name', () => {
    const { layout, head, chunks } = sent()
    const [{ chunk, bytes }] = chunks as [(typeof chunks)[0]]
    const decode = (sentBytes: Uint8Array) => () => decodeLinearChunk(layout, head, chunk, sentBytes)
    expect(decode(bytes.subarray(1))).toThrow(expect.objectContaining({ code: 'truncated' }))
    expect(decode(new Uint8Array(0))).toThrow(expect.objectContaining({ code: 'truncated' }))
    expect(decode(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow(expect.objectContaining({ code: 'oversized' }))
    // The head's record fills slab 2 and slab 3.
    const [second, third] = [2, 3].map((slab) => chunks.find((each) => each.chunk.slab === slab) as (typeof chunks)[0])
    const swapped = () => decodeLinearChunk(layout, head, second?.chunk ?? chunk, third?.bytes ?? bytes)
    expect(swapped).toThrow(expect.objectContaining({ code: 'tampered' }))
  })

  test('a long answer is cut so that no chunk has more than 1 MiB of records and none is missing', () => {
    const { layout } = sent()
    const extent = { positions: 150, tin: 37, width: 4 } as const
    const chunks = linearChunks(layout, extent)
    for (const { first, end, recordBytes } of chunks) expect((end - first) * recordBytes).toBeLessThanOrEqual(2 ** 20)
    const places = chunks.flatMap(({ slab, first, end }) =>
      Array.from({ length: end - first }, (_, i) => `${slab} ${first + i}`),
    )
    expect(new Set(places).size).toBe(places.length)
    const expected = Array.from({ length: layout.slabs.linear }, (_, slab) =>
      Array.from({ length: 150 }, (_, position) => (layout.recordBytes('linear', slab, position, extent) > 0 ? 1 : 0)),
    )
    expect(places.length).toBe(expected.flat().reduce<number>((a, b) => a + b, 0))
  })
})

describe('head of a trace', () => {
  test('opens under its root only, and no byte of it can change', () => {
    const { head } = sent()
    const [bytes, root] = [encodeTraceHead(head), bytesToHex(traceRootOf(head))]
    expect(decodeTraceHead(bytes, root)).toEqual(head)
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice()
      changed[at] = (changed[at] as number) ^ 1
      expect(() => decodeTraceHead(changed, root), String(at)).toThrow()
    }
    expect(() => decodeTraceHead(bytes.subarray(1), root)).toThrow()
  })
})
