import { dequantise as plainDequantise } from '../../wasm/assembly/linear'
import { halfOf, mulShift } from '../../wasm/assembly/simd'
import { fold, lanes, residue, topLane } from './field'

/** Bytes of what is known of a position's accumulators: two folded sums and the largest magnitude. */
const sumsBytes: usize = 24

/**
 * Sent accumulators of a linear in one pass: `positions` × n of `width` bytes, `stride` bytes apart, which may be read up to 4 bytes
 * behind their end. Adds their products with both secret vectors at `r` (see dotRows) and their largest magnitude to what `sums`
 * holds of each position, or begins with them where `isFirst`; and §5.3 of them, n Q16 a position, goes to `out`. `factors` holds
 * per four rows 2^(S − shift) and the mantissa of each, int32, where S, at `shift`, is the matrix's largest; magnitudes up to
 * `accMax` times those powers fit 32 bits; `largest` is the largest row scale.
 */
export function takeRows(
  x: usize,
  width: i32,
  stride: i32,
  positions: i32,
  r: usize,
  n: i32,
  every: i32,
  scales: usize,
  factors: usize,
  shift: i32,
  accMax: i32,
  largest: f64,
  scale: usize,
  sums: usize,
  isFirst: bool,
  out: usize,
): void {
  for (let i = 0; i < positions; i++) {
    if (isFirst) memory.fill(sums, 0, sumsBytes)
    const mantissa = load<i32>(scale)
    const exponent = load<i32>(scale, 4)
    const bits = shift - exponent
    const inOne = accMax > 0 && bits >= 31
    const top = inOne
      ? takeRow(x, width, r, n, every, factors, mantissa << i32(bits == 31), max(bits, 32), sums, out)
      : sumRow(x, width, r, n, every, sums, out)
    const isPlain = top > <u32>accMax || <f64>top * <f64>mantissa * <f64>(1 << exponent) * largest >= 2147483640.0
    const done = isPlain ? 0 : n & ~3
    if (isPlain) widen(x, width, n, out)
    else if (!inOne) dequantise(out, factors, mantissa, bits, n)
    if (done < n) {
      const offset = <usize>done << 2
      widen(x + <usize>(done * width), width, n - done, out + offset)
      plainDequantise(out + offset, scales + offset, scale, out + offset, n - done)
    }
    x += <usize>stride
    scale += 8
    sums += sumsBytes
    out += <usize>n << 2
  }
}

/** Per position both residues and the largest magnitude, as dotRows gives them, 16 bytes each. */
export function settleRows(sums: usize, positions: i32, out: usize): void {
  for (let i = 0; i < positions; i++) {
    store<u32>(out, residue(load<i64>(sums)))
    store<u32>(out, residue(load<i64>(sums, 8)), 4)
    store<u32>(out, load<u32>(sums, 16), 8)
    sums += sumsBytes
    out += 16
  }
}

function takeRow(
  x: usize,
  width: i32,
  r: usize,
  n: i32,
  every: i32,
  factors: usize,
  mantissa: i32,
  shift: i32,
  sums: usize,
  out: usize,
): u32 {
  if (width == 3) {
    if (shift == 32) return pass(x, 3, r, n, every, factors, mantissa, shift, sums, out, true, true)
    return pass(x, 3, r, n, every, factors, mantissa, shift, sums, out, true, false)
  }
  if (shift == 32) return pass(x, 4, r, n, every, factors, mantissa, shift, sums, out, true, true)
  return pass(x, 4, r, n, every, factors, mantissa, shift, sums, out, true, false)
}

/** The accumulators go to `out` as they are. */
function sumRow(x: usize, width: i32, r: usize, n: i32, every: i32, sums: usize, out: usize): u32 {
  if (width == 3) return pass(x, 3, r, n, every, 0, 0, 32, sums, out, false, false)
  return pass(x, 4, r, n, every, 0, 0, 32, sums, out, false, false)
}

