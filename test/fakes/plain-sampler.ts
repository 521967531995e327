import { roundDiv } from '../../inference/integer.ts'
import { argmax, draw } from '../../inference/sampler.ts'
import type { SamplingRule } from '../../inference/sampling-rule.ts'
import { exp2Negative } from '../../inference/tables.ts'

/** `log2(e)` in 16.16. */
const log2eQ16 = 94_548
/** Weights of candidates are relative to the best one; further off than this they are 0. */
const distanceMax = 2 ** 32 - 1

/** docs/canonical-inference.md §8, plainly: all weights, all sorted. */
export function plainSample(
  logits: Int32Array,
  rule: SamplingRule,
  seed: Uint8Array,
  position: number,
  expTable: Uint32Array,
): number {
  if (rule.tempQ16 === 0) return argmax(logits)
  const candidates = byProbability(candidatesOf(logits, rule, expTable), rule)
  const total = candidates.reduce((sum, { weight }) => sum + weight, 0)
  // cum · 2^64 > draw · total, in whole numbers: cum > ⌊draw · total / 2^64⌋.
  const mark = Number((draw(seed, position) * BigInt(total)) >> 64n)
  let cumulative = 0
  for (const { token, weight } of candidates) {
    cumulative += weight
    if (cumulative > mark) return token
  }
  throw new Error('cumulative weight ends below its total')
}

type Candidate = { readonly token: number; readonly logit: number; readonly weight: number }

/** Tokens whose weight is not 0, best first, at most topK. */
function candidatesOf(logits: Int32Array, { tempQ16, topK }: SamplingRule, expTable: Uint32Array): Candidate[] {
  const max = logits[argmax(logits)] ?? 0
  const list: Candidate[] = []
  for (const [token, logit] of logits.entries()) {
    const distance = Math.min(roundDiv((max - logit) * log2eQ16, tempQ16), distanceMax)
    const weight = exp2Negative(expTable, distance, 0)
    if (weight > 0) list.push({ token, logit, weight })
  }
  list.sort((a, b) => b.logit - a.logit || a.token - b.token)
  return topK === 0 ? list : list.slice(0, topK)
}

/** The shortest head of the list whose weight is at least topP of all of it. */
function byProbability(candidates: readonly Candidate[], { topPQ16 }: SamplingRule): readonly Candidate[] {
  const total = candidates.reduce((sum, { weight }) => sum + weight, 0)
  // ⌈topP · total / 2^16⌉
  const needed = Number((BigInt(topPQ16) * BigInt(total) + 65535n) >> 16n)
  let cumulative = 0
  const last = candidates.findIndex(({ weight }) => {
    cumulative += weight
    return cumulative >= needed
  })
  return candidates.slice(0, last + 1)
}
