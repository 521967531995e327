import type { ToplocDistance } from '../../../protocol/toploc.ts'
import { type FingerprintKind, fingerprintKinds } from '../../float/float-engine.ts'

/** How far an honest engine may be off. Measured by scripts/fingerprints/calibrate.ts; docs/CHECKING.md §7. */
export type Thresholds = {
  /** Exponents of a block that must agree, basis points of its points. */
  readonly expHitsBps: number
  /** Of mantissas, in thousandths of a unit of 7 bits. */
  readonly meanMilli: number
  readonly medianMilli: number
  /** Of a logit, for the replay of the sampler. */
  readonly epsilon: number
}

/** Blocks of fewer points are not compared, so few that a rounding decides: the sampler is replayed all the same. */
const pointsMin = 32

const thresholds: Readonly<Record<FingerprintKind, Thresholds>> = {
  [fingerprintKinds.state]: { expHitsBps: 9_500, meanMilli: 2_000, medianMilli: 2_000, epsilon: 0.15 },
  [fingerprintKinds.logits]: { expHitsBps: 9_500, meanMilli: 1_000, medianMilli: 1_000, epsilon: 0.15 },
}

export function thresholdsOf(kind: FingerprintKind): Thresholds {
  return thresholds[kind]
}

/** Why a block is too far away; undefined where it is near enough. */
export function beyond(
  { expHits, meanMilli, medianMilli }: ToplocDistance,
  points: number,
  limits: Thresholds,
): string | undefined {
  if (points < pointsMin) return undefined
  const least = Math.ceil((points * limits.expHitsBps) / 10_000)
  if (expHits < least) return `${expHits} of ${points} exponents agree, ${least} must`
  if (meanMilli > limits.meanMilli) return `a mean mantissa error of ${meanMilli} thousandths`
  if (medianMilli > limits.medianMilli) return `a median mantissa error of ${medianMilli} thousandths`
  return undefined
}
