import { largestRemainder } from '../../protocol/largest-remainder.ts'
import type { Citation } from './retrieval-index.ts'

/** Divisible by every rank there is. */
const rankParts = 2_520
const weightTotal = 1_000_000

export type RetrievalShare = { readonly contribId: bigint; readonly weight: number }

/**
 * What each cited contribution gets of the part of a pool that class R has, of 1,000,000, ids ascending: the citation at rank
 * r gives 2520/r. A near-duplicate's goes to its original. Nothing where nothing is cited. docs/RETRIEVAL.md §7.
 */
export function retrievalShares(
  citations: readonly Pick<Citation, 'contribId'>[],
  originalOf: (contribId: bigint) => bigint = (contribId) => contribId,
): RetrievalShare[] {
  if (citations.length === 0) return []
  const parts = new Map<bigint, bigint>()
  for (const [i, { contribId }] of citations.entries()) {
    const id = originalOf(contribId)
    parts.set(id, (parts.get(id) ?? 0n) + BigInt(Math.floor(rankParts / (i + 1))))
  }
  const ranked = [...parts].sort(([a], [b]) => (a < b ? -1 : 1))
  const weights = largestRemainder(
    ranked.map(([, part]) => part),
    weightTotal,
  )
  return ranked.map(([contribId], i) => ({ contribId, weight: weights[i] as number }))
}
