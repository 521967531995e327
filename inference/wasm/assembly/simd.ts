/** Four int32 of four int64 that fit them. */
@inline
export function narrow64(low: v128, high: v128): v128 {
  return v128.shuffle<i32>(low, high, 0, 2, 4, 6)
}

/**
 * `rsh(a · b, shift)` of four int32 each, where the outcome fits 32 bits and `1 ≤ shift ≤ 32`: then a logical shift leaves the
 * same low half as an arithmetic one. `half` is 2^(shift − 1) in both lanes.
 */
@inline
export function mulShift(a: v128, b: v128, half: v128, shift: i32): v128 {
  const low = i64x2.add(i64x2.extmul_low_i32x4_s(a, b), half)
  const high = i64x2.add(i64x2.extmul_high_i32x4_s(a, b), half)
  return narrow64(i64x2.shr_u(low, shift), i64x2.shr_u(high, shift))
}

/** `rsh(a · b, 32)` of four int32 each, where the outcome fits 32 bits: the upper halves, with no shift. `half` is 2^31 in both lanes. */
@inline
export function mulWord(a: v128, b: v128, half: v128): v128 {
  const low = i64x2.add(i64x2.extmul_low_i32x4_s(a, b), half)
  const high = i64x2.add(i64x2.extmul_high_i32x4_s(a, b), half)
  return v128.shuffle<i32>(low, high, 1, 3, 5, 7)
}

@inline
export function halfOf(shift: i32): v128 {
  return i64x2.splat((<i64>1) << (shift - 1))
}

@inline
export function topLane(a: v128): i32 {
  return max<i32>(
    max<i32>(i32x4.extract_lane(a, 0), i32x4.extract_lane(a, 1)),
    max<i32>(i32x4.extract_lane(a, 2), i32x4.extract_lane(a, 3)),
  )
}

/** Largest magnitude of n int32 above −2^31, n a multiple of 4. */
@inline
export function topMagnitude(x: usize, n: i32): i32 {
  let top = i32x4.splat(0)
  const end = x + (<usize>n << 2)
  for (; x < end; x += 16) top = i32x4.max_s(top, i32x4.abs(v128.load(x)))
  return topLane(top)
}

/** Neighbouring entries of a table of u32 at the first two of four addresses. */
@inline
export function loadPairs(address: v128): v128 {
  return v128.load64_lane(<usize>i32x4.extract_lane(address, 1), v128.load64_zero(<usize>i32x4.extract_lane(address, 0)), 1)
}

/** The same at the last two. */
@inline
export function loadPairs2(address: v128): v128 {
  return v128.load64_lane(<usize>i32x4.extract_lane(address, 3), v128.load64_zero(<usize>i32x4.extract_lane(address, 2)), 1)
}
