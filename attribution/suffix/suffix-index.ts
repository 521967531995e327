import type { Hex } from '../../protocol/bytes.ts'
import type { Entries } from './entries.ts'
import { type IndexRecord, indexId } from './index-record.ts'
import { PrefixKeys } from './prefix-keys.ts'
import { orderTokens, separator } from './suffix-sort.ts'

/** Tables of an index: the long ones may be on disk. */
export type IndexTables = {
  readonly tokens: Entries
  readonly suffixes: Entries
  readonly starts: Uint32Array
  readonly contribIds: BigUint64Array
  readonly unigrams: Uint32Array
}

/** Answers where tokens stand in the texts of one Datanet version. */
export class SuffixIndex {
  readonly id: Hex
  readonly record: IndexRecord
  readonly tables: IndexTables
  readonly #keys: PrefixKeys
  /** Keys of every `stride`-th suffix: a search begins with them, in memory. */
  readonly #samples: Float64Array
  readonly #stride: number

  /** `stride`: suffixes between two samples; few where reading the tables is quick. */
  constructor(record: IndexRecord, tables: IndexTables, stride: number) {
    this.id = indexId(record)
    this.record = record
    this.tables = tables
    this.#keys = new PrefixKeys(record.vocab)
    this.#stride = stride
    const { tokens, suffixes } = tables
    this.#samples = Float64Array.from({ length: Math.ceil(record.n / stride) }, (_, i) =>
      this.#keys.ofSuffix(tokens, suffixes.at(i * stride)),
    )
  }

  /** Tokens of all documents, without separators. */
  get tokenCount(): number {
    return this.record.n - this.record.documents
  }

  /** How often a token stands in the text. */
  unigram(token: number): number {
    return this.tables.unigrams[token] ?? 0
  }

  /** The contribution whose document has a position. */
  contributionAt(position: number): bigint {
    return this.tables.contribIds[this.documentAt(position)] as bigint
  }

  documentAt(position: number): number {
    const { starts } = this.tables
    let [lo, hi] = [0, starts.length]
    while (hi - lo > 1) {
      const middle = (lo + hi) >>> 1
      if ((starts[middle] as number) <= position) lo = middle
      else hi = middle
    }
    return lo
  }

  /** The first place in suffix order that is not before the query's tokens from … to − 1, at most 64. */
  lowerBound(query: Uint32Array, from: number, to: number): number {
    const key = this.#keys.ofQuery(query, from, to)
    const below = lowestNotBelow(this.#samples, key, 0)
    // A key is a whole number.
    const above = this.#samples[below] === key ? lowestNotBelow(this.#samples, key + 1, below) : below
    const lo = below === 0 ? 0 : (below - 1) * this.#stride + 1
    return this.#search(query, from, to, lo, Math.min(above * this.#stride, this.record.n), false)
  }

  /** The first place behind those that begin with the query, from a place at or before it. */
  upperBound(query: Uint32Array, from: number, to: number, lowest: number): number {
    // Few begin with a long query: steps that double find the end sooner than halving the rest.
    let step = 1
    let lo = lowest
    while (lo + step <= this.record.n && this.begins(lo + step - 1, query, from, to)) {
      lo += step
      step *= 2
    }
    return this.#search(query, from, to, lo, Math.min(lo + step - 1, this.record.n), true)
  }

  /** Where the query's tokens, at most 64, stand: places lo … hi − 1 in suffix order. */
  range(query: Uint32Array, from = 0, to = query.length): { readonly lo: number; readonly hi: number } {
    const lo = this.lowerBound(query, from, to)
    return { lo, hi: this.upperBound(query, from, to, lo) }
  }

  /** How many tokens the suffix at a place and the query have in common. */
  common(place: number, query: Uint32Array, from: number, to: number): number {
    return place < 0 || place >= this.record.n
      ? 0
      : commonTokens(this.tables.tokens, this.tables.suffixes.at(place), query, from, to)
  }

  begins(place: number, query: Uint32Array, from: number, to: number): boolean {
    return this.common(place, query, from, to) === to - from
  }

  #search(query: Uint32Array, from: number, to: number, first: number, end: number, passBegins: boolean): number {
    const { tokens, suffixes } = this.tables
    let [lo, hi] = [first, end]
    while (lo < hi) {
      const middle = Math.floor((lo + hi) / 2)
      if (isBefore(tokens, suffixes.at(middle), query, from, to, passBegins)) lo = middle + 1
      else hi = middle
    }
    return lo
  }
}

/** Tokens from `position` of the text equal to the query's from … to − 1. */
export function commonTokens(tokens: Entries, position: number, query: Uint32Array, from: number, to: number): number {
  let at = from
  // A separator stops it: no query has one.
  while (at < to && tokens.at(position + at - from) === query[at]) at++
  return at - from
}

/** The answer's tokens as a query: a separator becomes a token that stands nowhere. */
export function queryOf(tokens: ArrayLike<number>): Uint32Array {
  return Uint32Array.from(tokens, (token) => (token === separator ? separator - 1 : token))
}

/** Whether the suffix at `position` is before the query, or, where `passBegins`, before or begins with it. */
function isBefore(
  tokens: Entries,
  position: number,
  query: Uint32Array,
  from: number,
  to: number,
  passBegins: boolean,
): boolean {
  const same = commonTokens(tokens, position, query, from, to)
  if (from + same === to) return passBegins
  const token = tokens.at(position + same)
  return token === separator || token < (query[from + same] as number)
}

/** The first place from `from` on whose value is not below `key`; values ascend. */
function lowestNotBelow(values: Float64Array, key: number, from: number): number {
  let [lo, hi] = [from, values.length]
  while (lo < hi) {
    const middle = (lo + hi) >>> 1
    if ((values[middle] as number) < key) lo = middle + 1
    else hi = middle
  }
  return lo
}

/** The part of a query that suffix order knows. */
export function orderEnd(from: number, length: number): number {
  return Math.min(from + orderTokens, length)
}
