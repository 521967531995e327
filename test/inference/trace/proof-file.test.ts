import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stopHash, stopList } from '../../../inference/answer/stops.ts'
import { sectionsOf } from '../../../inference/model-file.ts'
import { listSection } from '../../../inference/sections.ts'
import { readAccumulators } from '../../../inference/trace/elements.ts'
import { EmbeddingProofs } from '../../../inference/trace/embedding-proofs.ts'
import { decodeTraceHead, encodeTraceHead, traceRootOf } from '../../../inference/trace/head.ts'
import { decodeExactProof, encodeExactProof, linearSlabs } from '../../../inference/trace/proof-file.ts'
import { bytesToHex, zeroHash } from '../../../protocol/bytes.ts'
import { verifyChunk } from '../../../protocol/content-hash.ts'
import { randomModel, smallConfig } from '../../fakes/random-model.ts'
import { tracedAnswer } from '../../fakes/traced-answer.ts'

/** Rows of 1040 bytes are two leaves; the head fills three slabs. */
const model = randomModel(21, { ...smallConfig, vocab: 9000, dim: 1040, layers: 1 })
const [input, output] = [
  [0, 4, 8],
  [15, 16, 23, 8, 42],
] as const
const rows = new EmbeddingProofs(model.embedding)

function sent(width: 3 | 4 = 3, stops: readonly Uint8Array[] = []) {
  const answer = tracedAnswer(model, [...input, ...output.slice(0, -1)], { tin: 3, width })
  const tokens = { head: answer.head, input, output, stops }
  const bytes = encodeExactProof(answer.layout, tokens, answer.store.get, (token) => rows.row(token))
  return { ...answer, bytes, root: { traceRoot: bytesToHex(traceRootOf(answer.head)), stopHash: stopHash(stops) } }
}

const one = sent()

