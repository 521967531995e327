import { entryClasses } from '../../protocol/attribution-entry.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { algoV1, type SpanRule, spansV1 } from './algo-v1.ts'
import { contains, decodeEvidence, type Evidence } from './evidence.ts'
import type { IndexOpener } from './index-opener.ts'
import { type KeptSpan, keptMax, keptSpans, outranks } from './kept-spans.ts'
import { QueryMatches } from './query-matches.ts'
import { noRun, openTokens } from './runs.ts'
import { contributionParts, sharesOf } from './shares.ts'
import { tokenScores } from './span-scores.ts'
import { SuffixError } from './suffix-error.ts'
import { commonTokens, queryOf, type SuffixIndex } from './suffix-index.ts'
import { orderTokens } from './suffix-sort.ts'

/** An entry as far as it is judged here. */
export type SpanEntry = {
  readonly class: number
  readonly id: bigint
  readonly weight: bigint
  readonly evidenceHash: Hex
}

/** What a receipt says of spans. */
export type SpanClaims = {
  /** All tokens of the output. */
  readonly output: Uint32Array
  readonly entries: readonly SpanEntry[]
  /** What the S and U entries' `evidenceHash` opens to. */
  readonly evidence: Uint8Array
  /** Whether an index of the set counted for nothing when the batch was committed. */
  readonly isDead: boolean
}

/**
 * A call of DisputeGame that shows a receipt's spans wrong: its arguments behind receipt and segments, `entry` standing for
 * that entry opened, followed by the evidence where the call takes a claim.
 */
export type SpanChallenge = {
  readonly functionName: string
  /** Places of the entries to open: one for a claim, two for badSpanEvidence. */
  readonly entries: readonly number[]
  readonly rest: readonly unknown[]
}

/**
 * What is wrong with a receipt's S and U entries under algoHash v1; undefined where nothing is, or nothing can be shown: a span
 * of more than 64 tokens of which every part stands too often (docs/ATTRIBUTION.md §5). `set` in its order.
 */
export function checkSpans(set: readonly IndexOpener[], claims: SpanClaims): SpanChallenge | undefined {
  const { entries } = claims
  const wrongOnes = wrongEntries(set.length, entries)
  if (wrongOnes !== undefined) return wrongOnes
  const own = entries.findIndex(isOfSpans)
  if (own < 0 || set.length === 0) return undefined
  const found = wrongEvidence(set, claims)
  if (found !== undefined) return { functionName: found[0], entries: [own], rest: found.slice(1) }
  const evidence = decodeEvidence(claims.evidence)
  const wrong = wrongWeight(set, evidence, entries)
  if (wrong < 0) return undefined
  const records = set.map(({ index }) => index.record)
  return { functionName: 'badSpanWeight', entries: [wrong], rest: [records, cutOf(evidence)] }
}

/** What is wrong with entries whatever their evidence: a class that the rule has not, evidence that is not there or not one. */
export function wrongEntries(indexes: number, entries: readonly SpanEntry[]): SpanChallenge | undefined {
  const { G, R, S } = entryClasses
  const wrong = (...places: readonly number[]) => ({ functionName: 'badSpanEvidence', entries: places, rest: [] })
  const other = entries.findIndex(({ class: kind }) => kind === G || kind === R || (kind === S && indexes === 0))
  if (other >= 0) return wrong(other, other)
  const own = entries.findIndex(isOfSpans)
  if (own < 0 || indexes === 0) return undefined
  const bare = entries.findIndex((entry) => isOfSpans(entry) && entry.evidenceHash === zeroHash)
  if (bare >= 0) return wrong(bare, bare)
  const differs = entries.findIndex((entry) => isOfSpans(entry) && entry.evidenceHash !== entries[own]?.evidenceHash)
  return differs < 0 ? undefined : wrong(own, differs)
}

function isOfSpans({ class: kind }: SpanEntry): boolean {
  return kind === entryClasses.S || kind === entryClasses.U
}

export type SpanCall = readonly [functionName: string, ...rest: unknown[]]

