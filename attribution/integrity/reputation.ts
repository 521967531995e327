import type { Hex } from '../../protocol/bytes.ts'

/** A reputation of 1; newcomers have half. */
export const reputationOne = 65_536
/** An outcome moves a reputation by an eighth of the way. */
const smoothing = 8
/** Scores are in ten-thousandths; 0 is none given. */
const scoreMax = 10_000

/** What happened to contributions of an author in a Datanet, in the order of the chain. */
export type Outcome = {
  readonly datanet: bigint
  readonly author: Hex
  /** Contributions that had this outcome at once. */
  readonly items: number
  /** Accepted with a score (0: without one), rejected, or found wrong later: quarantined, or lost a dispute. */
  readonly result: { readonly kind: 'accepted'; readonly score: number } | { readonly kind: 'rejected' | 'refuted' }
}

/** Of an author in a Datanet. A plain value: replay may stop and go on anywhere. */
export type Standing = {
  readonly datanet: bigint
  readonly author: Hex
  /** 0 … 65,536. */
  readonly reputation: number
  readonly accepted: number
  readonly rejected: number
}

/**
 * Reputations by replay: each contribution's outcome o moves its author's reputation in that Datanet to
 * `r + ⌊(o − r) / 8⌋`, a refuted one four times. docs/INTEGRITY.md §1.
 */
export class Reputations {
  readonly #standings = new Map<string, Standing>()

  constructor(standings: Iterable<Standing> = []) {
    for (const standing of standings) this.#standings.set(keyOf(standing), standing)
  }

  apply(outcome: Outcome): void {
    const before = this.of(outcome.datanet, outcome.author)
    const { items, result } = outcome
    const isGood = result.kind === 'accepted'
    this.#standings.set(keyOf(outcome), {
      datanet: outcome.datanet,
      author: outcome.author,
      reputation: moved(before.reputation, targetOf(result), items * (result.kind === 'refuted' ? refutedSteps : 1)),
      accepted: before.accepted + (isGood ? items : 0),
      rejected: before.rejected + (isGood ? 0 : items),
    })
  }

  of(datanet: bigint, author: Hex): Standing {
    const newcomer = { datanet, author, reputation: reputationOne / 2, accepted: 0, rejected: 0 }
    return this.#standings.get(keyOf({ datanet, author })) ?? newcomer
  }

  /** A Datanet's authors: highest reputation first, then most accepted, then lowest address. */
  leaderboard(datanet: bigint): Standing[] {
    return [...this.#standings.values()]
      .filter((standing) => standing.datanet === datanet)
      .sort((a, b) => b.reputation - a.reputation || b.accepted - a.accepted || (a.author < b.author ? -1 : 1))
  }

  /** All of them, to go on from. */
  standings(): Standing[] {
    return [...this.#standings.values()]
  }
}

/** What a weight is multiplied with, in 1/65,536: half for no reputation at all, the whole for the best. */
export function reputationFactor(reputation: number): number {
  return reputationOne / 2 + Math.floor(reputation / 2)
}

/** Steps of a contribution that was accepted first and found wrong later. */
const refutedSteps = 4

function targetOf(result: Outcome['result']): number {
  if (result.kind !== 'accepted') return 0
  const { score } = result
  return score === 0 ? reputationOne : Math.floor((Math.min(score, scoreMax) * reputationOne) / scoreMax)
}

/** So many steps; they end where one changes nothing more, so a batch of any size is some hundred of them. */
function moved(reputation: number, target: number, steps: number): number {
  let now = reputation
  for (let step = 0; step < steps; step++) {
    const next = now + Math.floor((target - now) / smoothing)
    if (next === now) break
    now = next
  }
  return now
}

function keyOf({ datanet, author }: Pick<Standing, 'datanet' | 'author'>): string {
  return `${datanet} ${author}`
}
