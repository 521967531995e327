import { describe, expect, test } from 'vitest'
import type { TokenBytes } from '../../../inference/answer/ending.ts'
import { right } from '../../../inference/check/check-answer.ts'
import { checkProof } from '../../../inference/check/check-proof.ts'
import { drawnLayers } from '../../../inference/check/drawn-layers.ts'
import { rowLeafBytes } from '../../../inference/model-file.ts'
import { ProofError } from '../../../inference/trace/proof-file.ts'
import { bytesToHex, type Hex } from '../../../protocol/bytes.ts'
import { chunks, merkleRootOf } from '../../../protocol/content-hash.ts'
import { noText, partsOf } from '../../fakes/check-world.ts'
import { provenAnswer } from '../../fakes/proven-answer.ts'
import { randomModel, smallConfig } from '../../fakes/random-model.ts'

const model = randomModel(8)
const { facts, file } = provenAnswer(model)
const { weights, columns } = model.embedding
const leaves = chunks(new Uint8Array(weights.buffer, weights.byteOffset, weights.length), rowLeafBytes(columns))
const bare = partsOf(model)
const parts = { ...bare, kept: { ...bare.kept, embeddingRoot: bytesToHex(merkleRootOf(leaves)) }, text: noText }

describe('the file of an answer', () => {
  test('is checked as it is served', () => {
    expect(checkProof(parts, facts, file)).toEqual({ ...right, stops: [] })
  })

  test('no byte of it can be another', () => {
    for (let place = 0; place < file.length; place += 97) {
      const spoilt = file.slice()
      spoilt[place] = (spoilt[place] ?? 0) ^ 16
      const judge = () => checkProof(parts, facts, spoilt).verdict.ok
      let refused = false
      try {
        refused = !judge()
      } catch {
        refused = true
      }
      expect(refused, `byte ${place}`).toBe(true)
    }
  })

  test('cut, prolonged or of another trace it is refused by name', () => {
    const refusal = (bytes: Uint8Array, other = facts) => {
      try {
        return checkProof(parts, other, bytes).verdict
      } catch (error) {
        return error instanceof ProofError ? error.code : error
      }
    }
    expect(refusal(file.subarray(0, -1))).toBe('truncated')
    expect(refusal(new Uint8Array([...file, 0]))).toBe('oversized')
    expect(refusal(file, { ...facts, traceRoot: `0x${'11'.repeat(32)}` })).toBe('tampered')
  })

  test('accumulators that are not those committed are told from wrong ones', () => {
    const at = 8 + 85 + 4 + 4 * 7
    const spoilt = file.slice()
    spoilt[at] = (spoilt[at] ?? 0) ^ 1
    expect(checkProof(parts, facts, spoilt).verdict).toMatchObject({ ok: false, kind: 'root' })
  })
})

describe('a file with stop strings', () => {
  const letters: TokenBytes = { decode: ([token = 0]) => Uint8Array.of(65 + (token % 26)) }
  const textual = { ...parts, text: letters }
  const stopOf = (tokens: readonly number[]) => tokens.map((token) => letters.decode([token])[0] as number)

  test('is right where the answer ends with one, and wrong where it goes on or ends before', () => {
    const { output } = provenAnswer(model)
    const stops = [Uint8Array.from(stopOf(output.slice(-1)))]
    const whole = provenAnswer(model, { stops })
    const at = stopOf(output).indexOf(stops[0]?.[0] as number)
    const expected = at === output.length - 1 ? right.verdict : { ok: false, kind: 'answer', position: 3 + at }
    expect(checkProof(textual, whole.facts, whole.file)).toMatchObject({ verdict: expected, stops })
    const early = [Uint8Array.from(stopOf(output.slice(0, 1)))]
    const late = provenAnswer(model, { stops: early })
    const verdict = { ok: false, kind: 'answer', position: 3, reason: 'the answer goes on after its end' }
    expect(checkProof(textual, late.facts, late.file).verdict).toEqual(verdict)
    const ended = provenAnswer(model, { stops: early, forced: output.slice(0, 1) })
    expect(checkProof(textual, ended.facts, ended.file).verdict).toEqual(right.verdict)
    const cut = provenAnswer(model, { stops: [Uint8Array.of(1)], forced: output.slice(0, 1) })
    expect(checkProof(textual, cut.facts, cut.file).verdict).toMatchObject({
      reason: 'the answer stops before its end',
    })
  })

  test('that tells others than the request commits to is refused', () => {
    const stops = [Uint8Array.of(66)]
    const { facts, file } = provenAnswer(model, { stops })
    const { file: other } = provenAnswer(model, { stops: [Uint8Array.of(67)] })
    expect(() => checkProof(textual, facts, other)).toThrow(expect.objectContaining({ code: 'tampered' }))
    expect(() => checkProof(textual, facts, file.subarray(0, -3))).toThrow(
      expect.objectContaining({ code: 'truncated' }),
    )
  })
})

