import { QueryMatches } from './query-matches.ts'
import { queryOf, type SuffixIndex } from './suffix-index.ts'
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
  const matches = indexes.map((index) => new QueryMatches(index, query, limits.placesMax))
  // Longer ones are found by their first tokens, too.
  const least = Math.min(Math.max(1, limits.tokensMin), orderTokens)
  const spans: MaximalSpan[] = []
  // The next span ends at `end` or behind, and begins at `from` or behind.
  let [from, end] = [0, least]
  while (end <= query.length) {
    const passed = endsPassed(matches, end, least)
    if (passed > 0) {
      end += passed
      from = Math.max(from, end - least)
      continue
    }
    const start = earliestStart(matches, from, end - least, end)
    const reached = longestMatch(matches, start)
    const length = reached - start
    if (length >= limits.tokensMin) {
      spans.push({ start, length, places: placesOf(matches, start, reached, limits.placesMax) })
    }
    ;[from, end] = [start + 1, reached + 1]
  }
  return spans
}

function stands(matches: readonly QueryMatches[], from: number, to: number): boolean {
  return matches.some((each) => each.stands(from, to))
}

/** How many ends, from `end` on, no match of `least` tokens has for sure: 0 where one ends there. */
function endsPassed(matches: readonly QueryMatches[], end: number, least: number): number {
  // What stands nowhere is in the window that ends one later, too.
  if (!stands(matches, end - least + 1, end)) return 2
  return stands(matches, end - least, end) ? 0 : 1
}

/** The first start from `from` on of a match that reaches `end`; that at `last` does. */
function earliestStart(matches: readonly QueryMatches[], from: number, last: number, end: number): number {
  const deep = end - orderTokens
  let [lo, hi] = [Math.max(from, deep + 1), last]
  if (from <= deep && stands(matches, deep, end)) {
    for (lo = from; longestMatch(matches, lo) < end; ) lo++
    return lo
  }
  while (lo < hi) {
    const middle = (lo + hi) >>> 1
    if (stands(matches, middle, end)) hi = middle
    else lo = middle + 1
  }
  return lo
}

/** The end of the longest match that begins at `start`. */
function longestMatch(matches: readonly QueryMatches[], start: number): number {
  return Math.max(start, ...matches.map((each) => each.longest(start)))
}

/** Where the span stands, at most `placesMax` + 1. */
function placesOf(matches: readonly QueryMatches[], start: number, end: number, placesMax: number): Place[] {
  const places = matches.flatMap((each, index) => each.places(start, end).map((position) => ({ index, position })))
  return places.slice(0, placesMax + 1)
}
