import { rmsNorm as plainNorm, swiGlu as plainSwiGlu } from '../../wasm/assembly/elementwise'
import { bitLength, integerSqrt, roundDiv, roundShift, saturate32 } from '../../wasm/assembly/integer'
import { dequantise as plainDequantise, quantise as plainQuantise } from '../../wasm/assembly/linear'
import { halfOf, mulShift, topLane, topMagnitude } from './integer'

/**
 * The rules of docs/canonical-inference.md §5 four elements at a time, for the magnitudes that occur; where an intermediate
 * might not fit, the plain kernels of the engine do it. Same bits either way.
 */

/** §5.1: `positions` × n Q16 at `x`. n is a multiple of 4. */
export function norms(x: usize, positions: i32, weight: usize, epsilon: i32, n: i32, out: usize): void {
  const line = <usize>n << 2
  for (let i = 0; i < positions; i++) {
    norm(x, weight, epsilon, n, out)
    x += line
    out += line
  }
}

/** From more columns on an output may saturate. */
const normColumnsMax = 8192

function norm(x: usize, weight: usize, epsilon: i32, n: i32, out: usize): void {
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

/** §5.2: `positions` × n Q16 at `x` to int16 holding int8; mantissas and exponents at `scale`. n is a multiple of 8. */
export function quantiseRows(x: usize, positions: i32, n: i32, out: usize, scale: usize): void {
  for (let i = 0; i < positions; i++) {
    quantise(x, n, out, scale)
    x += <usize>n << 2
    out += <usize>n << 1
    scale += 8
  }
}

function quantise(x: usize, n: i32, out: usize, scale: usize): void {
  const top = topMagnitude(x, n)
  const bits = bitLength(top)
  if (top == 0 || bits > 25) return plainQuantise(x, n, out, scale)
  const exponent = bits > 15 ? bits - 15 : 0
  const mantissa = (top + ((1 << exponent) - 1)) >>> exponent
  const factor = i32x4.splat(<i32>roundDiv(127 << 22, mantissa))
  const shift = 22 + exponent
  const half = halfOf(shift)
  const most = i16x8.splat(127)
  const least = i16x8.splat(-127)
  const end = x + (<usize>n << 2)
  for (; x < end; x += 32) {
    const low = mulShift(v128.load(x), factor, half, shift)
    const high = mulShift(v128.load(x, 16), factor, half, shift)
    v128.store(out, i16x8.max_s(i16x8.min_s(i16x8.narrow_i32x4_s(low, high), most), least))
    out += 16
  }
  store<i32>(scale, mantissa)
  store<i32>(scale, exponent, 4)
}

/**
 * §5.3: accumulators of `positions` positions, `stride` bytes apart, to n Q16 each, `positions` × n at `out`. `factors` holds per
 * four rows 2^(S − shift) and the mantissa of each, int32, where S is the matrix's largest shift; magnitudes up to `accMax`
 * times those powers fit 32 bits; `largest` is the largest row scale. Magnitudes lie at `tops`, 16 bytes apart.
 */
export function dequantiseRows(
  accumulators: usize,
  stride: i32,
  positions: i32,
  scales: usize,
  factors: usize,
  shift: i32,
  accMax: i32,
  largest: f64,
  scale: usize,
  tops: usize,
  n: i32,
  out: usize,
): void {
  for (let i = 0; i < positions; i++) {
    const mantissa = load<i32>(scale)
    const exponent = load<i32>(scale, 4)
    const top = load<u32>(tops)
    const bound = <f64>top * <f64>mantissa * <f64>(1 << exponent) * largest
    if (top <= <u32>accMax && shift - exponent <= 32 && bound < 2147483640.0) {
      dequantise(accumulators, factors, mantissa, shift - exponent, n, out)
      const done = n & ~3
      const offset = <usize>done << 2
      if (done < n) plainDequantise(accumulators + offset, scales + offset, scale, out + offset, n - done)
    } else plainDequantise(accumulators, scales, scale, out, n)
    accumulators += <usize>stride
    scale += 8
    tops += 16
    out += <usize>n << 2
  }
}

function dequantise(accumulators: usize, factors: usize, mantissa: i32, shift: i32, n: i32, out: usize): void {
  const half = halfOf(shift)
  const factor = i32x4.splat(mantissa)
  const end = out + (<usize>(n & ~3) << 2)
  for (; out < end; out += 16) {
    const value = i32x4.mul(v128.load(accumulators), v128.load(factors))
    v128.store(out, mulShift(value, i32x4.mul(factor, v128.load(factors, 16)), half, shift))
    accumulators += 16
    factors += 32
  }
}

/** §5.7: `positions` × n of each; n is a multiple of 4. `out` may not overlap them. */
export function swiGluRows(gate: usize, up: usize, positions: i32, table: usize, n: i32, out: usize): void {
  const line = <usize>n << 2
  for (let i = 0; i < positions; i++) {
    swiGlu(gate, up, table, n, out)
    gate += line
    up += line
    out += line
  }
}

function swiGlu(gate: usize, up: usize, table: usize, n: i32, out: usize): void {
  const low = i32x4.splat(-(1 << 20))
  const high = i32x4.splat((1 << 20) - 1)
  const offset = i32x4.splat(1 << 20)
  const half = halfOf(16)
  let topSilu = i32x4.splat(0)
  let topUp = i32x4.splat(0)
  const line = <usize>n << 2
  for (let i: usize = 0; i < line; i += 16) {
    const g = v128.load(gate + i)
    const u = v128.load(up + i)
    const place = i32x4.add(i32x4.min_s(i32x4.max_s(g, low), high), offset)
    const silu = mulShift(g, sigmoid(table, place), half, 16)
    topSilu = i32x4.max_s(topSilu, i32x4.abs(silu))
    topUp = i32x4.max_s(topUp, i32x4.abs(u))
    v128.store(out + i, mulShift(silu, u, half, 16))
  }
  if (<i64>topLane(topSilu) * <i64>topLane(topUp) >= <i64>0x7fff << 32) plainSwiGlu(gate, up, table, n, out)
}

/** SIG between its entries at four places in Q9 of the table. */
@inline
function sigmoid(table: usize, place: v128): v128 {
  const index = i32x4.shl(i32x4.shr_u(place, 9), 2)
  const pair = loadPairs(table, index)
  const next = loadPairs2(table, index)
  const low = v128.shuffle<i32>(pair, next, 0, 2, 4, 6)
  const high = v128.shuffle<i32>(pair, next, 1, 3, 5, 7)
  const part = i32x4.mul(i32x4.sub(high, low), v128.and(place, i32x4.splat(511)))
  return i32x4.add(low, i32x4.shr_s(i32x4.add(part, i32x4.splat(256)), 9))
}

/** Neighbouring entries of a table of u32 at the first two of four byte offsets. */
@inline
export function loadPairs(table: usize, index: v128): v128 {
  return v128.load64_lane(table + <usize>i32x4.extract_lane(index, 1), v128.load64_zero(table + <usize>i32x4.extract_lane(index, 0)), 1)
}

/** The same at the last two. */
@inline
export function loadPairs2(table: usize, index: v128): v128 {
  return v128.load64_lane(table + <usize>i32x4.extract_lane(index, 3), v128.load64_zero(table + <usize>i32x4.extract_lane(index, 2)), 1)
}

/** x ← sat32(x + y), n int32 above −2^31, n a multiple of 4. */
export function addRows(x: usize, y: usize, n: i32): void {
  const line = <usize>n << 2
  const least = i32x4.splat(-0x7fffffff)
  const most = i32x4.splat(0x7fffffff)
  for (let i: usize = 0; i < line; i += 16) {
    const a = v128.load(x + i)
    const b = v128.load(y + i)
    const sum = i32x4.add(a, b)
    const over = i32x4.shr_s(v128.and(v128.xor(a, sum), v128.xor(b, sum)), 31)
    const end = v128.xor(i32x4.shr_s(a, 31), most)
    v128.store(x + i, i32x4.max_s(v128.bitselect(end, sum, over), least))
  }
}

/** The lowest index of the largest of n int32. */
export function argmax(x: usize, n: i32): i32 {
  let top = i32x4.splat(i32.MIN_VALUE)
  const whole = n & ~3
  for (let i = 0; i < whole; i += 4) top = i32x4.max_s(top, v128.load(x + (<usize>i << 2)))
  let most = topLane(top)
  for (let i = whole; i < n; i++) most = max<i32>(most, load<i32>(x + (<usize>i << 2)))
  const wanted = i32x4.splat(most)
  let i = 0
  while (i < whole && !v128.any_true(i32x4.eq(v128.load(x + (<usize>i << 2)), wanted))) i += 4
  while (load<i32>(x + (<usize>i << 2)) != most) i++
  return i
}

/** n int32 of n integers of 3 bytes, little-endian. Reads up to 4 bytes behind them. */
export function widen(x: usize, n: i32, out: usize): void {
  const whole = n & ~3
  for (let i = 0; i < whole; i += 4) {
    const spread = i8x16.swizzle(v128.load(x), i8x16(16, 0, 1, 2, 16, 3, 4, 5, 16, 6, 7, 8, 16, 9, 10, 11))
    v128.store(out, i32x4.shr_s(spread, 8))
    x += 12
    out += 16
  }
  for (let i = whole; i < n; i++) {
    store<i32>(out, (load<i32>(x) << 8) >> 8)
    x += 3
    out += 4
  }
}

/** §5.9: x ← sat32(x + rsh(y · weight, 16)), n int32 each. */
export function addWeighted(x: usize, y: usize, weight: i32, n: i32): void {
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 2
    const sum = <i64>load<i32>(x + at) + roundShift(<i64>load<i32>(y + at) * <i64>weight, 16)
    store<i32>(x + at, saturate32(sum))
  }
}
