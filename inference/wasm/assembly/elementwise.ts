import { bitLength, integerSqrt, maxMagnitude, roundDiv, roundShift, saturate, saturate32 } from './integer'

/** §5.1: n Q16 at `x`, weights Q16. */
export function rmsNorm(x: usize, weight: usize, epsilon: i32, n: i32, out: usize): void {
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

/** §5.7: n of each; `table` holds SIG. */
export function swiGlu(gate: usize, up: usize, table: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 2
    const g = load<i32>(gate + at)
    const silu = roundShift(<i64>g * <i64>sigmoid(table, g), 16)
    store<i32>(out + at, saturate32(roundShift(silu * <i64>load<i32>(up + at), 16)))
  }
}

@inline
function sigmoid(table: usize, x: i32): i32 {
  const limit = 1 << 20
  const place = (x < -limit ? -limit : x > limit - 1 ? limit - 1 : x) + limit
  const entry = table + <usize>((place >>> 9) << 2)
  const low = load<i32>(entry)
  return low + (((load<i32>(entry, 4) - low) * (place & 511) + 256) >> 9)
}

/** x + y, n int32 each. */
export function add(x: usize, y: usize, n: i32, out: usize): void {
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 2
    store<i32>(out + at, saturate32(<i64>load<i32>(x + at) + <i64>load<i32>(y + at)))
  }
}
