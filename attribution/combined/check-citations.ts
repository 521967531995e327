import type { SpanCall } from '../suffix/check-spans.ts'
import type { IndexOpener } from '../suffix/index-opener.ts'
import { QueryMatches } from '../suffix/query-matches.ts'
import { noRun, openTokens } from '../suffix/runs.ts'
import { commonTokens, queryOf } from '../suffix/suffix-index.ts'
import { orderTokens } from '../suffix/suffix-sort.ts'
import { algoV2 } from './algo-v2.ts'
import { citationsOf, type Extent, outranks, overlaps, type PromptCitation, precedes } from './citations.ts'

/** What is wrong with well-formed citations of a prompt, of a set whose indexes are all in force. docs/ATTRIBUTION.md §7. */
export class CitationCheck {
  readonly #set: readonly IndexOpener[]
  readonly #prompt: Uint32Array
  /** The tokens that are looked at, as a query. */
  readonly #query: Uint32Array
  readonly #matches: readonly QueryMatches[]
  readonly #citations: readonly PromptCitation[]

  constructor(set: readonly IndexOpener[], prompt: Uint32Array, citations: readonly PromptCitation[]) {
    this.#set = set
    this.#prompt = prompt
    this.#query = queryOf(prompt.subarray(0, algoV2.promptTokensMax))
    this.#matches = set.map(({ index }) => new QueryMatches(index, this.#query, algoV2.placesMax))
    this.#citations = citations
  }

  /** Undefined where nothing is wrong, or nothing shows it: a passage of which every part stands too often. */
  wrong(): SpanCall | undefined {
    for (const [number, citation] of this.#citations.entries()) {
      const call =
        this.#misplaced(citation, number) ??
        this.#longer(citation, number) ??
        this.#earlier(citation, number) ??
        this.#common(citation, number)
      if (call !== undefined) return call
    }
    return this.#omitted()
  }

