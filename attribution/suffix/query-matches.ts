import type { Entries } from './entries.ts'
import { commonTokens, orderEnd, type SuffixIndex } from './suffix-index.ts'
import { orderTokens } from './suffix-sort.ts'

/** Tokens of a query, 64 or more, as they stand in the text: where, and what was asked of those with one token more. */
type Node = {
  /** Ascending; the first `placesMax` + 1 of them. */
  readonly places: number[]
  /** By the token behind; null where nothing stands. */
  readonly next: Map<number, Node | null>
}

/**
 * Where parts of one query stand in one index. Of parts longer than the order of suffixes tells, all positions with 64 tokens
 * alike are read once for what they have in common with the query behind; parts that go on alike are answered from that. So a
 * text that repeats itself, which has many spans at many positions, is not read once for each.
 */
export class QueryMatches {
  readonly index: SuffixIndex
  readonly #query: Uint32Array
  readonly #placesMax: number
  /** By the first place in suffix order of 64 tokens. */
  readonly #roots = new Map<number, Node>()

  /** `query`: of `queryOf`. */
  constructor(index: SuffixIndex, query: Uint32Array, placesMax: number) {
    this.index = index
    this.#query = query
    this.#placesMax = placesMax
  }

  /** Whether tokens from … to − 1, at most 64, stand anywhere; none always do. */
  stands(from: number, to: number): boolean {
    return from === to || this.index.begins(this.index.lowerBound(this.#query, from, to), this.#query, from, to)
  }

  /** The end of the longest match of the query that begins at `start`. */
  longest(start: number): number {
    const [index, query] = [this.index, this.#query]
    const cap = orderEnd(start, query.length)
    const place = index.lowerBound(query, start, cap)
    const longest = Math.max(index.common(place - 1, query, start, cap), index.common(place, query, start, cap))
    return start + (longest < orderTokens ? longest : orderTokens + this.#walk(start, place, query.length).depth)
  }

  /** Where tokens `start` … `end` − 1 stand: ascending; all positions, or `placesMax` + 1 where there are more. */
  places(start: number, end: number): readonly number[] {
    const [index, query] = [this.index, this.#query]
    const cap = orderEnd(start, end)
    const place = index.lowerBound(query, start, cap)
    if (!index.begins(place, query, start, cap)) return []
    if (cap < end) {
      const { node, depth } = this.#walk(start, place, end)
      return cap + depth === end ? node.places : []
    }
    const found: number[] = []
    for (let at = place; found.length <= this.#placesMax && index.begins(at, query, start, end); at++) {
      found.push(index.tables.suffixes.at(at))
    }
    return found.sort((a, b) => a - b)
  }

  /** As far towards `end` as something stands. */
  #walk(start: number, place: number, end: number): { readonly node: Node; readonly depth: number } {
    const behind = start + orderTokens
    for (let node = this.#roots.get(place), depth = 0; node !== undefined; depth++) {
      if (behind + depth === end) return { node, depth }
      const next = node.next.get(this.#query[behind + depth] as number)
      if (next === null) return { node, depth }
      node = next
    }
    this.#read(start, place)
    return this.#walk(start, place, end)
  }

  /** Reads all positions of the first 64 tokens, and keeps where each longer part of the query stands. */
  #read(start: number, place: number): void {
    const { suffixes } = this.index.tables
    const behind = start + orderTokens
    const last = this.index.upperBound(this.#query, start, behind, place)
    const commonAt = matchLengths(this.index.tables.tokens, this.#query.subarray(start))
    const found: number[][] = [[]]
    // Parts of fewer tokens behind the first 64 than that have all the places that are kept.
    let full = 0
    for (let at = place; at < last && full <= this.#query.length - behind; at++) {
      const position = suffixes.at(at)
      const common = commonAt(position) - orderTokens
      for (let depth = full; depth <= common; depth++) {
        found[depth] ??= []
        found[depth]?.push(position)
      }
      while ((found[full]?.length ?? 0) > this.#placesMax) full++
    }
    this.#keep(place, behind, found)
  }

  #keep(place: number, behind: number, found: readonly number[][]): void {
    let node: Node = this.#roots.get(place) ?? { places: found[0] ?? [], next: new Map() }
    this.#roots.set(place, node)
    for (let depth = 0; behind + depth < this.#query.length; depth++) {
      const token = this.#query[behind + depth] as number
      const places = found[depth + 1]
      if (places === undefined) {
        node.next.set(token, null)
        return
      }
      const next: Node = node.next.get(token) ?? { places, next: new Map() }
      node.next.set(token, next)
      node = next
    }
  }
}

/**
 * How many tokens of a pattern stand at positions of a text, which are asked for ascending and have 64 for sure. No token is read
 * twice: of a position inside of an earlier match the pattern itself says how it goes on (Gusfield's Z algorithm).
 */
function matchLengths(tokens: Entries, pattern: Uint32Array): (position: number) => number {
  const own = selfMatches(pattern)
  // The match that ends last: from … to − 1.
  let [from, to] = [0, 0]
  return (position) => {
    const known = position < to ? (own[position - from] as number) : orderTokens
    if (position < to && known < to - position) return known
    const same = Math.max(position < to ? to - position : 0, orderTokens)
    const length = same + commonTokens(tokens, position + same, pattern, same, pattern.length)
    ;[from, to] = [position, position + length]
    return length
  }
}

/** Of each place of a pattern how many tokens from there on are those that it begins with. */
function selfMatches(pattern: Uint32Array): Uint32Array {
  const own = new Uint32Array(pattern.length)
  own[0] = pattern.length
  let [from, to] = [0, 0]
  for (let at = 1; at < pattern.length; at++) {
    let same = at < to ? Math.min(own[at - from] as number, to - at) : 0
    while (at + same < pattern.length && pattern[same] === pattern[at + same]) same++
    own[at] = same
    if (at + same > to) [from, to] = [at, at + same]
  }
  return own
}
