import { add, rmsNorm, swiGlu } from '../../wasm/assembly/elementwise'
import { roundShift, saturate32 } from '../../wasm/assembly/integer'
import { dequantise as plainDequantise, quantise } from '../../wasm/assembly/linear'
import { halfOf, mulShift, topLane } from '../../wasm/assembly/simd'

/**
 * The rules of docs/canonical-inference.md §5 four elements at a time, for the magnitudes that occur; where an intermediate
 * might not fit, the plain kernels of the engine do it. Same bits either way.
 */

/** §5.1: `positions` × n Q16 at `x`. n is a multiple of 4. */
export function norms(x: usize, positions: i32, weight: usize, epsilon: i32, n: i32, out: usize): void {
  const line = <usize>n << 2
  for (let i = 0; i < positions; i++) {
    rmsNorm(x, weight, epsilon, n, out)
    x += line
    out += line
  }
}

/** §5.2: `positions` × n Q16 at `x` to int16 up to `inputMax`; mantissas and exponents at `scale`. n is a multiple of 8. */
export function quantiseRows(x: usize, positions: i32, n: i32, out: usize, scale: usize, inputMax: i32): void {
  for (let i = 0; i < positions; i++) {
    quantise(x, n, out, scale, inputMax)
    x += <usize>n << 2
    out += <usize>n << 1
    scale += 8
  }
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

/** x ← sat32(x + y), n int32 above −2^31, n a multiple of 4. */
export function addRows(x: usize, y: usize, n: i32): void {
  add(x, y, n, x)
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
