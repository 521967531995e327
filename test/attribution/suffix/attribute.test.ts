import { describe, expect, test } from 'vitest'
import { algoV1, algoV1Preimage } from '../../../attribution/suffix/algo-v1.ts'
import { attribute, contributorEntries, indexSet } from '../../../attribution/suffix/attribute.ts'
import { decodeEvidence, encodeEvidence } from '../../../attribution/suffix/evidence.ts'
import type { KeptSpan } from '../../../attribution/suffix/kept-spans.ts'
import { log2Fixed } from '../../../attribution/suffix/log2.ts'
import { sharesOf } from '../../../attribution/suffix/shares.ts'
import { poolPayee } from '../../../protocol/attribution-entry.ts'
import { algoHashV1 } from '../../../protocol/attribution-rule.ts'
import { bytesToHex, type Hex } from '../../../protocol/bytes.ts'
import { keccak256 } from '../../../protocol/keccak.ts'
import { Random } from '../../fakes/random.ts'
import { indexOfDocuments, randomDocuments, spansByHand, stitchedAnswer } from '../../fakes/suffix-texts.ts'

const span = (start: number, length: number, weight: number, ...contribIds: number[]): KeptSpan => ({
  ...{ start, length, weight },
  places: contribIds.map((id, position) => ({ index: 0, position, contribId: BigInt(id) })),
})
const oneDatanet = [{ datanet: 9n, tokens: 100 }]
const told = (shares: ReturnType<typeof sharesOf>) =>
  shares.map((share) => [share.class, Number(share.id), share.weight])

/** A second reading of docs/ATTRIBUTION.md §3 and §4, in floats where they are far from a boundary. */
function weightsByHand(corpora: readonly (readonly (readonly number[])[])[], texts: Uint32Array[], answer: number[]) {
  const looked = answer.slice(0, 2048)
  const all = corpora.flat(2)
  const surprise = (token: number) => {
    const count = all.filter((other) => other === token).length
    return count === 0 ? 0 : Math.round(256 * Math.log2(all.length / count))
  }
  const candidates = spansByHand(texts, looked)
    .filter(([, length, places]) => length >= 5 && places.length <= 10)
    .map(([start, length, places]) => {
      const weight = looked.slice(start, start + length).reduce((sum, token) => sum + surprise(token), 0)
      return { start, length, places, weight }
    })
  candidates.sort((a, b) => b.weight - a.weight || b.length - a.length || a.start - b.start)
  return candidates.slice(0, Math.ceil(looked.length / 20)).map(({ start, length, weight }) => [start, length, weight])
}

describe('algoHash v1', () => {
  test('is the hash of its constants and its table of logarithms', () => {
    expect(bytesToHex(keccak256(algoV1Preimage()))).toBe(algoHashV1)
  })

  test('logarithms are those of floats to a tenth of a score everywhere', () => {
    const random = new Random(3)
    const numbers = random.list(20_000, () => 1 + random.int(2 ** (1 + random.int(36))))
    const errors = numbers.map((x) => Math.abs(log2Fixed(x) - 65_536 * Math.log2(x)))
    expect(Math.max(...errors)).toBeLessThan(2)
    expect(log2Fixed(1)).toBe(0)
    expect(log2Fixed(2 ** 39)).toBe(39 * 65_536)
    expect(() => log2Fixed(0)).toThrow(expect.objectContaining({ code: 'size' }))
  })

  test('keeps the spans that a search by hand ranks first', () => {
    const random = new Random(11)
    for (let round = 0; round < 25; round++) {
      const vocab = random.pick([3, 60])
      const corpora = random.list(1 + random.int(3), () => randomDocuments(random, vocab))
      const indexes = corpora.map((documents, i) => indexOfDocuments(documents, vocab, BigInt(i + 1)))
      const answer = stitchedAnswer(random, corpora.flat(), vocab)
      const texts = indexes.map(({ tables: { tokens } }) =>
        Uint32Array.from({ length: tokens.length }, (_, p) => tokens.at(p)),
      )
      const kept = attribute(indexes, answer).spans.map(({ start, length, weight }) => [start, length, weight])
      expect(kept).toEqual(weightsByHand(corpora, texts, answer))
    }
  })
})

describe('shares', () => {
  test('a span is split by contribution, not by how often one has it', () => {
    expect(told(sharesOf(10, [span(0, 10, 100, 1, 1, 1, 2)], oneDatanet))).toEqual([
      ['S', 1, 500_000],
      ['S', 2, 500_000],
    ])
  })

  test('what no span covers goes to the units of the Datanets, by their tokens', () => {
    const indexed = [
      { datanet: 9n, tokens: 30 },
      { datanet: 2n, tokens: 60 },
      { datanet: 9n, tokens: 30 },
    ]
    expect(told(sharesOf(40, [span(0, 5, 7, 1), span(3, 7, 7, 4)], indexed))).toEqual([
      ['S', 1, 125_000],
      ['S', 4, 125_000],
      ['U', 2, 375_000],
      ['U', 9, 375_000],
    ])
  })

  test('no spans, and no answer: all to the units', () => {
    expect(told(sharesOf(0, [], oneDatanet))).toEqual([['U', 9, 1_000_000]])
    expect(told(sharesOf(7, [], oneDatanet))).toEqual([['U', 9, 1_000_000]])
  })

  test('64 contributions have entries, the largest; the others go to the units', () => {
    const spans = Array.from({ length: 70 }, (_, i) => span(5 * i, 5, i < 6 ? 1 : 10, 100 - i))
    const shares = told(sharesOf(350, spans, oneDatanet))
    expect(shares).toHaveLength(65)
    expect(shares.slice(0, 2)).toEqual([
      ['S', 31, 15_480],
      ['S', 32, 15_480],
    ])
    expect(shares.at(-1)).toEqual(['U', 9, 9288])
  })

  test('always sum to a million, without entries of nothing', () => {
    const random = new Random(5)
    for (let i = 0; i < 300; i++) {
      const spans = random.list(random.int(40), (k) =>
        span(
          5 * k,
          5,
          random.int(3) * random.int(50_000),
          ...random.list(1 + random.int(10), () => 1 + random.int(200)),
        ),
      )
      const shares = sharesOf(200, spans, [...oneDatanet, { datanet: 4n, tokens: 1 + random.int(1e6) }])
      expect(shares.reduce((sum, { weight }) => sum + weight, 0)).toBe(1_000_000)
      expect(shares.every(({ weight }) => weight > 0)).toBe(true)
    }
  })
})

