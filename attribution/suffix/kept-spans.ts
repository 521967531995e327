import { algoV1, spansV1 } from './algo-v1.ts'
import { maximalSpans, type Place } from './find-spans.ts'
import type { SuffixIndex } from './suffix-index.ts'

/** A span that counts, with the contributions whose documents it stands in. */
export type KeptSpan = {
  readonly start: number
  readonly length: number
  /** Sum of its tokens' scores. */
  readonly weight: number
  readonly places: readonly SpanPlace[]
}

export type SpanPlace = Place & { readonly contribId: bigint }

/** The spans of an answer that earn, best first. `output`: at most `answerTokensMax` tokens, with their scores. */
export function keptSpans(
  indexes: readonly SuffixIndex[],
  output: ArrayLike<number>,
  scores: readonly number[],
  { placesMax } = spansV1,
): KeptSpan[] {
  const candidates = maximalSpans(indexes, output, { tokensMin: algoV1.tokensMin, placesMax })
    .filter(({ places }) => places.length <= placesMax)
    .map(({ start, length, places }) => ({ start, length, places, weight: spanWeight(scores, start, length) }))
  candidates.sort(outranks)
  return candidates.slice(0, keptMax(output.length)).map((span) => ({
    ...span,
    places: span.places.map((place) => ({
      ...place,
      contribId: (indexes[place.index] as SuffixIndex).contributionAt(place.position),
    })),
  }))
}

/** How many spans of an answer of so many tokens are kept. */
export function keptMax(outputTokens: number): number {
  return Math.ceil(outputTokens / algoV1.tokensPerSpan)
}

export function spanWeight(scores: readonly number[], start: number, length: number): number {
  return scores.slice(start, start + length).reduce((sum, score) => sum + score, 0)
}

type Ranked = Pick<KeptSpan, 'start' | 'length' | 'weight'>

/** Negative where `a` stands before `b`: heavier, then longer, then earlier. */
export function outranks(a: Ranked, b: Ranked): number {
  return b.weight - a.weight || b.length - a.length || a.start - b.start
}
