import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Bm25, queryTermsMax } from '../../../attribution/retrieval/bm25.ts'
import { RetrievalError } from '../../../attribution/retrieval/retrieval-error.ts'

const term = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const units = fc.array(fc.array(term, { maxLength: 12 }), { minLength: 1, maxLength: 20 })

describe('Bm25', () => {
  test('scores within a thousandth of the formula in floating point', () => {
    fc.assert(
      fc.property(units, fc.array(term, { minLength: 1, maxLength: 4 }), (texts, query) => {
        const scores = new Bm25(texts).scores(query)
        for (const [unit, text] of texts.entries()) {
          const exact = floatScore(texts, text, query)
          expect(Math.abs((scores[unit] as number) / 65_536 - exact)).toBeLessThan(0.001 * (1 + exact))
        }
      }),
    )
  })

  test('ranks best first, equal units by place, and none without a term of the query', () => {
    fc.assert(
      fc.property(units, fc.array(term, { minLength: 1, maxLength: 4 }), (texts, query) => {
        const index = new Bm25(texts)
        const [hits, scores] = [index.search(query, 5), index.scores(query)]
        const found = texts.filter((text) => query.some((each) => text.includes(each)))
        expect(hits.length).toBe(Math.min(5, found.length))
        for (const [i, { unit, score }] of hits.entries()) {
          expect(score).toBe(scores[unit])
          const next = hits[i + 1]
          if (next !== undefined) expect(score > next.score || (score === next.score && unit < next.unit)).toBe(true)
        }
        const worst = hits.at(-1)?.score ?? 0
        const listed = new Set(hits.map(({ unit }) => unit))
        for (const [unit, score] of scores.entries()) if (!listed.has(unit)) expect(score <= worst).toBe(true)
      }),
    )
  })

  test('a rarer term is worth more than a common one', () => {
    const index = new Bm25([['common', 'rare'], ['common', 'x'], ['common', 'y'], ['z']])
    expect(index.rarity('rare')).toBeGreaterThan(index.rarity('common'))
    expect(index.rarity('common')).toBeGreaterThan(0)
    expect(index.search(['rare', 'common'], 3).map(({ unit }) => unit)).toEqual([0, 1, 2])
  })

  test('a term that a query says twice counts once', () => {
    const index = new Bm25([['a', 'b'], ['b']])
    expect(index.scores(['a', 'a'])).toEqual(index.scores(['a']))
  })

  test('a query of too many terms is refused by name', () => {
    const query = Array.from({ length: queryTermsMax + 1 }, (_, i) => `t${i}`)
    expect(() => new Bm25([['a']]).scores(query)).toThrow(RetrievalError)
    expect(new Bm25([['a']]).scores(query.slice(1))).toEqual(Float64Array.of(0))
  })
})

/** As in the literature, idf = log2((N + 1) / (frequency + 1/2)). */
function floatScore(texts: readonly string[][], text: readonly string[], query: readonly string[]): number {
  const mean = texts.reduce((sum, { length }) => sum + length, 0) / texts.length
  let score = 0
  for (const each of new Set(query)) {
    const count = text.filter((other) => other === each).length
    if (count === 0) continue
    const frequency = texts.filter((other) => other.includes(each)).length
    const idf = Math.log2((texts.length + 1) / (frequency + 0.5))
    score += (idf * count * 2.2) / (count + 1.2 * (0.25 + (0.75 * text.length) / mean))
  }
  return score
}
