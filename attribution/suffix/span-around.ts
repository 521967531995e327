/** A span of an answer and the part of it that is looked up. */
export type AnchoredSpan = {
  readonly start: number
  readonly length: number
  /** Of its first token, in the answer. */
  readonly anchor: number
  readonly anchorLength: number
}

/** What stands around an anchor: `whole` where all of the span does; `extended` where one token more does too. */
export type Around = { readonly kind: 'part' } | { readonly kind: 'whole' | 'extended'; readonly position: number }

/**
 * Reads the text around an anchor at `anchorPosition` as far as it tells whether the span stands there, and whether it does with one
 * token more. Prover and checker both read by it: so what is opened is what is needed. docs/ATTRIBUTION.md §6.
 */
export function readAround(
  token: (position: number) => number,
  anchorPosition: number,
  answer: ArrayLike<number>,
  { start, length, anchor, anchorLength }: AnchoredSpan,
): Around {
  const position = anchorPosition - (anchor - start)
  const isAnswers = (at: number) => token(position + at - start) === answer[at]
  if (position < 0) return { kind: 'part' }
  for (let at = anchor - 1; at >= start; at--) if (!isAnswers(at)) return { kind: 'part' }
  for (let at = anchor + anchorLength; at < start + length; at++) if (!isAnswers(at)) return { kind: 'part' }
  const before = start > 0 && position > 0 && isAnswers(start - 1)
  const behind = start + length < answer.length && isAnswers(start + length)
  return { kind: before || behind ? 'extended' : 'whole', position }
}

/** Places of an anchor over a set that a proof opens at most. */
export const anchorPlacesMax = 64
