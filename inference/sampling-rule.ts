import { InferenceError } from './inference-error.ts'

/** How a token is chosen; as `Sampling` of an inference request. */
export type SamplingRule = {
  /** Temperature in 16.16; 0 takes the largest logit. */
  readonly tempQ16: number
  /** Most candidates; 0 for all. */
  readonly topK: number
  /** Probability mass in 16.16 that the candidates must reach, 1 … 65536. */
  readonly topPQ16: number
}

/** Throws {@link InferenceError} for a rule out of range. */
export function checkRule({ tempQ16, topK, topPQ16 }: SamplingRule): void {
  const inRange = (value: number, min: number, max: number) => Number.isInteger(value) && value >= min && value <= max
  if (!inRange(tempQ16, 0, 2 ** 32 - 1)) throw new InferenceError('sampling', `temperature ${tempQ16} / 65536`)
  if (!inRange(topK, 0, 65535)) throw new InferenceError('sampling', `topK ${topK}`)
  if (!inRange(topPQ16, 1, 65536)) throw new InferenceError('sampling', `topP ${topPQ16} / 65536`)
}
