import { roundDiv } from './integer.ts'
import { draw, type SamplingRule } from './sampler.ts'
import { exp2Negative } from './tables.ts'

/** Logits of one tile of the choice. */
export const choiceTileLogits = 256
/** Elements of a choice, and of each of its tiles; see docs/canonical-inference.md §8.1. */
export const choiceElements = 12
export const choiceTileElements = 6

/** Largest weight's distance, `log2(e)` in 16.16; as in the sampler. */
const [log2eQ16, distanceMax] = [94_548, 2 ** 32 - 1]

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
  const max = logits.reduce((a, b) => Math.max(a, b))
  const weights = weightsOf(logits, max, rule, expTable)
  const at = (token: number): Mark => ({ token, logit: logits[token] ?? 0, weight: weights[token] ?? 0 })
  const order = [...weights.keys()].filter((token) => weights[token] !== 0).map(at)
  order.sort((a, b) => b.logit - a.logit || a.token - b.token)
  const topK = rule.tempQ16 === 0 ? 1 : rule.topK
  const candidates = order.slice(0, topK === 0 ? order.length : topK)
  const total = candidates.reduce((sum, { weight }) => sum + weight, 0)
  const kept = firstAbove(candidates, neededWeight(rule, total) - 1)
  const keptWeight = kept.before + kept.mark.weight
  const chosen = firstAbove(candidates, Number((draw(seed, position) * BigInt(keptWeight)) >> 64n))
  const last = candidates.at(-1) as Mark
  const marks = [last, kept.mark, chosen.mark] as const
  const sums = [order.length, candidates.length, total, keptWeight, chosen.before]
  return {
    token: chosen.mark.token,
    choice: Float64Array.of(max, ...marks.flatMap(({ logit, token }) => [logit, token]), ...sums),
    tiles: tilesOf(logits, weights, marks),
  }
}

type Mark = { readonly token: number; readonly logit: number; readonly weight: number }

/** §8.1: without temperature, of the largest logits 1 each. */
function weightsOf(logits: Int32Array, max: number, { tempQ16 }: SamplingRule, expTable: Uint32Array): Uint32Array {
  if (tempQ16 === 0) return Uint32Array.from(logits, (logit) => (logit === max ? 1 : 0))
  return Uint32Array.from(logits, (logit) =>
    exp2Negative(expTable, Math.min(roundDiv((max - logit) * log2eQ16, tempQ16), distanceMax), 0),
  )
}

/** `⌈topP · total / 2^16⌉`; without temperature all of it. */
function neededWeight({ tempQ16, topPQ16 }: SamplingRule, total: number): number {
  return tempQ16 === 0 ? total : Number((BigInt(topPQ16) * BigInt(total) + 65535n) >> 16n)
}

/** The first candidate with which the weight exceeds `mark`, and the weight before it. */
function firstAbove(candidates: readonly Mark[], mark: number): { readonly mark: Mark; readonly before: number } {
  let before = 0
  for (const candidate of candidates) {
    if (before + candidate.weight > mark) return { mark: candidate, before }
    before += candidate.weight
  }
  throw new Error('cumulative weight ends below its total')
}

function tilesOf(logits: Int32Array, weights: Uint32Array, [last, kept, chosen]: readonly [Mark, Mark, Mark]) {
  const tiles = new Float64Array(choiceTileElements * Math.ceil(logits.length / choiceTileLogits))
  for (let start = 0, to = 0; start < logits.length; start += choiceTileLogits, to += choiceTileElements) {
    const sums = [Number.NEGATIVE_INFINITY, 0, 0, 0, 0, 0] as [number, number, number, number, number, number]
    for (let token = start; token < Math.min(start + choiceTileLogits, logits.length); token++) {
      const [logit, weight] = [logits[token] ?? 0, weights[token] ?? 0]
      const isBefore = (mark: Mark) => logit > mark.logit || (logit === mark.logit && token < mark.token)
      sums[0] = Math.max(sums[0], logit)
      if (weight === 0) continue
      sums[1]++
      if (isBefore(last) || token === last.token) {
        sums[2]++
        sums[3] += weight
      }
      if (isBefore(kept) || token === kept.token) sums[4] += weight
      if (isBefore(chosen)) sums[5] += weight
    }
    tiles.set(sums, to)
  }
  return tiles
}
