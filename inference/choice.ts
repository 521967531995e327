import { candidateKey, candidateOf, rankCandidates } from './candidates.ts'
import { draw } from './sampler.ts'
import type { SamplingRule } from './sampling-rule.ts'

/** Logits of one tile of the choice. */
export const choiceTileLogits = 256
/** Elements of a choice, and of each of its tiles; see docs/canonical-inference.md §8.1. */
export const choiceElements = 12
export const choiceTileElements = 6

/** What the units of a position's choice hold: marks and sums, and the sums of each tile, one tile after another. */
export type Choice = { readonly token: number; readonly choice: Float64Array; readonly tiles: Float64Array }

/**
 * The choice of the token at `position` with all that shows it to be right; the rule is a valid one. Gives the token that
 * `sample` gives.
 */
export function choiceOf(
  logits: Int32Array,
  rule: SamplingRule,
  seed: Uint8Array,
  position: number,
  expTable: Uint32Array,
): Choice {
  const { max, weights, order, candidates, candidateWeight, last, kept, keptWeight } = rankCandidates(
    logits,
    rule,
    expTable,
  )
  const chosen = order.firstAbove(Number((draw(seed, position) * BigInt(keptWeight)) >> 64n))
  const marks = [last, kept, chosen.key] as const
  const mark = (key: number) => [max - candidateOf(key).gap, candidateOf(key).token]
  const sums = [order.size, candidates, candidateWeight, keptWeight, chosen.before]
  return {
    token: candidateOf(chosen.key).token,
    choice: Float64Array.of(max, ...marks.flatMap(mark), ...sums),
    tiles: tilesOf(logits, max, weights, marks),
  }
}

function tilesOf(
  logits: Int32Array,
  max: number,
  weights: Float64Array,
  [last, kept, chosen]: readonly [number, number, number],
): Float64Array {
  const tiles = new Float64Array(choiceTileElements * Math.ceil(logits.length / choiceTileLogits))
  for (let start = 0, to = 0; start < logits.length; start += choiceTileLogits, to += choiceTileElements) {
    let [top, positives, candidates, candidateWeight, keptWeight, before] = [logits[start] as number, 0, 0, 0, 0, 0]
    const end = Math.min(start + choiceTileLogits, logits.length)
    for (let token = start; token < end; token++) {
      const logit = logits[token] as number
      if (logit > top) top = logit
      const weight = weights[token] as number
      if (weight === 0) continue
      const key = candidateKey(max - logit, token)
      positives++
      if (key <= last) {
        candidates++
        candidateWeight += weight
      }
      if (key <= kept) keptWeight += weight
      if (key < chosen) before += weight
    }
    tiles.set([top, positives, candidates, candidateWeight, keptWeight, before], to)
  }
  return tiles
}
