import { describe, expect, test } from 'vitest'
import { maximalSpans } from '../../../attribution/suffix/find-spans.ts'
import { SuffixIndex } from '../../../attribution/suffix/suffix-index.ts'
import { Random } from '../../fakes/random.ts'
import { hardTexts, indexOfDocuments, randomDocuments, spansByHand, stitchedAnswer } from '../../fakes/suffix-texts.ts'

const all = { tokensMin: 1, placesMax: 100_000 }

function found(indexes: readonly SuffixIndex[], answer: readonly number[], limits = all) {
  return maximalSpans(indexes, answer, limits).map(({ start, length, places }) => [
    start,
    length,
    places.map(({ index, position }) => [index, position]),
  ])
}

/** The texts of indexes as a search by hand reads them. */
const textsOf = (indexes: readonly SuffixIndex[]) =>
  indexes.map(({ tables: { tokens } }) => Uint32Array.from({ length: tokens.length }, (_, p) => tokens.at(p)))

describe('maximalSpans', () => {
  test.each([
    [1, 5],
    [2, 30],
    [40, 60],
  ])('finds what a search at every position finds: %i tokens of vocabulary, %i times', (vocab, rounds) => {
    const random = new Random(vocab)
    for (let round = 0; round < rounds; round++) {
      const corpora = random.list(1 + random.int(3), () => randomDocuments(random, vocab))
      const indexes = corpora.map((documents, i) => indexOfDocuments(documents, vocab, BigInt(i + 1)))
      const answer = stitchedAnswer(random, corpora.flat(), vocab)
      const byHand = spansByHand(textsOf(indexes), answer)
      expect(JSON.stringify(found(indexes, answer))).toBe(JSON.stringify(byHand))
      for (const tokensMin of [2, 5, 32, 64, 70]) {
        const long = byHand.filter(([, length]) => length >= tokensMin)
        expect(JSON.stringify(found(indexes, answer, { ...all, tokensMin }))).toBe(JSON.stringify(long))
      }
    }
  })

  test.each(Object.entries(hardTexts))('finds the same in hard texts: %s', (name, documents) => {
    const indexes = [indexOfDocuments(documents, 2)]
    const random = new Random(name.length)
    for (let round = 0; round < 5; round++) {
      const answer = stitchedAnswer(random, Object.values(hardTexts).flat(), 2)
      const byHand = spansByHand(textsOf(indexes), answer)
      expect(JSON.stringify(found(indexes, answer))).toBe(JSON.stringify(byHand))
      for (const tokensMin of [5, 64, 70]) {
        const long = byHand.filter(([, length]) => length >= tokensMin)
        expect(JSON.stringify(found(indexes, answer, { ...all, tokensMin }))).toBe(JSON.stringify(long))
      }
    }
  })

  test('a copy longer than the order of suffixes is one span to its last token', () => {
    const copy = Array.from({ length: 150 }, (_, i) => 10 + (i % 83))
    const indexes = [indexOfDocuments([[1, ...copy, 2], copy.slice(0, 100)], 100)]
    expect(found(indexes, [3, ...copy, 4])).toEqual([[1, 150, [[0, 1]]]])
  })

  test.each([
    ['one token', [1]],
    ['a period of three', [1, 2, 3]],
    ['a period of seventy', Array.from({ length: 70 }, (_, i) => i % 9)],
  ])('a text that repeats %s over and over is read a few times, however many spans the answer has', (_, period) => {
    const repeated = (length: number) => Array.from({ length }, (_, i) => period[i % period.length] ?? 0)
    const plain = indexOfDocuments(Array(200).fill(repeated(240)), 10)
    let reads = 0
    const tokens = {
      length: plain.tables.tokens.length,
      at: (place: number) => {
        reads++
        return plain.tables.tokens.at(place)
      },
    }
    const index = new SuffixIndex(plain.record, { ...plain.tables, tokens }, 32)
    const answer = repeated(2048)
    reads = 0
    const spans = found([index], answer, { tokensMin: 5, placesMax: 10 })
    expect(spans.length).toBeGreaterThan(20)
    expect(reads).toBeLessThan(20_000_000)
    const [start, length, places] = spans[7] as [number, number, [number, number][]]
    expect(places.map(([, position]) => position % 241)).toEqual(Array(11).fill(start % period.length))
    expect(length).toBe(240 - (start % period.length))
  })

  test('a span does not cross a separator, and nothing matches one', () => {
    const indexes = [
      indexOfDocuments(
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
        10,
      ),
    ]
    expect(found(indexes, [2, 3, 4, 5])).toEqual([
      [0, 2, [[0, 1]]],
      [2, 2, [[0, 4]]],
    ])
    expect(found(indexes, [0xffff_ffff, 9, 10, 4_000_000])).toEqual([])
  })

  test('says where by the first places only, one more than asked for, when there are more', () => {
    const indexes = [indexOfDocuments(Array(20).fill([1, 2, 3]), 5)]
    const [span] = maximalSpans(indexes, [1, 2, 3], { tokensMin: 1, placesMax: 10 })
    expect(span?.places).toHaveLength(11)
  })

  test('leaves shorter spans out without losing those behind them', () => {
    const indexes = [indexOfDocuments([[1, 2, 3, 4, 5]], 9)]
    expect(found(indexes, [3, 4, 7, 1, 2, 3, 4, 5], { tokensMin: 5, placesMax: 10 })).toEqual([[3, 5, [[0, 0]]]])
  })

  test('an empty answer has none', () => {
    expect(found([indexOfDocuments([[1]], 2)], [])).toEqual([])
  })
})
