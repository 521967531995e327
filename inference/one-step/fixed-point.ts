/**
 * The arithmetic and the tables of docs/canonical-inference.md §2 and §3 on bigints, whatever their size. Twin of
 * contracts/src/lib/FixedPoint.sol.
 */

export const int32Max = 2n ** 31n - 1n
export const int16Max = 2n ** 15n - 1n

/** What 1 is in the table of powers. */
const expOne = 32767n << 9n
const fraction = 128n
const one = 1n << fraction

/** `⌊(2a + b) / 2b⌋`, b > 0. */
export function roundDiv(a: bigint, b: bigint): bigint {
  const [n, d] = [2n * a + b, 2n * b]
  return n < 0n && n % d !== 0n ? n / d - 1n : n / d
}

/** `⌊(a + 2^(s−1)) / 2^s⌋`, or a where s is 0. */
export function roundShift(a: bigint, s: bigint): bigint {
  return s === 0n ? a : (a + (1n << (s - 1n))) >> s
}

export function saturate(a: bigint, max: bigint): bigint {
  return a > max ? max : a < -max ? -max : a
}

export function magnitude(a: bigint): bigint {
  return a < 0n ? -a : a
}

/** Length in binary, 0 of 0. */
export function bitLength(a: bigint): bigint {
  return a === 0n ? 0n : BigInt(a.toString(2).length)
}

/** `⌊√a⌋`. */
export function integerSqrt(a: bigint): bigint {
  if (a === 0n) return 0n
  let root = 1n << ((bitLength(a) + 1n) / 2n)
  for (let next = (root + a / root) / 2n; next < root; next = (root + a / root) / 2n) root = next
  return root
}

/** `2^(−z / 2^16)` in units of 2^s / (32767·2^9). */
export function exp2Negative(z: bigint, s: bigint): bigint {
  const shift = s + (z >> 16n)
  if (shift >= 25n) return 0n
  const i = (z & 0xffffn) >> 6n
  const high = expAt(i)
  return roundShift(high - (((high - expAt(i + 1n)) * (z & 63n) + 32n) >> 6n), shift)
}

/** σ in Q16 of x in Q16. */
export function sigmoid(x: bigint): bigint {
  const place = x < -(2n ** 20n) ? 0n : x >= 2n ** 20n ? 2n ** 21n - 1n : x + 2n ** 20n
  const i = place >> 9n
  const low = sigmoidAt(i)
  return low + (((sigmoidAt(i + 1n) - low) * (place & 511n) + 256n) >> 9n)
}

/** Entry i of `EXP`, i ≤ 1024. */
export function expAt(i: bigint): bigint {
  let p = one
  for (const [k, root] of rootsOfTwo.entries()) if ((i >> BigInt(k)) & 1n) p = (p * root) >> fraction
  return (p * expOne + one / 2n) >> fraction
}

/** Entry i of `SIG`, i ≤ 4096. */
export function sigmoidAt(i: bigint): bigint {
  const n = magnitude(i - 2048n)
  let p = one
  for (const [k, root] of rootsOfE.entries()) if ((n >> BigInt(k)) & 1n) p = (p * root) >> fraction
  const sum = one + p
  return (((i < 2048n ? p : one) << 17n) + sum) / (2n * sum)
}

/** `⌊2^128 · 2^(−2^k / 1024)⌋`, k = 0 … 10. */
const rootsOfTwo: readonly bigint[] = [
  0xffd3a751c0f7e10bd3b9f8ae012fbe06n,
  0xffa756521c8daed19f3a1b48fb94c589n,
  0xff4ecb59511ec8a5301ba217ef18dd7cn,
  0xfe9e115c7b8f884badd25995e79d2f09n,
  0xfd3e0c0cf486c174853f3a5931e0ee03n,
  0xfa83b2db722a033a7c25bb14315d7fccn,
  0xf5257d152486cc2c7b9d0c7aed980fc3n,
  0xeac0c6e7dd24392ed02d75b3706e54fan,
  0xd744fccad69d6af439a68bb9902d3fden,
  0xb504f333f9de6484597d89b3754abe9fn,
  1n << 127n,
]

/** `⌊2^128 · e^(−2^k / 128)⌋`, k = 0 … 11. */
const rootsOfE: readonly bigint[] = [
  0xfe01feab551127cbfe5f89994c44216fn,
  0xfc07f55ff77d2493e885eeaa756ad523n,
  0xf81fab5445aebc8a58055fcbbb139ae8n,
  0xf07d5fde38151e72f18ff03049ac5d7en,
  0xe1eb51276c110c3c3eb1269f2f5d4afan,
  0xc75f7cf564105743415cbc9d6368f3b9n,
  0x9b4597e37cb04ff3d675a35530cdd767n,
  0x5e2d58d8b3bcdf1abadec7829054f90dn,
  0x22a555477f03973fb6edd5c25a052ae3n,
  0x04b0556e084f3d1dfa2bc04cb0ab88f5n,
  0x0015fc21041027acbbfcd46780fee71en,
  0x000001e355bbaee85cada65f73f32e88n,
]
