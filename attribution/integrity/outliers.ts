import { Bm25 } from '../retrieval/bm25.ts'
import { passagesOf, type RetrievalDocument } from '../retrieval/passages.ts'

/** A contribution and how strange it is: what is far above the others is looked at. */
export type Measured = { readonly contribId: bigint; readonly value: number }

/** Robust z-scores from 3.5 on are outliers (Iglewicz and Hoaglin); in thousandths. */
const outlierMilli = 3_500
/** The median absolute deviation of a normal distribution is 0.6745 deviations. */
const normalMilli = 674.5
/** Of fewer nothing is usual. */
export const measuredMin = 20

/**
 * Contributions to be held back until somebody has looked at them: those above the median by 3.5 robust deviations, in the
 * order given. None of fewer than 20, and none where more than half are equal. docs/INTEGRITY.md §2.
 */
export function outliers(measured: readonly Measured[]): Measured[] {
  if (measured.length < measuredMin) return []
  const median = lowerMedian(measured.map(({ value }) => value))
  const deviation = lowerMedian(measured.map(({ value }) => Math.abs(value - median)))
  if (deviation === 0) return []
  // Ten times both sides: whole numbers.
  return measured.filter(({ value }) => 10 * normalMilli * (value - median) >= 10 * outlierMilli * deviation)
}

/**
 * How rare a text's words are among the others, in 1/65,536 bit on average: noise, shuffled letters and keys are far above
 * any language. Texts without terms are left out. Throws what {@link passagesOf} throws.
 */
export function wordRarities(documents: Iterable<RetrievalDocument>): Measured[] {
  const texts = Array.from(documents, (document) => ({
    contribId: document.contribId,
    terms: passagesOf(document).flatMap(({ terms }) => terms),
  })).filter(({ terms }) => terms.length > 0)
  const index = new Bm25(texts.map(({ terms }) => terms))
  return texts.map(({ contribId, terms }) => {
    const sum = terms.reduce((total, term) => total + index.rarity(term), 0)
    return { contribId, value: Math.floor(sum / terms.length) }
  })
}

function lowerMedian(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] as number
}
