import { createHash } from 'node:crypto'
import { concatBytes, type Hex, hexToBytes, uintBytes } from '../protocol/bytes.ts'
import { candidateOf, rankCandidates } from './candidates.ts'
import { checkRule, type SamplingRule } from './sampling-rule.ts'

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
  const ranked = rankCandidates(logits, rule, expTable)
  // cum · 2^64 > draw · total, in whole numbers: cum > ⌊draw · total / 2^64⌋.
  const mark = Number((draw(seed, position) * BigInt(ranked.keptWeight)) >> 64n)
  return candidateOf(ranked.order.firstAbove(mark).key).token
}

/** The largest logit's token; of equals the lowest. */
export function argmax(logits: Int32Array): number {
  let best = 0
  for (let i = 1; i < logits.length; i++) if ((logits[i] ?? 0) > (logits[best] ?? 0)) best = i
  return best
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(
    createHash('sha256')
      .update(concatBytes(...parts))
      .digest(),
  )
}
