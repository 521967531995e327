import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { algoV2Preimage } from '../../../attribution/combined/algo-v2.ts'
import { attributeV2 } from '../../../attribution/combined/attribute-v2.ts'
import { citationsOf } from '../../../attribution/combined/citations.ts'
import { decodeParts, encodeParts } from '../../../attribution/combined/evidence-v2.ts'
import { isNear, leadersOf } from '../../../attribution/combined/groups.ts'
import {
  byteQuery,
  decodeTable,
  encodeTable,
  rowSiblings,
  scoreOf,
  tableOf,
  tableRoot,
} from '../../../attribution/combined/influence-table.ts'
import type { SketchFile } from '../../../attribution/gradients/sketch-file.ts'
import { attribute } from '../../../attribution/suffix/attribute.ts'
import { IndexShards } from '../../../attribution/suffix/index-shards.ts'
import { algoHashV1, algoHashV2 } from '../../../protocol/attribution-rule.ts'
import { hexToBytes, zeroHash } from '../../../protocol/bytes.ts'
import { verifyChunk } from '../../../protocol/content-hash.ts'
import { keccakHex } from '../../../protocol/keccak.ts'
import { Random } from '../../fakes/random.ts'
import { randomSignatures, randomTable } from '../../fakes/share-receipt.ts'
import { indexOfDocuments, randomDocuments, stitchedAnswer, subjectOf } from '../../fakes/suffix-texts.ts'

const vocab = 500
const passage = Array.from({ length: 40 }, (_, i) => 100 + i)
const filler = (id: number) => Array.from({ length: 30 }, (_, i) => 200 + ((7 * id + i) % 250))
const nobody = { prompt: [], signatureOf: () => undefined }

/** Of contributions 1000, 1001, …: the first holds the passage, so many copies behind it hold it too, and one stranger does not. */
function copiedIndex(copies: number) {
  return indexOfDocuments([...Array.from({ length: copies + 1 }, () => passage), filler(1)], vocab)
}
const first = 1_000n

describe('class S of algoHash v2', () => {
  test.each([1, 5, 12, 31])('%i copies take nothing from the first, whom v1 lets share or be buried', (copies) => {
    const index = copiedIndex(copies)
    const same = new Uint32Array(128).fill(7)
    const { shares } = attributeV2([index], passage, { prompt: [], signatureOf: () => same })
    expect(shares).toEqual([{ class: 'S', id: first, weight: 1_000_000 }])
    const v1 = attribute([index], passage).shares.find(({ class: letter, id }) => letter === 'S' && id === first)
    expect(v1?.weight ?? 0).toBe(copies > 9 ? 0 : Math.ceil(1_000_000 / (copies + 1)))
  })

  test('eleven originals have common speech: nobody earns by it', () => {
    const { shares, matched } = attributeV2([copiedIndex(10)], passage, nobody)
    expect(shares.map(({ class: letter }) => letter)).toEqual(['U'])
    expect(matched).toBe(0)
  })

  test('is v1 where no signature was shown and no contribution has a span twice', () => {
    const random = new Random(5)
    let compared = 0
    for (let round = 0; round < 40; round++) {
      const documents = randomDocuments(random, vocab)
      const index = indexOfDocuments(documents, vocab)
      const answer = stitchedAnswer(random, documents, vocab)
      const [v1, v2] = [attribute([index], answer), attributeV2([index], answer, nobody)]
      if (v1.shares.filter(({ class: letter }) => letter === 'S').length > 38) continue
      const isSame = v2.spans.every(({ start, length, places }) => {
        const other = v1.spans.find((span) => span.start === start && span.length === length)
        return other?.places.length === places.length
      })
      if (!isSame || v1.spans.length !== v2.spans.length) continue
      compared++
      expect(v2.shares).toEqual(v1.shares)
      expect(v2.matched).toBe(v1.matched)
    }
    expect(compared).toBeGreaterThan(10)
  })

  test('each follows the first leader that it is near, and leaders are near no leader before them', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 30 }), (seed, count) => {
        const random = new Random(seed)
        const ids = Array.from({ length: count }, (_, i) => BigInt(3 * i + 1))
        const signatures = randomSignatures(random, ids)
        const near = (i: number, j: number) =>
          isNear(signatures.get(ids[i] as bigint), signatures.get(ids[j] as bigint))
        const leaders = leadersOf(ids, (id) => signatures.get(id))
        for (const [i, leader] of leaders.entries()) {
          const earlier = leaders.slice(0, i).flatMap((other, j) => (other === j && near(i, j) ? [j] : []))
          expect(leader).toBe(earlier[0] ?? i)
        }
      }),
    )
  })
})

