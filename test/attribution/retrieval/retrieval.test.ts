import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { citedBytes, proveCitation } from '../../../attribution/retrieval/citation-proof.ts'
import { characterRange, passagesOf, passageTerms } from '../../../attribution/retrieval/passages.ts'
import { RetrievalError } from '../../../attribution/retrieval/retrieval-error.ts'
import {
  type Citation,
  citationsMax,
  RetrievalIndex,
  type RetrievalRule,
} from '../../../attribution/retrieval/retrieval-index.ts'
import {
  decodeRetrieval,
  encodeRetrieval,
  queryHashOf,
  retrievalHash,
} from '../../../attribution/retrieval/retrieval-receipt.ts'
import { retrievalShares } from '../../../attribution/retrieval/retrieval-shares.ts'
import { vectorDot, vectorOf } from '../../../attribution/retrieval/vectors.ts'
import { itemTree } from '../../../attribution/suffix/item-tree.ts'
import { termForms } from '../../../attribution/terms.ts'
import { contentHash } from '../../../protocol/content-hash.ts'
import { Random } from '../../fakes/random.ts'
import { randomWords } from '../near-duplicates/texts.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)
const rules: readonly RetrievalRule[] = ['words', 'vectors', 'both']

const random = new Random(3)
const documents = Array.from({ length: 60 }, (_, i) => ({
  contribId: BigInt(2 * i + 1),
  content: bytesOf(randomWords(random, 20 + random.int(400))),
}))
const items = documents.map(({ contribId, content }) => ({ contribId, contentHash: contentHash(content) }))
const index = new RetrievalIndex(documents)
const contentOf = (id: bigint) => documents.find(({ contribId }) => contribId === id)?.content ?? new Uint8Array(0)

/** A run of words of a passage, as somebody would ask for it. */
function queryOf(passage: { contribId: bigint; start: number; end: number }): string {
  const text = Buffer.from(contentOf(passage.contribId).subarray(passage.start, passage.end)).toString()
  return text.split(' ').slice(3, 15).join(' ').toUpperCase()
}

describe('passages', () => {
  test('hold every term once, in order, 64 in each but the last', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'Bb', 'é', '日', ',', '\n'), { maxLength: 300 }), (parts) => {
        const content = bytesOf(parts.join(' '))
        const passages = passagesOf({ contribId: 1n, content })
        expect(passages.flatMap(({ terms }) => terms)).toEqual(termForms(parts.join(' ')))
        for (const [i, { start, end, terms }] of passages.entries()) {
          expect(termForms(Buffer.from(content.subarray(start, end)).toString())).toEqual(terms)
          if (i < passages.length - 1) expect(terms.length).toBe(passageTerms)
        }
      }),
    )
  })

  test('a byte range in characters cuts the same text out', () => {
    const text = 'naïve 日本語 — 😀 end of it'
    for (const { start, end } of passagesOf({ contribId: 1n, content: bytesOf(text) })) {
      const [from, to] = characterRange(bytesOf(text), { start, end })
      expect([...text].slice(from, to).join('')).toBe(Buffer.from(bytesOf(text).subarray(start, end)).toString())
    }
  })

  test.each([
    ['binary', Uint8Array.of(0x61, 0, 0x62)],
    ['encoding', Uint8Array.of(0x61, 0xff)],
  ])('%s content is refused by name', (code, content) => {
    expect(() => new RetrievalIndex([{ contribId: 1n, content }])).toThrow(expect.objectContaining({ code }))
  })

  test('contributions out of order are refused, empty ones have no passage', () => {
    expect(() => new RetrievalIndex(documents.slice(0, 2).reverse())).toThrow(RetrievalError)
    expect(new RetrievalIndex([{ contribId: 1n, content: bytesOf('') }]).search('a', 'both')).toEqual([])
  })
})

describe('search', () => {
  test.each(rules)('by %s finds the passage that a query was taken from', (rule) => {
    for (const passage of index.passages.filter((_, i) => i % 5 === 0)) {
      const { contribId, start, end } = passage
      if (queryOf(passage).split(' ').length < 10) continue
      const found = index.search(queryOf(passage), rule, 3).map((citation) => ({ ...citation, score: 0 }))
      expect(found).toContainEqual({ contribId, start, end, score: 0 })
    }
  })

  test.each(rules)('by %s is best first, at most as many as asked for, and nothing for no words', (rule) => {
    const found = index.search(queryOf(index.passages[7] as Citation), rule, 5)
    expect(found.length).toBeLessThanOrEqual(5)
    for (const [i, { score }] of found.entries()) expect(score).toBeLessThanOrEqual(found[i - 1]?.score ?? score)
    expect(index.search('—', rule)).toEqual([])
    expect(() => index.search('a', rule, citationsMax + 1)).toThrow(RetrievalError)
  })

  test('vectors find a word in another form, which words do not', () => {
    const texts = ['government regulation of banking', 'photosynthesis in green plants', 'a short history of painting']
    const small = new RetrievalIndex(texts.map((text, i) => ({ contribId: BigInt(i + 1), content: bytesOf(text) })))
    expect(small.search('regulated governments', 'words')).toEqual([])
    expect(small.search('regulated governments', 'vectors')[0]?.contribId).toBe(1n)
    expect(small.search('paintings', 'both')[0]?.contribId).toBe(3n)
  })

  test('vectors of many terms have one length, of few none a longer one', () => {
    const rarity = (term: string) => 65_536 * (1 + term.length)
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { maxLength: 64 }), (terms) => {
        const vector = vectorOf(terms, rarity)
        const length = Math.sqrt(vectorDot(vector, vector)) / 256
        expect(length).toBeLessThan(1.05)
        if (terms.length >= 16) expect(length).toBeGreaterThan(0.9)
        expect(length > 0).toBe(terms.length > 0)
      }),
    )
  })
})