  #misplaced(
    { start, length, index: place, position, contribId }: PromptCitation,
    number: number,
  ): SpanCall | undefined {
    const opener = this.#set[place] as IndexOpener
    const { index } = opener
    const at = this.#at(place)
    const fits = position + length <= index.record.n
    const same = fits ? commonTokens(index.tables.tokens, position, this.#query, start, start + length) : 0
    if (same < length) {
      const text = fits ? opener.tokens(position + same, position + same + 1) : noRun
      const prompt = fits ? openTokens(this.#prompt, start + same, start + same + 1) : noRun
      return ['badCitation', { number, at, offset: same, text, prompt }]
    }
    if (index.contributionAt(position) === contribId) return undefined
    return ['badCitationContribution', { number, at, ...this.#documentAt(place, position) }]
  }

  #longer({ start, length }: PromptCitation, number: number): SpanCall | undefined {
    for (const before of [true, false]) {
      const [from, to] = before ? [start - 1, start + length] : [start, start + length + 1]
      if (from < 0 || to > this.#query.length) continue
      const [place] = this.#places(from, to)
      if (place === undefined) continue
      const shown = { ...this.#shownAt(number, place, from, to), document: 0, documents: noRun }
      return ['longerCitation', shown, before]
    }
    return undefined
  }

  #earlier(citation: PromptCitation, number: number): SpanCall | undefined {
    const { start, length } = citation
    const earlier = this.#places(start, start + length).find((place) => precedes(place, citation))
    if (earlier === undefined) return undefined
    const shown = this.#shownAt(number, earlier, start, start + length)
    return ['earlierCitation', { ...shown, ...this.#documentAt(earlier.index, earlier.position) }]
  }

  #common({ start, length }: PromptCitation, number: number): SpanCall | undefined {
    if (length > orderTokens || this.#countOf(start, start + length) <= algoV2.placesMax) return undefined
    const shown = { set: this.#records, number, prompt: openTokens(this.#prompt, start, start + length) }
    return ['commonCitation', { ...shown, counts: this.#boundsOf(start, start + length) }]
  }

  #omitted(): SpanCall | undefined {
    const right = citationsOf(
      this.#set.map(({ index }) => index),
      this.#query,
    )
    for (const omitted of right) {
      const room = this.#roomOf(omitted)
      const call = room && this.#shownOmitted(omitted, room)
      if (call !== undefined) return call
    }
    return undefined
  }

  /** Where the citations that a passage does not outrank end and begin beside it; undefined where it cannot be one of them. */
  #roomOf(omitted: Extent): { readonly left: number; readonly right: number } | undefined {
    const higher = this.#citations.filter((cited) => !outranks(omitted, cited))
    if (higher.length === algoV2.citationsMax || higher.some((cited) => overlaps(cited, omitted))) return undefined
    const ends = higher.map(({ start, length }) => start + length).filter((end) => end <= omitted.start)
    const starts = higher.map(({ start }) => start).filter((start) => start > omitted.start)
    return { left: Math.max(0, ...ends), right: Math.min(this.#query.length, ...starts) }
  }

  #shownOmitted(
    { start, length, index: number, position }: PromptCitation,
    { left, right }: { readonly left: number; readonly right: number },
  ): SpanCall | undefined {
    const end = start + length
    const part = this.#partOf(start, end, algoV2.placesMax)
    const before = left > 0 ? this.#partOf(left - 1, end, 0) : noPart
    const behind = right < this.#query.length ? this.#partOf(start, right + 1, 0) : noPart
    if (part === undefined || before === undefined || behind === undefined) return undefined
    const parts = [part, before, behind].filter((each) => each.length > 0)
    const from = Math.min(start, ...parts.map((each) => each.start))
    const to = Math.max(end, ...parts.map((each) => each.start + each.length))
    const shown = {
      set: this.#records,
      ...{ start, length, number, position, part, before, behind },
      text: (this.#set[number] as IndexOpener).tokens(position, position + length),
      prompt: openTokens(this.#prompt, from, to),
    }
    return ['omittedCitation', shown]
  }

  /** At most 64 tokens of `from` … `to` − 1 that stand at no more places than that. */
  #partOf(from: number, to: number, placesMax: number) {
    const length = Math.min(to - from, orderTokens)
    for (let start = from; start + length <= to; start++) {
      if (this.#countOf(start, start + length) > placesMax) continue
      return { start, length, counts: this.#boundsOf(start, start + length) }
    }
    return undefined
  }

  /** How often at most 64 tokens of the prompt stand in the set. */
  #countOf(from: number, to: number): number {
    const bounds = this.#set.map(({ index }) => index.range(this.#query, from, to))
    return bounds.reduce((sum, { lo, hi }) => sum + hi - lo, 0)
  }

  #boundsOf(from: number, to: number) {
    const query = this.#query.subarray(from, to)
    return this.#set.map((opener) => opener.boundsOf(query))
  }

  /** Where tokens of the prompt stand, and whose text that is. */
  #places(from: number, to: number) {
    return this.#matches.flatMap((matches, index) =>
      matches.places(from, to).map((position) => {
        return { index, position, contribId: matches.index.contributionAt(position) }
      }),
    )
  }

  #shownAt(number: number, { index, position }: Pick<PromptCitation, 'index' | 'position'>, from: number, to: number) {
    const text = (this.#set[index] as IndexOpener).tokens(position, position + to - from)
    return { number, at: this.#at(index), position, text, prompt: openTokens(this.#prompt, from, to) }
  }

  #documentAt(place: number, position: number) {
    const opener = this.#set[place] as IndexOpener
    const document = opener.index.documentAt(position)
    return { document, documents: opener.documents(document, Math.min(document + 2, opener.index.record.documents)) }
  }

  get #records() {
    return this.#set.map(({ index }) => index.record)
  }

  #at(number: number) {
    const ids = this.#set.map(({ index }) => index.id)
    return { ids, number, index: (this.#set[number] as IndexOpener).index.record }
  }
}

/** Where no citation of a higher rank is on a side. */
const noPart = { start: 0, length: 0, counts: [] }
