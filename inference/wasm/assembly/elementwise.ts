import { bitLength, integerSqrt, maxMagnitude, roundDiv, roundShift, saturate, saturate32 } from './integer'
import { halfOf, loadPairs, loadPairs2, mulShift, topLane, topMagnitude } from './simd'

/** From more columns on an output may saturate. */
const normColumnsMax = 8192

/**
 * §5.1: n Q16 at `x`, weights Q16, four elements at a time for the magnitudes that occur; where an intermediate might not fit,
 * one by one. n is a multiple of 4.
 */
export function rmsNorm(x: usize, weight: usize, epsilon: i32, n: i32, out: usize): void {
  if (n > normColumnsMax || bitLength(topMagnitude(x, n)) > 22) return plainNorm(x, weight, epsilon, n, out)
  let sums = i64x2.splat(0)
  const line = <usize>n << 2
  for (let i: usize = 0; i < line; i += 16) {
    const value = v128.load(x + i)
    sums = i64x2.add(sums, i64x2.extmul_low_i32x4_s(value, value))
    sums = i64x2.add(sums, i64x2.extmul_high_i32x4_s(value, value))
  }
  const mean = (i64x2.extract_lane(sums, 0) + i64x2.extract_lane(sums, 1)) / n + epsilon
  const reciprocal = roundDiv(1 << 46, integerSqrt(mean << 16))
  if (reciprocal > 0x7fffffff) return plainNorm(x, weight, epsilon, n, out)
  const factor = i32x4.splat(<i32>reciprocal)
  for (let i: usize = 0; i < line; i += 16) {
    const scaled = mulShift(v128.load(x + i), factor, halfOf(22), 22)
    v128.store(out + i, mulShift(scaled, v128.load(weight + i), halfOf(16), 16))
  }
}

function plainNorm(x: usize, weight: usize, epsilon: i32, n: i32, out: usize): void {
  const bits = bitLength(maxMagnitude(x, n))
  const shift = bits > 22 ? bits - 22 : 0
  let squares: i64 = 0
  for (let i = 0; i < n; i++) {
    const value = roundShift(load<i32>(x + (<usize>i << 2)), shift)
    squares += value * value
  }
  const mean = squares / n + (epsilon >> (2 * shift))
  const reciprocal = roundDiv(1 << 46, integerSqrt(mean << 16))
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 2
    const value = roundShift(roundShift(load<i32>(x + at), shift) * reciprocal, 22)
    store<i32>(out + at, saturate32(roundShift(value * <i64>load<i32>(weight + at), 16)))
  }
}

/** §5.4: `heads` heads of 2·half Q16 at `x` to int16 Q10, which go `stride` bytes apart per head. */
export function rope(x: usize, cos: usize, sin: usize, heads: i32, half: i32, out: usize, stride: i32): void {
  for (let head = 0; head < heads; head++) {
    const from = x + <usize>(head * half * 8)
    const to = out + <usize>head * <usize>stride
    for (let i = 0; i < half; i++) {
      const a = <i64>load<i32>(from + (<usize>i << 2))
      const b = <i64>load<i32>(from + (<usize>(i + half) << 2))
      const c = <i64>load<i16>(cos + (<usize>i << 1))
      const s = <i64>load<i16>(sin + (<usize>i << 1))
      store<i16>(to + (<usize>i << 1), <i16>saturate(roundShift(a * c - b * s, 20), 32767))
      store<i16>(to + (<usize>(i + half) << 1), <i16>saturate(roundShift(b * c + a * s, 20), 32767))
    }
  }
}

/** §5.4: `heads` heads of `headDim` Q16 at `x` to int16 Q10, `stride` bytes apart per head. */
export function narrow(x: usize, heads: i32, headDim: i32, out: usize, stride: i32): void {
  for (let head = 0; head < heads; head++) {
    const from = x + <usize>(head * headDim * 4)
    const to = out + <usize>head * <usize>stride
    for (let i = 0; i < headDim; i++) {
      const value = roundShift(load<i32>(from + (<usize>i << 2)), 6)
      store<i16>(to + (<usize>i << 1), <i16>saturate(value, 32767))
    }
  }
}

/** §5.7: n of each, as {@link rmsNorm}; `table` holds SIG, `out` may not overlap the others. */
export function swiGlu(gate: usize, up: usize, table: usize, n: i32, out: usize): void {
  const low = i32x4.splat(-(1 << 20))
  const high = i32x4.splat((1 << 20) - 1)
  const offset = i32x4.splat(1 << 20)
  const half = halfOf(16)
  let topSilu = i32x4.splat(0)
  let topUp = i32x4.splat(0)
  const whole = n & ~3
  const line = <usize>whole << 2
  for (let i: usize = 0; i < line; i += 16) {
    const g = v128.load(gate + i)
    const u = v128.load(up + i)
    const place = i32x4.add(i32x4.min_s(i32x4.max_s(g, low), high), offset)
    const silu = mulShift(g, sigmoid(table, place), half, 16)
    topSilu = i32x4.max_s(topSilu, i32x4.abs(silu))
    topUp = i32x4.max_s(topUp, i32x4.abs(u))
    v128.store(out + i, mulShift(silu, u, half, 16))
  }
  if (<i64>topLane(topSilu) * <i64>topLane(topUp) >= <i64>0x7fff << 32) plainSwiGlu(gate, up, table, whole, out)
  if (whole < n) plainSwiGlu(gate + line, up + line, table, n - whole, out + line)
}

/** SIG between its entries at four places in Q9 of the table. */
@inline
function sigmoid(table: usize, place: v128): v128 {
  const address = i32x4.add(i32x4.splat(<i32>table), i32x4.shl(i32x4.shr_u(place, 9), 2))
  const pair = loadPairs(address)
  const next = loadPairs2(address)
  const low = v128.shuffle<i32>(pair, next, 0, 2, 4, 6)
  const high = v128.shuffle<i32>(pair, next, 1, 3, 5, 7)
  const part = i32x4.mul(i32x4.sub(high, low), v128.and(place, i32x4.splat(511)))
  return i32x4.add(low, i32x4.shr_s(i32x4.add(part, i32x4.splat(256)), 9))
}

function plainSwiGlu(gate: usize, up: usize, table: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 2
    const g = load<i32>(gate + at)
    const silu = roundShift(<i64>g * <i64>sigmoidOf(table, g), 16)
    store<i32>(out + at, saturate32(roundShift(silu * <i64>load<i32>(up + at), 16)))
  }
}

@inline
function sigmoidOf(table: usize, x: i32): i32 {
  const limit = 1 << 20
  const place = (x < -limit ? -limit : x > limit - 1 ? limit - 1 : x) + limit
  const entry = table + <usize>((place >>> 9) << 2)
  const low = load<i32>(entry)
  return low + (((load<i32>(entry, 4) - low) * (place & 511) + 256) >> 9)
}

/** sat32(x + y), n int32 above −2^31, n a multiple of 4. */
export function add(x: usize, y: usize, n: i32, out: usize): void {
  const line = <usize>n << 2
  const least = i32x4.splat(-0x7fffffff)
  const most = i32x4.splat(0x7fffffff)
  for (let i: usize = 0; i < line; i += 16) {
    const a = v128.load(x + i)
    const b = v128.load(y + i)
    const sum = i32x4.add(a, b)
    const over = i32x4.shr_s(v128.and(v128.xor(a, sum), v128.xor(b, sum)), 31)
    const end = v128.xor(i32x4.shr_s(a, 31), most)
    v128.store(out + i, i32x4.max_s(v128.bitselect(end, sum, over), least))
  }
}