describe('attribute', () => {
  const copied = Array.from({ length: 40 }, (_, i) => 10 + ((i * 7) % 41))
  const other = Array.from({ length: 60 }, (_, i) => 60 + ((i * 11) % 37))
  const indexes = indexSet([indexOfDocuments([copied, other], 100, 1n), indexOfDocuments([[5, 6, 7]], 100, 2n)])

  test('who was copied word by word gets nearly all of what spans earn', () => {
    const answer = [...copied, 1, 2, 3, ...other.slice(0, 3)]
    const { shares, matched, tokens } = attribute(indexes, answer)
    expect([matched, tokens]).toEqual([40, 46])
    const earned = shares.filter((share) => share.class === 'S')
    expect(earned.map(({ id }) => id)).toEqual([1000n])
  })

  test('entries stand by class and id, pay authors and pools, and carry one evidence', () => {
    const attribution = attribute(indexes, [...copied, ...other, 1, 2])
    const payee: Hex = `0x${'aa'.repeat(20)}`
    const entries = contributorEntries(attribution, () => payee)
    expect(entries.map(({ class: letter, id }) => [letter, id])).toEqual([
      [3, 1000n],
      [3, 1001n],
      [6, 1n],
      [6, 2n],
    ])
    expect(entries.map((entry) => entry.payee)).toEqual([payee, payee, poolPayee(1, 1n), poolPayee(1, 2n)])
    expect(new Set(entries.map((entry) => entry.evidenceHash))).toEqual(new Set([attribution.evidenceHash]))
  })

  test('is the same whatever the order in which the indexes are given', () => {
    expect(attribute(indexSet([...indexes].reverse()), copied)).toEqual(attribute(indexes, copied))
  })

  test('looks at the first 2,048 tokens of an answer', () => {
    const answer = [...Array(2040).fill(1), ...copied]
    expect(attribute(indexes, answer)).toMatchObject({ tokens: 2048, matched: 8, spans: [{ start: 2040, length: 8 }] })
  })

  test('a set of no indexes, of nine, or with one twice is refused by name', () => {
    expect(() => indexSet([])).toThrow(expect.objectContaining({ code: 'size' }))
    expect(() => indexSet(Array(9).fill(indexes[0]))).toThrow(expect.objectContaining({ code: 'size' }))
    expect(() => indexSet([...indexes, ...indexes])).toThrow(expect.objectContaining({ code: 'order' }))
  })
})

describe('evidence', () => {
  const random = new Random(8)
  const corpora = [randomDocuments(random, 50), randomDocuments(random, 50)]
  const indexes = indexSet(corpora.map((documents, i) => indexOfDocuments(documents, 50, BigInt(i + 1))))
  const { evidence, spans } = attribute(indexes, stitchedAnswer(random, corpora.flat(), 50))

  test('reads back as the spans and scores that it was made of', () => {
    const decoded = decodeEvidence(evidence)
    expect(decoded.spans).toEqual(spans)
    expect(encodeEvidence(decoded)).toEqual(evidence)
  })

  test('no changed byte of it reads as the same evidence, and none throws anything but a named error', () => {
    for (let i = 0; i < evidence.length; i++) {
      const changed = evidence.slice()
      changed[i] = (changed[i] as number) ^ 0x11
      try {
        expect(encodeEvidence(decodeEvidence(changed))).not.toEqual(evidence)
      } catch (error) {
        expect(error).toMatchObject({ code: 'format' })
      }
    }
  })

  test('cut or lengthened evidence is refused', () => {
    for (const bytes of [evidence.subarray(0, -1), Uint8Array.of(...evidence, 0), new Uint8Array(0)]) {
      expect(() => decodeEvidence(bytes)).toThrow(expect.objectContaining({ code: 'format' }))
    }
  })

  test.each<[string, KeptSpan[]]>([
    ['too short', [span(0, 4, 0, 1)]],
    ['past the answer', [span(96, 5, 0, 1)]],
    ['without a place', [span(0, 5, 0)]],
    ['with eleven places', [span(0, 5, 0, ...Array(11).fill(1))]],
    ['out of rank', [span(0, 5, 0, 1), span(10, 6, 0, 1)]],
    ['too many', Array.from({ length: 6 }, (_, i) => span(10 * i, 5, 0, 1))],
  ])('a span %s is refused', (_, listed) => {
    const bytes = encodeEvidence({ scores: Array(100).fill(0), spans: listed })
    expect(() => decodeEvidence(bytes)).toThrow(expect.objectContaining({ code: 'format' }))
  })

  test('of the longest answer it fits a transaction', () => {
    expect(6 + 2 * algoV1.answerTokensMax + 1030 * 8 + 103 * 75).toBeLessThan(24_000)
  })
})