describe('class G of algoHash v2', () => {
  /** Sketches whose influences are drawn by chance. */
  function sketches(random: Random, examples: number, size: number): SketchFile {
    const numbers = () => Int16Array.from({ length: examples * size }, () => random.int(65_535) - 32_767)
    return {
      ...{ base: zeroHash, adapter: zeroHash, data: zeroHash, seed: 1, fold: 2, size, step: 1 },
      ...{ scales: Float32Array.of(1, 0.5), gradients: numbers(), influences: numbers() },
      contributions: Array.from({ length: examples }, () => BigInt(1 + random.int(9))),
    }
  }

  test('a table ranks contributions as the sums of their examples do, but for rounding', () => {
    const random = new Random(3)
    const file = sketches(random, 40, 512)
    const table = tableOf(file)
    const query = Int16Array.from({ length: 512 }, () => random.int(65_535) - 32_767)
    const exact = table.rows.map(({ contribId }) =>
      file.contributions.reduce((sum, id, k) => {
        if (id !== contribId) return sum
        return sum + query.reduce((all, q, i) => all + q * (file.influences[k * 512 + i] as number), 0)
      }, 0),
    )
    const rounded = table.rows.map((row) => Number(scoreOf(row, byteQuery(query))))
    const order = (list: readonly number[]) => list.map((_, i) => i).sort((a, b) => (list[b] ?? 0) - (list[a] ?? 0))
    expect(order(rounded)).toEqual(order(exact))
  })

  test('a table is what its file says, every row under its root, and no byte more or less is one', () => {
    const random = new Random(4)
    const table = tableOf(sketches(random, 30, 16))
    const bytes = encodeTable(table)
    expect(decodeTable(bytes)).toEqual(table)
    expect(decodeTable(Buffer.from(bytes)), 'as a file is read').toEqual(table)
    expect(tableRoot(decodeTable(bytes))).toBe(tableRoot(table))
    for (const [row] of table.rows.entries()) {
      const at = bytes.length - (table.rows.length - row) * (9 + 16)
      const proof = { index: row + 1, count: table.rows.length + 1, chunk: bytes.subarray(at, at + 25) }
      const siblings = rowSiblings(table, row).map(hexToBytes)
      expect(verifyChunk(tableRoot(table), { ...proof, siblings })).toBe(true)
    }
    for (const wrong of [bytes.subarray(0, -1), Uint8Array.of(...bytes, 0), bytes.subarray(1)]) {
      expect(() => decodeTable(wrong)).toThrow('a table of influences')
    }
  })

  test('has 30 % by the positive products, and nothing where none is', () => {
    const index = copiedIndex(0)
    const rows = randomTable(new Random(1), [5n, 6n, 7n]).rows
    const query = rows[1]?.vector as Int8Array
    const sketch = (sign: number) => ({ rows: rows.slice(1, 2), query: query.map((value) => sign * value) })
    const helped = attributeV2([index], passage, { ...nobody, sketch: sketch(1) })
    expect(helped.shares).toEqual([
      { class: 'S', id: first, weight: 700_000 },
      { class: 'G', id: 6n, weight: 300_000 },
    ])
    const harmed = attributeV2([index], passage, { ...nobody, sketch: sketch(-1) })
    expect(harmed.shares).toEqual([{ class: 'S', id: first, weight: 1_000_000 }])
  })
})

describe('class R of algoHash v2', () => {
  const cited = Array.from({ length: 36 }, (_, i) => 300 + i)
  const index = indexOfDocuments([passage, cited, [...cited.slice(0, 33), 9]], vocab)

  test('passages of the prompt, longest first and apart from each other, each of the smallest id that has it', () => {
    const prompt = [1, ...cited, 2, ...passage, 3, ...cited.slice(0, 33)]
    expect(citationsOf([index], prompt)).toMatchObject([
      { start: 38, length: 40, contribId: 1_000n },
      { start: 1, length: 36, contribId: 1_001n },
      { start: 79, length: 33, contribId: 1_001n },
    ])
    const { shares } = attributeV2([index], [], { prompt, signatureOf: () => undefined })
    // 2520, 1260 + 840.
    expect(shares.filter(({ class: letter }) => letter === 'R')).toEqual([
      { class: 'R', id: 1_000n, weight: 54_545 },
      { class: 'R', id: 1_001n, weight: 45_455 },
    ])
  })

  test('what is shorter than 32 tokens is no quotation', () => {
    expect(citationsOf([index], passage.slice(0, 31))).toEqual([])
  })
})

describe('evidence of algoHash v2', () => {
  test('is what its bytes say, and no byte of it can be another', () => {
    const prompt = [1, ...passage]
    const sketch = { rows: randomTable(new Random(1), [5n, 6n]).rows, query: new Int8Array(24).fill(3) }
    const { evidence, parts } = attributeV2([copiedIndex(2)], passage, { ...nobody, prompt, sketch })
    expect(decodeParts(evidence)).toEqual(parts)
    expect(encodeParts(parts)).toEqual(evidence)
    for (let at = 0; at < evidence.length; at += 7) {
      const changed = evidence.map((byte, i) => (i === at ? byte ^ 1 : byte))
      expect(() => decodeParts(changed), `byte ${at}`).toThrow('evidence')
    }
  })

  test.each([1, 2, 7])('is the same of an index that was made in %i shards', (lots) => {
    const random = new Random(8)
    const documents = random.list(20, () => [
      ...passage.slice(random.int(20)),
      ...random.list(random.int(60), () => random.int(vocab)),
    ])
    const answer = stitchedAnswer(random, documents, vocab)
    const numbered = documents.map((tokens, i) => ({ contribId: BigInt(1_000 + i), tokens }))
    const signatures = randomSignatures(
      random,
      numbered.map(({ contribId }) => contribId),
    )
    const facts = { prompt: answer, signatureOf: (id: bigint) => signatures.get(id) }
    const shards = new IndexShards(vocab)
    const size = Math.ceil(numbered.length / lots)
    for (let from = 0; from < numbered.length; from += size) shards.add(numbered.slice(from, from + size))
    const sharded = attributeV2([shards.index(subjectOf(vocab))], answer, facts)
    expect(sharded).toEqual(attributeV2([indexOfDocuments(documents, vocab)], answer, facts))
    expect(sharded.shares.length).toBeGreaterThan(2)
  })

  test('is another rule than v1, named by its constants', () => {
    expect(algoHashV2).not.toBe(algoHashV1)
    expect(keccakHex(algoV2Preimage())).toBe(algoHashV2)
  })
})
