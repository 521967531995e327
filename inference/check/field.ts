import { int8Max, int32Max } from '../integer.ts'

/** Arithmetic modulo 2^31 − 1 in plain TypeScript: what the kernels are compared with. docs/CHECKING.md §2. */
export const fieldPrime = 2 ** 31 - 1
const prime = BigInt(fieldPrime)

/** `Σ a_i · b_i` mod p, in [0, p). */
export function fieldDot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0n
  for (let i = 0; i < a.length; i++) sum += BigInt(a[i] ?? 0) * BigInt(b[i] ?? 0)
  return Number(((sum % prime) + prime) % prime)
}

/** `rᵀW` mod p of int8 rows, each of `r.length` rows having as many weights as the others. */
export function fieldProject(r: ArrayLike<number>, weights: Int8Array): Uint32Array {
  const columns = weights.length / r.length
  return Uint32Array.from({ length: columns }, (_, column) =>
    fieldDot(
      r,
      Array.from({ length: r.length }, (_, row) => weights[row * columns + column] ?? 0),
    ),
  )
}

/** The representative in ±(p − 1)/2 of an element of [0, p): products with it need one bit less. */
export function centred(x: number): number {
  return x > (fieldPrime - 1) / 2 ? x - fieldPrime : x
}

/** Digits base 2^16 of a centred element, the low one in ±2^15: `low + 2^16 · high`. */
export function lowDigit(x: number): number {
  return (x << 16) >> 16
}

export function highDigit(x: number): number {
  return (x - lowDigit(x)) / 65_536
}

/** Largest magnitude of an accumulator over this many columns; below p/2, so that no two of them are congruent. */
export function accumulatorMax(columns: number, inputMax: number): number {
  return int8Max * inputMax * columns
}

/** Columns, a multiple of 8, over which a lane's sum of two digits times two inputs of eight fits 32 bits. */
export function inputSpan(inputMax: number): number {
  return 8 * Math.floor(int32Max / (2 ** 16 * inputMax))
}
