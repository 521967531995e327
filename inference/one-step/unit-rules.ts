import {
  bitLength,
  exp2Negative,
  int16Max,
  int32Max,
  integerSqrt,
  magnitude,
  roundDiv,
  roundShift,
  saturate,
  sigmoid,
} from './fixed-point.ts'
import { StepError } from './step-error.ts'

/**
 * The operations of docs/canonical-inference.md §5, one element of a unit at a time. Twin of contracts/src/lib/UnitRules.sol.
 */

/** What one step of a quantised input is worth: `mantissa · 2^exponent / inputMax`. */
export type InputScale = { readonly mantissa: bigint; readonly exponent: bigint }

const mantissaMax = 2n ** 15n
/** Of the largest magnitude that 32 bits hold. */
const exponentMax = 17n

/** §5.1: all of a norm's output. */
export function norm(x: readonly bigint[], weights: readonly bigint[], epsilon: bigint): bigint[] {
  const length = bitLength(maxMagnitude(x))
  const e = length > 22n ? length - 22n : 0n
  const scaled = x.map((value) => roundShift(value, e))
  const mean = scaled.reduce((sum, y) => sum + y * y, 0n) / BigInt(x.length) + (epsilon >> (2n * e))
  const r = roundDiv(2n ** 46n, integerSqrt(mean << 16n))
  return scaled.map((y, i) => saturate(roundShift(roundShift(y * r, 22n) * (weights[i] ?? 0n), 16n), int32Max))
}

/** §5.2: the scale of a vector whose largest magnitude is `max`. */
export function scaleOf(max: bigint): InputScale {
  if (max === 0n) return { mantissa: 0n, exponent: 0n }
  const length = bitLength(max)
  const exponent = length > 15n ? length - 15n : 0n
  return { mantissa: (max + (1n << exponent) - 1n) >> exponent, exponent }
}

/** §5.2: one element under the scale. */
export function quantised(h: bigint, { mantissa, exponent }: InputScale, inputMax: bigint): bigint {
  if (mantissa === 0n) return 0n
  return saturate(roundShift(h * roundDiv(inputMax << 22n, mantissa), 22n + exponent), inputMax)
}

/** A committed scale; throws `BadScale` where no vector has it. */
export function checkedScale(mantissa: bigint, exponent: bigint): InputScale {
  if (mantissa < 0n || mantissa > mantissaMax || exponent < 0n || exponent > exponentMax)
    throw new StepError('BadScale')
  return { mantissa, exponent }
}

/** §5.3: an accumulator in Q16. */
export function dequantised(accumulator: bigint, rowScale: bigint, { mantissa, exponent }: InputScale): bigint {
  const shift = rowScale & 255n
  if (shift < exponent) throw new StepError('BadRowScale')
  return saturate(roundShift(accumulator * mantissa * (rowScale >> 8n), shift - exponent), int32Max)
}

/** §5.3: an element of the embedding in Q16. */
export function embedded(weight: bigint, rowScale: bigint): bigint {
  return saturate(roundShift((weight * (rowScale >> 8n)) << 16n, rowScale & 255n), int32Max)
}

/** §5.4: an element of the first half of a head, or of the second, with its partner in the other. */
export function rotated(x: bigint, partner: bigint, cos: bigint, sin: bigint, isSecond: boolean): bigint {
  return saturate(roundShift(isSecond ? x * cos + partner * sin : x * cos - partner * sin, 20n), int16Max)
}

/** §5.4: a value as it is kept. */
export function narrowed(value: bigint): bigint {
  return saturate(roundShift(value, 6n), int16Max)
}

/** §5.5: one head's query against some positions' keys and values; element i of the mix. */
export function tile(
  query: readonly bigint[],
  keys: readonly bigint[],
  values: readonly bigint[],
  { multiplier, shift }: { readonly multiplier: bigint; readonly shift: bigint },
  i: number,
): { readonly max: bigint; readonly sum: bigint; readonly mix: bigint } {
  const headDim = query.length
  const scores = Array.from({ length: keys.length / headDim }, (_, j) => {
    const dot = query.reduce((sum, q, k) => sum + q * (keys[headDim * j + k] ?? 0n), 0n)
    return roundShift(dot * multiplier, shift)
  })
  const max = largest(scores)
  let [sum, mix] = [0n, 0n]
  for (const [j, score] of scores.entries()) {
    const p = exp2Negative(max - score, 9n)
    sum += p
    mix += p * (values[headDim * j + i] ?? 0n)
  }
  return { max, sum, mix }
}

/** §5.6: an element of a head's output, from all its tiles. */
export function joined(maxima: readonly bigint[], sums: readonly bigint[], mixes: readonly bigint[]): bigint {
  const max = largest(maxima)
  let [mix, sum] = [0n, 0n]
  for (const [t, each] of maxima.entries()) {
    const factor = exp2Negative(max - each, 9n)
    mix += (mixes[t] ?? 0n) * factor
    sum += (sums[t] ?? 0n) * factor
  }
  if (sum <= 0n) throw new StepError('BadSum')
  return roundDiv(64n * mix, sum)
}

/** §5.7: an element of the activation. */
export function activated(gate: bigint, up: bigint): bigint {
  return saturate(roundShift(roundShift(gate * sigmoid(gate), 16n) * up, 16n), int32Max)
}

/** §5.8: the residual stream's addition. */
export function added(x: bigint, y: bigint): bigint {
  return saturate(x + y, int32Max)
}

/** §5.9: an output with an adapter's part. */
export function adapted(y: bigint, d: bigint, weight: bigint): bigint {
  return saturate(y + roundShift(d * weight, 16n), int32Max)
}

export function maxMagnitude(values: readonly bigint[]): bigint {
  return largest([0n, ...values.map(magnitude)])
}

function largest(values: readonly bigint[]): bigint {
  return values.reduce((max, value) => (value > max ? value : max))
}
