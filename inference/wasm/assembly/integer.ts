/** docs/canonical-inference.md §2 in 64 bits. */

@inline
export function roundShift(a: i64, s: i32): i64 {
  return s == 0 ? a : (a + ((<i64>1) << (s - 1))) >> s
}

@inline
export function roundDiv(a: i64, b: i64): i64 {
  const n: i64 = 2 * a + b
  const d: i64 = 2 * b
  const q: i64 = n / d
  return n % d < 0 ? q - 1 : q
}

@inline
export function saturate(a: i64, max: i64): i64 {
  return a > max ? max : a < -max ? -max : a
}

@inline
export function saturate32(a: i64): i32 {
  return <i32>saturate(a, 0x7fffffff)
}

@inline
export function bitLength(a: i32): i32 {
  return 32 - clz(a)
}

/** Square root rounded down; a double's root is off by one at most, which the loops mend. */
export function integerSqrt(a: i64): i64 {
  let root = <i64>Math.sqrt(<f64>a)
  while (root * root > a) root--
  while ((root + 1) * (root + 1) <= a) root++
  return root
}

/** Largest magnitude of n int32. */
export function maxMagnitude(x: usize, n: i32): i32 {
  let max: i32 = 0
  for (let i = 0; i < n; i++) {
    const value = load<i32>(x + (<usize>i << 2))
    const magnitude = value < 0 ? -value : value
    if (magnitude > max) max = magnitude
  }
  return max
}

/** §3: `table` holds EXP. */
export function exp2Negative(table: usize, z: u32, shift: i32): i32 {
  const bits = <i32>(z >> 16) + shift
  if (bits >= 25) return 0
  const fraction = z & 65535
  const entry = table + <usize>((fraction >> 6) << 2)
  const high = load<i32>(entry)
  const low = load<i32>(entry, 4)
  const value = high - (((high - low) * <i32>(fraction & 63) + 32) >> 6)
  return <i32>roundShift(value, bits)
}