describe('the file of an answer of which the beacon drew layers', () => {
  const beacon: Hex = `0x${'07'.repeat(32)}`
  const big = randomModel(9, { ...smallConfig, layers: 9 })
  const table = new Uint8Array(
    big.embedding.weights.buffer,
    big.embedding.weights.byteOffset,
    big.embedding.weights.length,
  )
  const plain = partsOf(big)
  const embeddingRoot = bytesToHex(merkleRootOf(chunks(table, rowLeafBytes(big.embedding.columns))))
  const bigParts = { ...plain, kept: { ...plain.kept, embeddingRoot } }
  const sampled = provenAnswer(big, { beacon })
  const drawn = drawnLayers(9, beacon, sampled.facts.requestId)

  test('is checked as it is served', () => {
    expect(drawn).toHaveLength(2)
    expect(checkProof(bigParts, sampled.facts, sampled.file)).toEqual({ ...right, stops: [] })
  })

  test('shows a lie in a drawn layer by its place, and no lie in another', () => {
    for (const layer of Array.from({ length: 9 }, (_, i) => i)) {
      const lying = provenAnswer(big, {
        beacon,
        tamper: ({ op, layer: at, position }, values) => {
          if (op === 'gate' && at === layer && position === 1) (values as Int32Array)[3] = 99
        },
      })
      const { verdict } = checkProof(bigParts, lying.facts, lying.file)
      if (drawn.includes(layer)) expect(verdict).toMatchObject({ ok: false, slab: layer + 1, op: 'gate', position: 1 })
      else expect(verdict).toEqual({ ok: true })
    }
  })

  test('of layers that another beacon draws is refused', () => {
    const other = [...Array(50).keys()]
      .map((i): Hex => `0x${(i + 10).toString(16).padStart(64, '0')}`)
      .find((each) => drawnLayers(9, each, sampled.facts.requestId).join() !== drawn.join())
    const judge = () => checkProof(bigParts, { ...sampled.facts, beacon: other }, sampled.file)
    expect(judge).toThrow(expect.objectContaining({ name: 'ProofError' }))
  })

  test('has an eighth of the layers, rounded up, each as often as any other', () => {
    const counts = new Map<number, number>()
    for (let i = 0; i < 900; i++) {
      const layers = drawnLayers(9, `0x${i.toString(16).padStart(64, '0')}`, sampled.facts.requestId)
      expect(layers).toHaveLength(2)
      for (const layer of layers) counts.set(layer, (counts.get(layer) ?? 0) + 1)
    }
    // 200 of each are expected, 12.5 more or less.
    for (const layer of Array.from({ length: 9 }, (_, i) => i))
      expect(Math.abs((counts.get(layer) ?? 0) - 200)).toBeLessThan(75)
    expect([1, 8, 9, 16, 17].map((n) => drawnLayers(n, beacon, sampled.facts.requestId).length)).toEqual([
      1, 1, 2, 2, 3,
    ])
  })
})
