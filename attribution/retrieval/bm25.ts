import { log2Fixed } from '../suffix/log2.ts'
import { RetrievalError } from './retrieval-error.ts'

/** A unit that a query finds: its place among the units, and how well it fits. */
export type Hit = { readonly unit: number; readonly score: number }

/** Score of a term is below 2^24, so sums of so many stay whole numbers. */
export const queryTermsMax = 1024
/** A unit's place is a u32 with room; beyond it a Datanet is searched in parts. */
export const unitsMax = 2 ** 24
/** Terms of all units together. */
export const termsMax = 2 ** 32 - 1

/**
 * BM25 (k1 = 6/5, b = 3/4) in integers: the same scores, so the same ranking, on every machine. docs/RETRIEVAL.md §3.
 * Units are lists of terms: passages of a Datanet, or whatever else is to be ranked.
 */
export class Bm25 {
  readonly units: number
  readonly #postings = new Map<string, Postings>()
  readonly #lengths: Uint32Array
  #terms = 0

  /** Throws {@link RetrievalError} `size`. */
  constructor(units: readonly (readonly string[])[]) {
    if (units.length > unitsMax) throw new RetrievalError('size', `${units.length} units, more than ${unitsMax}`)
    this.units = units.length
    this.#lengths = Uint32Array.from(units, ({ length }) => length)
    for (const [unit, terms] of units.entries()) {
      this.#terms += terms.length
      if (this.#terms > termsMax) throw new RetrievalError('size', `more than ${termsMax} terms`)
      for (const term of terms) this.#count(term, unit)
    }
  }

  /** In how many units a term stands. */
  frequency(term: string): number {
    return this.#postings.get(term)?.units.length ?? 0
  }

  /** Rarity of a term in 1/65,536 bit: Λ(2N + 2) − Λ(2·frequency + 1). */
  rarity(term: string): number {
    return log2Fixed(2 * this.units + 2) - log2Fixed(2 * this.frequency(term) + 1)
  }

  /** Score of every unit, 0 where no term of the query stands in it. Throws {@link RetrievalError} `size`. */
  scores(query: readonly string[]): Float64Array {
    const distinct = new Set(query)
    if (distinct.size > queryTermsMax) {
      throw new RetrievalError('size', `a query of ${distinct.size} different terms, more than ${queryTermsMax}`)
    }
    const scores = new Float64Array(this.units)
    for (const term of distinct) {
      const postings = this.#postings.get(term)
      if (postings === undefined) continue
      const rarity = this.rarity(term)
      for (const [i, unit] of postings.units.entries()) {
        const saturated = this.#saturated(postings.counts[i] as number, this.#lengths[unit] as number)
        // Below 2^25 · 2^18: exact.
        scores[unit] = (scores[unit] as number) + Math.floor((rarity * saturated) / 65_536)
      }
    }
    return scores
  }

  /** The best units, of equal ones the first; none that has no term of the query. */
  search(query: readonly string[], most: number): Hit[] {
    return bestHits(this.scores(query), most)
  }

  #count(term: string, unit: number): void {
    let postings = this.#postings.get(term)
    if (postings === undefined) {
      postings = { units: [], counts: [] }
      this.#postings.set(term, postings)
    }
    const last = postings.units.length - 1
    if (postings.units[last] === unit) postings.counts[last] = (postings.counts[last] as number) + 1
    else {
      postings.units.push(unit)
      postings.counts.push(1)
    }
  }

  readonly #saturations = new Map<number, number>()

  /** ⌊65,536 · 22·count·T / (10·count·T + 3·T + 9·length·N)⌋, below 2.2 · 65,536. */
  #saturated(count: number, length: number): number {
    const key = count < 2 ** 20 && length < 2 ** 20 ? count * 2 ** 20 + length : undefined
    const known = key === undefined ? undefined : this.#saturations.get(key)
    if (known !== undefined) return known
    const [c, total] = [BigInt(count), BigInt(this.#terms)]
    const below = 10n * c * total + 3n * total + 9n * BigInt(length) * BigInt(this.units)
    const value = Number((65_536n * 22n * c * total) / below)
    if (key !== undefined && this.#saturations.size < saturationsMax) this.#saturations.set(key, value)
    return value
  }
}

/** Best first, of equal ones the first unit; none of score 0 or less. */
export function bestHits(scores: ArrayLike<number>, most: number): Hit[] {
  const hits: Hit[] = []
  for (let unit = 0; unit < scores.length; unit++) {
    const score = scores[unit] as number
    if (score > 0) hits.push({ unit, score })
  }
  hits.sort((a, b) => b.score - a.score || a.unit - b.unit)
  return hits.slice(0, most)
}

/** Units of a term, ascending, and how often it stands in each. */
type Postings = { readonly units: number[]; readonly counts: number[] }

/** Pairs of count and length that are kept: passages have few different ones. */
const saturationsMax = 2 ** 16