describe('citations', () => {
  test('resolve to the bytes of a contribution, and no changed one is shown', () => {
    const root = itemTree(items).root
    for (const citation of index.search(queryOf(index.passages[20] as Citation), 'both', 5)) {
      const content = contentOf(citation.contribId)
      const proof = proveCitation(items, content, citation)
      expect(citedBytes(root, citation, proof)).toEqual(content.subarray(citation.start, citation.end))
      const forged: readonly Citation[] = [
        { ...citation, contribId: citation.contribId + 2n },
        { ...citation, start: citation.start + 1_024, end: citation.end + 1_024 },
        { ...citation, end: citation.end + 1_024 },
        { ...citation, end: citation.start },
      ]
      for (const each of forged) expect(() => citedBytes(root, each, proof)).toThrow(RetrievalError)
      const [first] = proof.chunks
      if (first === undefined) throw new Error('no chunk')
      const chunk = first.chunk.map((byte, i) => (i === 5 ? byte ^ 1 : byte))
      expect(() =>
        citedBytes(root, citation, { ...proof, chunks: [{ ...first, chunk }, ...proof.chunks.slice(1)] }),
      ).toThrow(RetrievalError)
      expect(() => citedBytes(itemTree(items.slice(1)).root, citation, proof)).toThrow(RetrievalError)
    }
  })

  test('across chunks of the content', () => {
    const content = bytesOf(randomWords(new Random(8), 900))
    const own = [{ contribId: 4n, contentHash: contentHash(content) }]
    const citation = { contribId: 4n, start: 1_000, end: 3_100 }
    const proof = proveCitation(own, content, citation)
    expect(proof.chunks.length).toBe(4)
    expect(citedBytes(itemTree(own).root, citation, proof)).toEqual(content.subarray(1_000, 3_100))
    const missing = { ...proof, chunks: proof.chunks.slice(0, 3) }
    expect(() => citedBytes(itemTree(own).root, citation, missing)).toThrow(RetrievalError)
  })
})

describe('receipt', () => {
  const query = queryOf(index.passages[11] as Citation)
  const receipt = {
    rule: 'both',
    queryHash: queryHashOf(query),
    versions: [{ datanet: 3n, version: 2, itemsRoot: itemTree(items).root }],
    citations: index.search(query, 'both', 5),
  } as const

  test('is read back, and every changed byte gives another receipt or none', () => {
    const bytes = encodeRetrieval(receipt)
    expect(decodeRetrieval(bytes)).toEqual(receipt)
    for (let at = 0; at < bytes.length; at++) {
      const changed = Uint8Array.from(bytes)
      changed[at] = (changed[at] as number) ^ 1
      let read: ReturnType<typeof decodeRetrieval> | undefined
      try {
        read = decodeRetrieval(changed)
      } catch (error) {
        expect(error).toMatchObject({ code: 'format' })
      }
      if (read !== undefined) expect(retrievalHash(read)).not.toBe(retrievalHash(receipt))
    }
    for (const cut of [0, 1, 40, bytes.length - 1])
      expect(() => decodeRetrieval(bytes.subarray(0, cut))).toThrow('cut off')
  })

  test('of a search made again is the same', () => {
    const again = new RetrievalIndex(documents).search(query, 'both', 5)
    expect(retrievalHash({ ...receipt, citations: again })).toBe(retrievalHash(receipt))
  })
})

describe('shares', () => {
  const citations = fc.array(fc.record({ contribId: fc.bigInt({ min: 1n, max: 6n }) }), {
    minLength: 1,
    maxLength: citationsMax,
  })

  test('sum to a million, and a better rank never earns less', () => {
    fc.assert(
      fc.property(citations, (list) => {
        const shares = retrievalShares(list)
        expect(shares.reduce((sum, { weight }) => sum + weight, 0)).toBe(1_000_000)
        const moved = [...list.slice(1), ...list.slice(0, 1)]
        const first = list[0]?.contribId
        const of = (all: typeof shares) => all.find(({ contribId }) => contribId === first)?.weight ?? 0
        expect(of(shares)).toBeGreaterThanOrEqual(of(retrievalShares(moved)))
      }),
    )
    expect(retrievalShares([])).toEqual([])
  })

  test("near-duplicates' shares are their original's, so that copies earn nothing", () => {
    fc.assert(
      fc.property(citations, (list) => {
        const copied = list.map(({ contribId }, i) => ({ contribId: i % 2 === 0 ? contribId : contribId + 100n }))
        expect(retrievalShares(copied, (id) => (id > 100n ? id - 100n : id))).toEqual(retrievalShares(list))
      }),
    )
  })
})
