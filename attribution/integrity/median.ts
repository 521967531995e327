/** A validator's score of 0 … 10,000, with its whole OPEN of stake. */
export type WeighedScore = { readonly score: number; readonly weight: number }

/** Scores so far from the median are paid. */
export const scoreClip = 1_000
/** Revealed weight of a round that decides, of all that may score, in basis points. */
export const quorumBps = 6_500
export const scoreFormulaVersion = 1

/**
 * Stake-weighted lower median: the least score at or below which half of the stake or more stands. Undefined of no stake. Twin of
 * ScoreTally. docs/REVIEW.md §2
 */
export function stakeMedian(scores: readonly WeighedScore[]): number | undefined {
  const total = weightOf(scores)
  let below = 0
  for (const { score, weight } of [...scores].sort((a, b) => a.score - b.score)) {
    below += weight
    if (weight > 0 && 2 * below >= total) return score
  }
  return undefined
}

/** What a round decides: undefined where less than the quorum of `total` was revealed. */
export function roundScore(scores: readonly WeighedScore[], total: number): number | undefined {
  return weightOf(scores) * 10_000 >= total * quorumBps ? stakeMedian(scores) : undefined
}

/** Wei for a unit of weight: the fee over the weight that scored within {@link scoreClip} of the median. */
export function reviewPay(scores: readonly WeighedScore[], median: number, fee: bigint): bigint {
  const paid = scores.filter(({ score }) => Math.abs(score - median) <= scoreClip)
  return fee / BigInt(weightOf(paid))
}

function weightOf(scores: readonly WeighedScore[]): number {
  return scores.reduce((sum, { weight }) => sum + weight, 0)
}