describe('proof of an answer', () => {
  test.each([3, 4] as const)('holds tokens and all accumulators, %i bytes each', (width) => {
    const { layout, head, bytes, root, units } = sent(width)
    const proof = decodeExactProof(layout, bytes, root)
    expect([proof.head, proof.input, proof.output]).toEqual([head, [...input], [...output]])
    const seen = new Map<string, number[]>()
    for (const { slab, from } of linearSlabs(layout, head)) {
      const size = layout.recordBytes('linear', slab, head.positions - 1, head)
      for (let position = from; position < head.positions; position++) {
        const record = proof.slabs[slab - 1]?.subarray((position - from) * size, (position - from + 1) * size)
        for (const { op, count, offset } of layout.fields('linear', slab, width)) {
          const name = `${op} 0 ${position} 0`
          const values = readAccumulators(record as Uint8Array, offset, width, count)
          seen.set(name, [...(seen.get(name) ?? []), ...values])
        }
      }
    }
    for (const [name, values] of seen) expect(values, name).toEqual(units.get(name))
    expect(seen.size).toBe(7 * 7 + 5)
  })

  test('its rows are those of the tokens that are run, under the root of the embedding', () => {
    const { layout, bytes, root } = one
    const section = sectionsOf(model).find(({ name }) => name === 'embedding')
    const embeddingRoot = section === undefined ? '0x' : listSection(section).root
    const proof = decodeExactProof(layout, bytes, root)
    expect([...proof.rows.keys()]).toEqual([0, 4, 8, 15, 16, 23])
    for (const [token, leaves] of proof.rows) {
      expect(leaves.every((leaf) => verifyChunk(embeddingRoot, leaf))).toBe(true)
      const row = Buffer.concat(leaves.map(({ chunk }) => chunk))
      expect(new Int8Array(row)).toEqual(model.embedding.weights.slice(token * 1040, (token + 1) * 1040))
    }
  })

  test('a slab of the head that is empty at width 3 takes no room', () => {
    const small = randomModel(22, { ...smallConfig, vocab: 4096, layers: 1 })
    const [few, proofs] = [[0, 1, 2], new EmbeddingProofs(small.embedding)]
    for (const width of [3, 4] as const) {
      const { layout, head, store } = tracedAnswer(small, few, { tin: 2, width })
      const tokens = { head, input: [0, 1], output: [2, 3], stops: [] }
      const bytes = encodeExactProof(layout, tokens, store.get, (token) => proofs.row(token))
      const { slabs } = decodeExactProof(layout, bytes, {
        traceRoot: bytesToHex(traceRootOf(head)),
        stopHash: zeroHash,
      })
      expect(slabs.slice(1).map((slab) => slab.length)).toEqual(width === 3 ? [2 * 12_288, 0] : [2 * 12_288, 2 * 4096])
    }
  })

  test('ends with the strings under the request’s stopHash, and with nothing else', () => {
    const stops = stopList(['\n\n', 'End.'])
    const { layout, bytes, root } = sent(3, stops)
    expect(decodeExactProof(layout, bytes, root).stops).toEqual(stops)
    expect(bytes.length).toBe(one.bytes.length + 1 + 1 + 2 + 1 + 4)
    const refusal = (changed: Uint8Array, committed = root) => {
      const decode = () => decodeExactProof(layout, changed, committed)
      return (code: string) => expect(decode).toThrow(expect.objectContaining({ code }))
    }
    for (let at = one.bytes.length; at < bytes.length; at++) {
      const changed = bytes.slice()
      changed[at] = (changed[at] as number) ^ 1
      expect(() => decodeExactProof(layout, changed, root), String(at)).toThrow(
        expect.objectContaining({ name: 'ProofError' }),
      )
    }
    const most = sent(3, stopList(['a', 'b', 'c', 'd']))
    const claimed = most.bytes.slice()
    claimed[one.bytes.length] = 5
    refusal(claimed, most.root)('tampered')
    refusal(bytes.subarray(0, one.bytes.length))('truncated')
    refusal(bytes, one.root)('oversized')
    refusal(sent(3, stopList(['End'])).bytes)('tampered')
  })

  test('cut anywhere it is truncated, with anything behind it oversized', () => {
    const { layout, bytes, root } = one
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (length) => {
        const cut = () => decodeExactProof(layout, bytes.subarray(0, length), root)
        expect(cut).toThrow(expect.objectContaining({ code: 'truncated' }))
      }),
    )
    const longer = () => decodeExactProof(layout, Buffer.concat([bytes, Buffer.alloc(1)]), root)
    expect(longer).toThrow(expect.objectContaining({ code: 'oversized' }))
  })

  test('with a changed magic, head or count it is refused as tampered', () => {
    const { layout, bytes, root } = one
    for (let at = 0; at < 8 + 85; at++) {
      const changed = bytes.slice()
      changed[at] = (changed[at] as number) ^ 1
      const decode = () => decodeExactProof(layout, changed, root)
      expect(decode, String(at)).toThrow(expect.objectContaining({ code: 'tampered' }))
    }
    const counted = bytes.slice()
    counted[96] = 6
    expect(() => decodeExactProof(layout, counted, root)).toThrow(expect.objectContaining({ code: 'tampered' }))
    const foreign = bytes.slice()
    foreign[98] = 1
    expect(() => decodeExactProof(layout, foreign, root)).toThrow(expect.objectContaining({ code: 'tampered' }))
  })
})

describe('head of a trace', () => {
  test('opens under its root only, and no byte of it can change', () => {
    const {
      head,
      root: { traceRoot: root },
    } = one
    const bytes = encodeTraceHead(head)
    expect(decodeTraceHead(bytes, root)).toEqual(head)
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice()
      changed[at] = (changed[at] as number) ^ 1
      expect(() => decodeTraceHead(changed, root), String(at)).toThrow()
    }
    expect(() => decodeTraceHead(bytes.subarray(1), root)).toThrow()
  })
})
