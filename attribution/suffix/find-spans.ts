import { commonTokens, orderEnd, queryOf, type SuffixIndex } from './suffix-index.ts'
import { orderTokens } from './suffix-sort.ts'

/** Where a span stands: a position in the text of index `index` of the set. */
export type Place = { readonly index: number; readonly position: number }

/** Tokens start … start + length − 1 of an answer that stand in the texts and, with one more on either side, do not. */
export type MaximalSpan = {
  readonly start: number
  readonly length: number
  /** Ascending by (index, position); all of them, or `placesMax` + 1 where there are more. */
  readonly places: readonly Place[]
}

export type SpanLimits = {
  /** Shorter spans are left out. */
  readonly tokensMin: number
  readonly placesMax: number
}

/**
 * All maximal spans of an answer of at least `tokensMin` tokens over a set of indexes, by start. docs/ATTRIBUTION.md §3.
 *
 * Windows of that length are looked up, from each end to the next that a span may have; where one less than it stands nowhere, the
 * next end is passed over. From a window that stands the start is sought by halving, as what is inside of a match is one, and from
 * the start the longest match. That is at most two binary searches a token and a few a span; where 64 tokens of the answer stand at
 * m places, m comparisons more, once for each span that reaches on.
 */
export function maximalSpans(
  indexes: readonly SuffixIndex[],
  output: ArrayLike<number>,
  limits: SpanLimits,
): MaximalSpan[] {
  const query = queryOf(output)
  // Longer ones are found by their first tokens, too.
  const least = Math.min(Math.max(1, limits.tokensMin), orderTokens)
  const spans: MaximalSpan[] = []
  // The next span ends at `end` or behind, and begins at `from` or behind.
  let [from, end] = [0, least]
  while (end <= query.length) {
    const passed = endsPassed(indexes, query, end, least)
    if (passed > 0) {
      end += passed
      from = Math.max(from, end - least)
      continue
    }
    const start = earliestStart(indexes, query, from, end - least, end)
    const reached = longestMatch(indexes, query, start)
    const length = reached - start
    if (length >= limits.tokensMin) {
      spans.push({ start, length, places: placesOf(indexes, query, start, reached, limits.placesMax) })
    }
    ;[from, end] = [start + 1, reached + 1]
  }
  return spans
}

/** Whether the tokens from … to − 1, at most 64, stand anywhere; none always do. */
function stands(indexes: readonly SuffixIndex[], query: Uint32Array, from: number, to: number): boolean {
  return from === to || indexes.some((index) => index.begins(index.lowerBound(query, from, to), query, from, to))
}

/** How many ends, from `end` on, no match of `least` tokens has for sure: 0 where one ends there. */
function endsPassed(indexes: readonly SuffixIndex[], query: Uint32Array, end: number, least: number): number {
  // What stands nowhere is in the window that ends one later, too.
  if (!stands(indexes, query, end - least + 1, end)) return 2
  return stands(indexes, query, end - least, end) ? 0 : 1
}

/** The first start from `from` on of a match that reaches `end`; that at `last` does. */
function earliestStart(
  indexes: readonly SuffixIndex[],
  query: Uint32Array,
  from: number,
  last: number,
  end: number,
): number {
  const deep = end - orderTokens
  let [lo, hi] = [Math.max(from, deep + 1), last]
  if (from <= deep && stands(indexes, query, deep, end)) {
    for (lo = from; longestMatch(indexes, query, lo) < end; ) lo++
    return lo
  }
  while (lo < hi) {
    const middle = (lo + hi) >>> 1
    if (stands(indexes, query, middle, end)) hi = middle
    else lo = middle + 1
  }
  return lo
}

/** The end of the longest match that begins at `start`. */
function longestMatch(indexes: readonly SuffixIndex[], query: Uint32Array, start: number): number {
  const cap = orderEnd(start, query.length)
  let end = start
  for (const index of indexes) {
    const place = index.lowerBound(query, start, cap)
    const longest = Math.max(index.common(place - 1, query, start, cap), index.common(place, query, start, cap))
    end = Math.max(end, start + longest)
    if (longest === orderTokens) end = Math.max(end, longestFrom(index, place, query, start))
  }
  return end
}

/** The same among the suffixes that begin with 64 tokens of the query, the first of them at `place`. */
function longestFrom(index: SuffixIndex, place: number, query: Uint32Array, start: number): number {
  const { tokens, suffixes } = index.tables
  const cap = start + orderTokens
  const end = index.upperBound(query, start, cap, place)
  let longest = cap
  for (let i = place; i < end && longest < query.length; i++) {
    longest = Math.max(longest, cap + commonTokens(tokens, suffixes.at(i) + orderTokens, query, cap, query.length))
  }
  return longest
}

/** Where the span stands, at most `placesMax` + 1. */
function placesOf(
  indexes: readonly SuffixIndex[],
  query: Uint32Array,
  start: number,
  end: number,
  placesMax: number,
): Place[] {
  const places: Place[] = []
  const cap = orderEnd(start, end)
  for (const [i, index] of indexes.entries()) {
    const { tokens, suffixes } = index.tables
    const found: Place[] = []
    for (let at = index.lowerBound(query, start, cap); index.begins(at, query, start, cap); at++) {
      const position = suffixes.at(at)
      const isWhole = cap === end || commonTokens(tokens, position + cap - start, query, cap, end) === end - cap
      if (isWhole) found.push({ index: i, position })
      if (places.length + found.length > placesMax) return [...places, ...found]
    }
    found.sort((a, b) => a.position - b.position)
    places.push(...found)
  }
  return places
}
