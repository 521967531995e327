import { termForms } from '../terms.ts'
import { Bm25, bestHits, type Hit, queryTermsMax } from './bm25.ts'
import { type Passage, passagesOf, type RetrievalDocument } from './passages.ts'
import { RetrievalError } from './retrieval-error.ts'
import { vectorDot, vectorOf } from './vectors.ts'

/** How passages are ranked. The number is what a receipt says. */
export const retrievalRules = { words: 1, vectors: 2, both: 3 } as const
export type RetrievalRule = keyof typeof retrievalRules

/** A passage found, best first. */
export type Citation = Passage & { readonly score: number }

/** Citations of one retrieval; 2520, by which they are weighed, is divisible by every number up to it. */
export const citationsMax = 10
/** Hits of each ranking that the two are merged of. */
const mergedHits = 64
/** Reciprocal ranks begin at 1/61, in 1/2^20. */
const rankOffset = 60

/** Passages of one or more Datanet versions, contributions ascending, ready to be searched. docs/RETRIEVAL.md. */
export class RetrievalIndex {
  readonly passages: readonly Passage[]
  readonly #words: Bm25
  readonly #vectors: readonly Int8Array[]

  /** Throws {@link RetrievalError}: `order`, `size`, `binary`, `encoding`. */
  constructor(documents: Iterable<RetrievalDocument>) {
    const passages: Passage[] = []
    const terms: (readonly string[])[] = []
    let last = -1n
    for (const document of documents) {
      if (document.contribId <= last) {
        throw new RetrievalError('order', `contribution ${document.contribId} behind contribution ${last}`)
      }
      last = document.contribId
      for (const { terms: own, ...passage } of passagesOf(document)) {
        passages.push(passage)
        terms.push(own)
      }
    }
    this.passages = passages
    this.#words = new Bm25(terms)
    this.#vectors = terms.map((own) => this.#vectorOf(own))
  }

  /** The best passages for a query, at most {@link citationsMax}; of equal ones the first. Throws {@link RetrievalError} `size`. */
  search(query: string, rule: RetrievalRule, most: number = citationsMax): Citation[] {
    if (most > citationsMax) throw new RetrievalError('size', `${most} citations, more than ${citationsMax}`)
    const terms = termForms(query)
    if (new Set(terms).size > queryTermsMax)
      throw new RetrievalError('size', `a query of more than ${queryTermsMax} terms`)
    return this.#rank(terms, rule, most).map(({ unit, score }) => ({ ...(this.passages[unit] as Passage), score }))
  }

  #rank(terms: readonly string[], rule: RetrievalRule, most: number): Hit[] {
    if (terms.length === 0) return []
    if (rule === 'words') return this.#words.search(terms, most)
    if (rule === 'vectors') return this.#nearest(terms, most)
    const merged = new Float64Array(this.passages.length)
    for (const hits of [this.#words.search(terms, mergedHits), this.#nearest(terms, mergedHits)]) {
      for (const [i, { unit }] of hits.entries()) {
        merged[unit] = (merged[unit] as number) + Math.floor(2 ** 20 / (rankOffset + 1 + i))
      }
    }
    return bestHits(merged, most)
  }

  #nearest(terms: readonly string[], most: number): Hit[] {
    const vector = this.#vectorOf(terms)
    return bestHits(
      this.#vectors.map((other) => vectorDot(vector, other)),
      most,
    )
  }

  #vectorOf(terms: readonly string[]): Int8Array {
    return vectorOf(terms, (term) => this.#words.rarity(term))
  }
}
