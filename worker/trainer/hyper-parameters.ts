import { checkShape, type LoraShape } from '../../inference/gradients/lora-shape.ts'
import { InferenceError } from '../../inference/inference-error.ts'
import { TrainError } from './train-error.ts'

/** Everything that a training depends on beside base, data and engine. */
export type HyperParameters = LoraShape & {
  /** Most positions of a text; longer ones are cut. */
  readonly length: number
  /** Texts a step. */
  readonly batch: number
  readonly steps: number
  /** Largest learning rate, reached after `warmUp` steps; it falls evenly to zero. */
  readonly rate: number
  readonly warmUp: number
  /** Weight decay of AdamW. */
  readonly decay: number
  /** u32. */
  readonly seed: number
}

export const beta1 = 0.9
export const beta2 = 0.999
export const epsilon = 1e-8

const stepsMax = 1_000_000
const batchMax = 1024

/** Throws {@link TrainError} naming what is out of range. */
export function checkHyperParameters(parameters: HyperParameters): void {
  const { length, batch, steps, rate, warmUp, decay, seed } = parameters
  const whole: readonly (readonly [name: string, value: number, min: number, max: number])[] = [
    ['length', length, 2, 2 ** 15],
    ['batch', batch, 1, batchMax],
    ['steps', steps, 1, stepsMax],
    ['warm-up', warmUp, 0, steps],
    ['seed', seed, 0, 2 ** 32 - 1],
  ]
  for (const [name, value, min, max] of whole) {
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new TrainError('parameters', `${name} is ${value}, must be ${min} to ${max}`)
    }
  }
  if (!(rate > 0 && rate <= 1)) throw new TrainError('parameters', `rate is ${rate}, must be above 0 and at most 1`)
  if (!(decay >= 0 && decay <= 1)) throw new TrainError('parameters', `decay is ${decay}, must be 0 to 1`)
  try {
    checkShape(parameters)
  } catch (error) {
    if (!(error instanceof InferenceError)) throw error
    throw new TrainError('parameters', error.message, { cause: error })
  }
}

/** Of step 1 … steps. */
export function rateOf({ rate, warmUp, steps }: HyperParameters, step: number): number {
  const rising = warmUp === 0 ? 1 : Math.min(1, step / warmUp)
  return (rate * rising * (steps + 1 - step)) / steps
}
