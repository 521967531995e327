/**
 * The arithmetic of docs/canonical-inference.md §2 on numbers. Every argument and intermediate is an integer below 2^53 in
 * magnitude, where doubles are exact; what may exceed that uses the `bigint` forms.
 */

/** Integers of 32 bits saturate symmetrically, so that negation never overflows. */
export const int32Max = 2 ** 31 - 1
export const int16Max = 2 ** 15 - 1
export const int8Max = 127

/** `floor((2a + b) / 2b)`: nearest, halves upwards. The quotient of integers below 2^53 floors exactly in doubles. */
export function roundDiv(a: number, b: number): number {
  return Math.floor((2 * a + b) / (2 * b))
}

/** `floor((a + 2^(s-1)) / 2^s)`, or `a` where `s` is 0. */
export function roundShift(a: number, s: number): number {
  return s === 0 ? a : Math.floor((a + 2 ** (s - 1)) / 2 ** s)
}

export function roundShiftBig(a: bigint, s: number): bigint {
  return s === 0 ? a : (a + (1n << BigInt(s - 1))) >> BigInt(s)
}

export function saturate(a: number, max: number): number {
  return a > max ? max : a < -max ? -max : a
}

/** A product that may have 62 bits, shifted and saturated to 32. */
export function saturateBig(a: bigint): number {
  return saturate(Number(a), int32Max)
}

/** `floor(√a)` of an integer below 2^62. */
export function integerSqrt(a: bigint): number {
  let root = BigInt(Math.floor(Math.sqrt(Number(a))))
  while (root * root > a) root--
  while ((root + 1n) * (root + 1n) <= a) root++
  return Number(root)
}

/** Number of bits of a non-negative integer below 2^32. */
export function bitLength(a: number): number {
  return 32 - Math.clz32(a)
}

/** The largest magnitude of the list, 0 for none. */
export function maxMagnitude(values: ArrayLike<number>): number {
  let max = 0
  for (let i = 0; i < values.length; i++) max = Math.max(max, Math.abs(values[i] ?? 0))
  return max
}
