import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAccumulators } from '../../../inference/trace/elements.ts'
import { EmbeddingProofs } from '../../../inference/trace/embedding-proofs.ts'
import { traceRootOf } from '../../../inference/trace/head.ts'
import { decodeSampledProof, encodeSampledProof } from '../../../inference/trace/sampled-proof.ts'
import { bytesToHex, zeroHash } from '../../../protocol/bytes.ts'
import { randomModel } from '../../fakes/random-model.ts'
import { tracedAnswer, traceShapes } from '../../fakes/traced-answer.ts'

const [input, output] = [
  [0, 4, 8, 15],
  [16, 23, 42],
] as const

/** An answer of a model of three layers, its records of several leaves or of one. */
function sampled(shape: number, layers: readonly number[], width: 3 | 4 = 3) {
  const config = { ...(traceShapes[shape] as (typeof traceShapes)[0]), layers: 3 }
  const model = randomModel(40 + shape, config)
  const answer = tracedAnswer(model, [...input, ...output.slice(0, -1)], { tin: input.length, width })
  const rows = new EmbeddingProofs(model.embedding)
  const tokens = { head: answer.head, input, output, stops: [] }
  const bytes = encodeSampledProof(answer.trace, layers, tokens, (token) => rows.row(token))
  return { ...answer, config, bytes, root: { traceRoot: bytesToHex(traceRootOf(answer.head)), stopHash: zeroHash } }
}

describe('proof of chosen layers', () => {
  test.each([
    [0, [1], 3],
    [1, [0, 1, 2], 4],
    [2, [0, 2], 3],
    [2, [2], 4],
  ] as const)('of shape %i shows layers %j with the residual stream around them', (shape, layers, width) => {
    const { layout, head, bytes, root, units, config } = sampled(shape, layers, width)
    const proof = decodeSampledProof(layout, bytes, root, layers)
    expect([proof.head, proof.input, proof.output]).toEqual([head, [...input], [...output]])
    expect(proof.layers.map(({ layer }) => layer)).toEqual([...layers])
    for (const { layer, records } of proof.layers) {
      for (const [position, record] of records.entries()) {
        for (const { op, count, offset } of layout.fields('linear', layer + 1, width)) {
          const values = Array.from(readAccumulators(record, offset, width, count))
          expect(values).toEqual(units.get(`${op} ${layer} ${position} 0`))
        }
      }
    }
    for (const i of [0, 1, 2]) {
      const logits = proof.headSlabs.flatMap((slab) => {
        const record = slab[i] as Uint8Array
        return Array.from(readAccumulators(record, 0, width, record.length / width))
      })
      expect(logits).toEqual(units.get(`head 0 ${3 + i} 0`))
    }
    for (const [slab, { first, rows }] of proof.residuals) {
      const name = slab === 0 ? 'embedding 0' : `ffnResidual ${slab - 1}`
      for (const [i, row] of rows.entries()) expect(Array.from(row)).toEqual(units.get(`${name} ${first + i} 0`))
      const isWhole = slab === 0 || layers.some((layer) => layer === slab || layer + 1 === slab)
      expect(first).toBe(isWhole ? 0 : 3)
    }
    const around = new Set([0, config.layers, ...layers.flatMap((layer) => [layer, layer + 1])])
    expect(new Set(proof.residuals.keys())).toEqual(around)
  })

  test('no flipped bit of what is under the roots passes, and no cut', () => {
    for (const shape of [1, 2]) {
      const { layout, bytes, root, config } = sampled(shape, [1])
      const decode = (changed: Uint8Array) => () => decodeSampledProof(layout, changed, root, [1])
      // The rows at the end are held against the model's root by who checks.
      const rowsAt = bytes.length - 6 * (config.dim + 32 * Math.ceil(Math.log2(config.vocab)))
      const tokens = 8 + 85 + 4
      fc.assert(
        fc.property(fc.integer({ min: tokens + 4 * 7, max: rowsAt - 1 }), fc.nat(7), (at, bit) => {
          const changed = bytes.slice()
          changed[at] = (changed[at] as number) ^ (1 << bit)
          expect(decode(changed)).toThrow(expect.objectContaining({ code: 'tampered' }))
        }),
        { numRuns: 60 },
      )
      expect(decode(bytes.subarray(0, bytes.length - 1))).toThrow(expect.objectContaining({ code: 'truncated' }))
      expect(decode(Buffer.concat([bytes, bytes]))).toThrow(expect.objectContaining({ code: 'oversized' }))
    }
  })

  test('layers other than those asked for do not pass', () => {
    const { layout, bytes, root } = sampled(0, [1])
    expect(() => decodeSampledProof(layout, bytes, root, [0])).toThrow(expect.objectContaining({ name: 'ProofError' }))
  })
})