/** What is wrong with the spans part of evidence, under a rule. */
export function wrongEvidence(
  set: readonly IndexOpener[],
  claims: Omit<SpanClaims, 'entries'>,
  rule: SpanRule = spansV1,
): SpanCall | undefined {
  const tokens = claims.isDead ? 0 : Math.min(claims.output.length, algoV1.answerTokensMax)
  const evidence = readEvidence(claims.evidence, rule)
  const named = evidence?.spans.every(({ places }) => places.every(({ index }) => index < set.length))
  if (evidence === undefined || named !== true || evidence.scores.length !== tokens) {
    return ['badSpanForm', set.map(({ index }) => index.id)]
  }
  const check = new EvidenceCheck(set, claims.output, evidence, rule)
  return check.wrongScore() ?? check.wrongSpan() ?? check.omitted()
}

/** Undefined where it has not the form of evidence. */
function readEvidence(bytes: Uint8Array, rule: SpanRule): Evidence | undefined {
  try {
    return decodeEvidence(bytes, rule)
  } catch (error) {
    if (error instanceof SuffixError && error.code === 'format') return undefined
    throw error
  }
}

class EvidenceCheck {
  readonly #set: readonly IndexOpener[]
  readonly #indexes: readonly SuffixIndex[]
  readonly #output: Uint32Array
  /** The tokens that are looked at, as a query. */
  readonly #query: Uint32Array
  readonly #matches: readonly QueryMatches[]
  readonly #evidence: Evidence
  readonly #rule: SpanRule

  constructor(set: readonly IndexOpener[], output: Uint32Array, evidence: Evidence, rule: SpanRule) {
    this.#set = set
    this.#indexes = set.map(({ index }) => index)
    this.#output = output
    this.#query = queryOf(output.subarray(0, evidence.scores.length))
    this.#matches = this.#indexes.map((index) => new QueryMatches(index, this.#query, rule.placesMax))
    this.#evidence = evidence
    this.#rule = rule
  }