/** Width, `isScaled` and `isWord` are constants where it is called; the last is for a shift by 32, else it is more. */
@inline
function pass(
  x: usize,
  width: i32,
  r: usize,
  n: i32,
  every: i32,
  factors: usize,
  mantissa: i32,
  shift: i32,
  sums: usize,
  out: usize,
  isScaled: bool,
  isWord: bool,
): u32 {
  const half = halfOf(shift)
  const more = shift - 32
  const mantissas = i32x4.splat(mantissa)
  let first: i64 = 0
  let second: i64 = 0
  let top = i32x4.splat(0)
  let i = 0
  const whole = n & ~3
  while (i < whole) {
    const end = min(whole, i + (every << 2))
    let a = i64x2.splat(0)
    let b = i64x2.splat(0)
    let c = i64x2.splat(0)
    let d = i64x2.splat(0)
    for (; i < end; i += 4) {
      const value = width == 3 ? spread(v128.load(x)) : v128.load(x)
      const one = v128.load(r)
      const two = v128.load(r, 16)
      a = i64x2.add(a, i64x2.extmul_low_i32x4_s(value, one))
      b = i64x2.add(b, i64x2.extmul_high_i32x4_s(value, one))
      c = i64x2.add(c, i64x2.extmul_low_i32x4_s(value, two))
      d = i64x2.add(d, i64x2.extmul_high_i32x4_s(value, two))
      top = i32x4.max_u(top, i32x4.abs(value))
      if (isScaled) {
        const left = i32x4.mul(value, v128.load(factors))
        const right = i32x4.mul(mantissas, v128.load(factors, 16))
        const low = i64x2.add(i64x2.extmul_low_i32x4_s(left, right), half)
        const high = i64x2.add(i64x2.extmul_high_i32x4_s(left, right), half)
        const words = v128.shuffle<i32>(low, high, 1, 3, 5, 7)
        v128.store(out, isWord ? words : i32x4.shr_s(words, more))
        factors += 32
      } else v128.store(out, value)
      x += <usize>width << 2
      r += 32
      out += 16
    }
    first = fold(first + lanes(a) + lanes(b))
    second = fold(second + lanes(c) + lanes(d))
  }
  let most = topLane(top)
  for (; i < n; i++) {
    const value = single(x, width)
    first = fold(first) + fold(<i64>value * <i64>load<i32>(r))
    second = fold(second) + fold(<i64>value * <i64>load<i32>(r, 16))
    most = max<u32>(most, <u32>(value < 0 ? -value : value))
    x += <usize>width
    r += 4
  }
  store<i64>(sums, fold(load<i64>(sums) + fold(first)))
  store<i64>(sums, fold(load<i64>(sums, 8) + fold(second)), 8)
  store<u32>(sums, max<u32>(load<u32>(sums, 16), most), 16)
  return most
}

/** int32 of the first four integers of 3 bytes. An index of 128 gives 0. */
@inline
function spread(bytes: v128): v128 {
  return i32x4.shr_s(i8x16.swizzle(bytes, i8x16(-128, 0, 1, 2, -128, 3, 4, 5, -128, 6, 7, 8, -128, 9, 10, 11)), 8)
}

@inline
function single(x: usize, width: i32): i32 {
  return width == 3 ? (load<i32>(x) << 8) >> 8 : load<i32>(x)
}

/** §5.3 in place, of accumulators whose magnitudes allow it. */
function dequantise(x: usize, factors: usize, mantissa: i32, shift: i32, n: i32): void {
  const half = halfOf(shift)
  const factor = i32x4.splat(mantissa)
  const end = x + (<usize>(n & ~3) << 2)
  for (; x < end; x += 16) {
    const value = i32x4.mul(v128.load(x), v128.load(factors))
    v128.store(x, mulShift(value, i32x4.mul(factor, v128.load(factors, 16)), half, shift))
    factors += 32
  }
}

/** n int32 of n little-endian integers of `width` bytes, 3 or 4. Reads up to 4 bytes behind them. */
export function widen(x: usize, width: i32, n: i32, out: usize): void {
  if (width == 4) return memory.copy(out, x, <usize>n << 2)
  let i = 0
  for (; i + 4 <= n; i += 4) {
    v128.store(out, spread(v128.load(x)))
    x += 12
    out += 16
  }
  for (; i < n; i++) {
    store<i32>(out, single(x, 3))
    x += 3
    out += 4
  }
}

/** §5.3 of int32 accumulators, positions × n, by the plain kernel. */
export function dequantiseRows(x: usize, positions: i32, scales: usize, scale: usize, n: i32, out: usize): void {
  for (let i = 0; i < positions; i++) {
    plainDequantise(x, scales, scale, out, n)
    x += <usize>n << 2
    scale += 8
    out += <usize>n << 2
  }
}
