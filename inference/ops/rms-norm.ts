import { bitLength, int32Max, integerSqrt, maxMagnitude, roundDiv, roundShift, saturate } from '../integer.ts'

/** `x / √(mean(x²) + ε) · weight`, all Q16, ε in units of 2^-32. docs/canonical-inference.md §5.1. */
export function rmsNorm(x: Int32Array, weight: Int32Array, epsilon: number): Int32Array {
  const shift = Math.max(0, bitLength(maxMagnitude(x)) - 22)
  const scaled = Array.from(x, (value) => roundShift(value, shift))
  let squares = 0n
  for (const value of scaled) squares += BigInt(value * value)
  const mean = squares / BigInt(x.length) + BigInt(Math.floor(epsilon / 4 ** shift))
  const reciprocal = roundDiv(2 ** 46, integerSqrt(mean << 16n))
  return Int32Array.from(scaled, (value, i) =>
    saturate(roundShift(roundShift(value * reciprocal, 22) * (weight[i] ?? 0), 16), int32Max),
  )
}