  wrongScore(): SpanCall | undefined {
    const right = tokenScores(this.#indexes, this.#query)
    const token = right.findIndex((score, i) => score !== this.#evidence.scores[i])
    if (token < 0) return undefined
    const value = this.#output[token] as number
    const unigrams = this.#set.map((opener) => (value < opener.index.record.vocab ? opener.unigrams(value) : noRun))
    return ['badSpanScore', { set: this.#records, token, output: openTokens(this.#output, token, token + 1), unigrams }]
  }

  wrongSpan(): SpanCall | undefined {
    for (const [k, span] of this.#evidence.spans.entries()) {
      const call = this.#wrongPlace(span, k) ?? this.#missedPlace(span, k) ?? this.#longer(span, k)
      if (call !== undefined) return call
    }
    return undefined
  }

  #wrongPlace({ start, length, places }: KeptSpan, k: number): SpanCall | undefined {
    for (const { index: number, position, contribId } of places) {
      const opener = this.#set[number] as IndexOpener
      const { index } = opener
      const end = position + length
      const fits = end <= index.record.n
      const same = fits ? commonTokens(index.tables.tokens, position, this.#query, start, start + length) : 0
      if (same < length) {
        const text = fits ? opener.tokens(position + same, position + same + 1) : noRun
        const output = fits ? openTokens(this.#output, start + same, start + same + 1) : noRun
        return ['badSpanPlace', { span: k, at: this.#at(number), position, text, output }, same]
      }
      if (index.contributionAt(position) !== contribId) {
        const document = index.documentAt(position)
        const documents = opener.documents(document, Math.min(document + 2, index.record.documents))
        return ['badSpanContribution', { span: k, at: this.#at(number), position, document, documents }]
      }
    }
    return undefined
  }

  #missedPlace({ start, length, places }: KeptSpan, k: number): SpanCall | undefined {
    const isListed = (number: number, position: number) =>
      places.some((place) => place.index === number && place.position === position)
    return this.#standing('missedSpanPlace', k, start, length, isListed)
  }

  #longer({ start, length }: KeptSpan, k: number): SpanCall | undefined {
    const behind = start + length < this.#query.length
    return (
      (start > 0 ? this.#standing('longerSpan', k, start - 1, length + 1, never, true) : undefined) ??
      (behind ? this.#standing('longerSpan', k, start, length + 1, never, false) : undefined)
    )
  }

  /** The call that shows tokens of the output at a place that is not passed over. */
  #standing(
    functionName: string,
    span: number,
    start: number,
    length: number,
    isPassed: (number: number, position: number) => boolean,
    ...rest: readonly unknown[]
  ): SpanCall | undefined {
    for (const [number, opener] of this.#set.entries()) {
      // Of more places than a span lists one is not listed.
      for (const position of this.#matches[number]?.places(start, start + length) ?? []) {
        if (isPassed(number, position)) continue
        const text = opener.tokens(position, position + length)
        const output = openTokens(this.#output, start, start + length)
        return [functionName, { span, at: this.#at(number), position, text, output }, ...rest]
      }
    }
    return undefined
  }

  omitted(): SpanCall | undefined {
    const { scores, spans } = this.#evidence
    const last = spans.length < keptMax(this.#query.length) ? undefined : spans.at(-1)
    for (const span of keptSpans(this.#indexes, this.#query, scores, this.#rule)) {
      if (spans.some((listed) => contains(listed, span))) continue
      if (last !== undefined && outranks(span, last) >= 0) continue
      const anchor = this.#anchorOf(span)
      if (anchor !== undefined) return ['omittedSpan', this.#shownOmitted(span, anchor)]
    }
    return undefined
  }

  #shownOmitted(span: KeptSpan, anchor: number) {
    const { start, length } = span
    const anchorLength = Math.min(length, orderTokens)
    const [place] = span.places as [KeptSpan['places'][number]]
    const { index: number, position } = place
    const query = this.#query.subarray(start + anchor, start + anchor + anchorLength)
    return {
      set: this.#records,
      ...{ start, length, anchorStart: anchor, anchorLength, number, position },
      text: anchorLength === length ? noRun : (this.#set[number] as IndexOpener).tokens(position, position + length),
      output: openTokens(this.#output, start, start + length),
      counts: this.#set.map((opener) => opener.boundsOf(query)),
    }
  }

  /** Where in the span a part of at most 64 tokens begins that stands seldom enough. */
  #anchorOf({ start, length }: KeptSpan): number | undefined {
    const size = Math.min(length, orderTokens)
    for (let anchor = 0; anchor + size <= length; anchor++) {
      const from = start + anchor
      const count = this.#indexes.reduce((sum, index) => {
        const { lo, hi } = index.range(this.#query, from, from + size)
        return sum + hi - lo
      }, 0)
      if (count <= this.#rule.placesMax) return anchor
    }
    return undefined
  }

  #at(number: number) {
    return { ids: this.#indexes.map(({ id }) => id), number, index: (this.#indexes[number] as SuffixIndex).record }
  }

  get #records() {
    return this.#indexes.map(({ record }) => record)
  }
}

const never = () => false

/** The first entry whose weight is not its share; −1 where none is. */
function wrongWeight(set: readonly IndexOpener[], { scores, spans }: Evidence, entries: readonly SpanEntry[]): number {
  const indexed = set.map(({ index }) => ({ datanet: index.record.datanet, tokens: index.tokenCount }))
  const right = sharesOf(scores.length, spans, indexed)
  return entries.findIndex((entry) => {
    if (entry.class !== entryClasses.S && entry.class !== entryClasses.U) return false
    const share = right.find((each) => entryClasses[each.class] === entry.class && each.id === entry.id)
    return entry.weight !== BigInt(share?.weight ?? 0)
  })
}

/** Place in the evidence of the last contribution that has an entry; 0 where all have one. */
export function cutOf({ spans }: Pick<Evidence, 'spans'>): number {
  const parts = [...contributionParts(spans)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, part], i) => ({ part, i }))
  const ranked = parts.sort((a, b) => (a.part === b.part ? a.i - b.i : a.part > b.part ? -1 : 1))
  return ranked.length > algoV1.contributionsMax ? (ranked[algoV1.contributionsMax - 1]?.i ?? 0) : 0
}

/** An opened entry and its evidence, as SpanJudge takes a claim. */
export function spanClaim(entry: unknown, evidence: Uint8Array) {
  return { entry, evidence: bytesToHex(evidence) }
}
