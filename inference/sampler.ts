import { createHash } from 'node:crypto'
import { concatBytes, type Hex, hexToBytes, uintBytes } from '../protocol/bytes.ts'
import { InferenceError } from './inference-error.ts'
import { roundDiv } from './integer.ts'
import { exp2Negative } from './tables.ts'

/** How a token is chosen; as `Sampling` of an inference request. */
export type SamplingRule = {
  /** Temperature in 16.16; 0 takes the largest logit. */
  readonly tempQ16: number
  /** Most candidates; 0 for all. */
  readonly topK: number
  /** Probability mass in 16.16 that the candidates must reach, 1 … 65536. */
  readonly topPQ16: number
}

/** `log2(e)` in 16.16. */
const log2eQ16 = 94_548
/** Weights of candidates are relative to the best one; further off than this they are 0. */
const distanceMax = 2 ** 32 - 1
/** The seed of an answer: `SHA-256(requestId ‖ worker)`, which the payer's signature fixes. */
export function answerSeed(requestId: Hex, worker: Hex): Uint8Array {
  return sha256(hexToBytes(requestId), hexToBytes(worker))
}

/** The draw for the token at `position`: the first 64 bits of `SHA-256(seed ‖ position u32)`. */
export function draw(seed: Uint8Array, position: number): bigint {
  const hash = sha256(seed, uintBytes(BigInt(position), 4))
  return new DataView(hash.buffer, hash.byteOffset).getBigUint64(0)
}

/**
 * The token at `position`, from logits in Q16. Candidates go by logit downwards, then id upwards; all sums are integers.
 * docs/canonical-inference.md §8. Throws {@link InferenceError} for a rule out of range.
 */
export function sample(
  logits: Int32Array,
  rule: SamplingRule,
  seed: Uint8Array,
  position: number,
  expTable: Uint32Array,
): number {
  checkRule(rule)
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

/** The largest logit's token; of equals the lowest. */
export function argmax(logits: Int32Array): number {
  let best = 0
  for (let i = 1; i < logits.length; i++) if ((logits[i] ?? 0) > (logits[best] ?? 0)) best = i
  return best
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

/** Throws {@link InferenceError} for a rule out of range. */
export function checkRule({ tempQ16, topK, topPQ16 }: SamplingRule): void {
  const inRange = (value: number, min: number, max: number) => Number.isInteger(value) && value >= min && value <= max
  if (!inRange(tempQ16, 0, 2 ** 32 - 1)) throw new InferenceError('sampling', `temperature ${tempQ16} / 65536`)
  if (!inRange(topK, 0, 65535)) throw new InferenceError('sampling', `topK ${topK}`)
  if (!inRange(topPQ16, 1, 65536)) throw new InferenceError('sampling', `topP ${topPQ16} / 65536`)
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(
    createHash('sha256')
      .update(concatBytes(...parts))
      .digest(),
  )
}
