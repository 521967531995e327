import { draw } from '../../sampler.ts'
import type { SamplingRule } from '../../sampling-rule.ts'

/** 2^64, what a draw is out of. */
const drawEnd = 2 ** 64
/** What the sampler's tables of 24 bits may move a share by. */
const rounding = 2 ** -18

/**
 * Whether logits that differ from these by at most `epsilon` each can have given `token` under the rule and seed: greedy, where it is
 * within 2ε of the largest; else where its share of the kept weights, with everything moved by up to 2ε for and against it, can hold
 * the draw. A token of logits within ε is never refused. docs/CHECKING.md §7
 */
export function couldBeDrawn(
  logits: Float64Array,
  { tempQ16, topK, topPQ16 }: SamplingRule,
  at: { readonly seed: Uint8Array; readonly position: number; readonly token: number },
  epsilon: number,
): boolean {
  const own = logits[at.token] ?? Number.NEGATIVE_INFINITY
  if (own === Number.NEGATIVE_INFINITY) return false
  if (tempQ16 === 0) return logits.every((logit) => logit <= own + 2 * epsilon)
  const temperature = tempQ16 / 65_536
  const slack = Math.exp((2 * epsilon) / temperature)
  // Weights are relative to the token's own, which so has 1; each other may be `slack` times as much or as little.
  const weights = [...logits].map((logit) => Math.exp((logit - own) / temperature)).sort((a, b) => b - a)
  // The token itself is in the list once.
  weights.splice(weights.indexOf(1), 1)
  if (topK > 0 && weights.filter((weight) => weight > slack).length >= topK) return false
  const kept = topK === 0 ? weights : weights.slice(0, topK - 1)
  const share = topPQ16 / 65_536
  const low = { before: sum(kept.filter((w) => w > slack)) / slack, after: sum(kept.filter((w) => w <= slack)) * slack }
  const high = {
    before: sum(kept.filter((w) => w >= 1 / slack)) * slack,
    after: sum(kept.filter((w) => w < 1 / slack)) / slack,
  }
  const [most, least] = [low.before + 1 + low.after, high.before + 1 + high.after]
  if (share < 1 && low.before >= share * most) return false
  // The kept end with the first that reaches the share: with the token, or with one that weighs no more.
  const mass = {
    most: Math.min(most, Math.max(low.before, share * most) + 1),
    least: Math.max(high.before + 1, share * least),
  }
  const mark = Number(draw(at.seed, at.position)) / drawEnd
  return mark >= low.before / mass.most - rounding && mark <= (high.before + 1) / Math.min(mass.least, least) + rounding
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
