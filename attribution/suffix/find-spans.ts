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
 * All maximal spans of an answer over a set of indexes, by start. docs/ATTRIBUTION.md §3.
 *
 * From every token the longest match is sought; it is maximal where it ends behind all that began before it. That is a binary
 * search a token; where 64 tokens of the answer stand at m places, m comparisons more, once for each span that reaches on.
 */
export function maximalSpans(
  indexes: readonly SuffixIndex[],
  output: ArrayLike<number>,
  limits: SpanLimits,
): MaximalSpan[] {
  const query = queryOf(output)
  const spans: MaximalSpan[] = []
  let reached = 0
  for (let start = 0; start < query.length && reached < query.length; start++) {
    start = nextStart(indexes, query, start, reached)
    const end = longestMatch(indexes, query, start)
    if (end <= reached) continue
    reached = end
    if (end - start < limits.tokensMin) continue
    spans.push({ start, length: end - start, places: placesOf(indexes, query, start, end, limits.placesMax) })
  }
  return spans
}

/** Passes over starts deep inside of the last span where its end cannot be outrun from them: long copies are looked up once. */
function nextStart(indexes: readonly SuffixIndex[], query: Uint32Array, start: number, reached: number): number {
  const last = reached + 1 - orderTokens
  if (start >= last) return start
  const passes = indexes.some((index) =>
    index.begins(index.lowerBound(query, last, reached + 1), query, last, reached + 1),
  )
  return passes ? start : last
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
