import { bitLength, maxMagnitude, roundDiv, roundShift, saturate, saturate32 } from './integer'
import { halfOf, mulShift, mulWord, topMagnitude } from './simd'

/**
 * §5.2: n Q16 at `x` to int16 of magnitudes up to `inputMax` at `out`; mantissa and exponent at `scale`. Eight elements at a time
 * for the magnitudes that occur. n is a multiple of 8.
 */
export function quantise(x: usize, n: i32, out: usize, scale: usize, inputMax: i32): void {
  const top = topMagnitude(x, n)
  const bits = bitLength(top)
  if (bits < 4 || bits > 25) return plainQuantise(x, n, out, scale, inputMax)
  const exponent = bits > 15 ? bits - 15 : 0
  const mantissa = (top + ((1 << exponent) - 1)) >>> exponent
  const factor = <i32>roundDiv(<i64>inputMax << 22, mantissa)
  // From 12 bits on the reciprocal has room for what makes the shift one by 32.
  if (bits >= 12) quantiseBy(x, n, out, factor << (10 - exponent), 32, inputMax)
  else quantiseBy(x, n, out, factor, 22, inputMax)
  store<i32>(scale, mantissa)
  store<i32>(scale, exponent, 4)
}

@inline
function quantiseBy(x: usize, n: i32, out: usize, reciprocal: i32, shift: i32, inputMax: i32): void {
  const factor = i32x4.splat(reciprocal)
  const half = halfOf(shift)
  const most = i16x8.splat(<i16>inputMax)
  const least = i16x8.splat(<i16>-inputMax)
  const end = x + (<usize>n << 2)
  for (; x < end; x += 32) {
    const low = shift == 32 ? mulWord(v128.load(x), factor, half) : mulShift(v128.load(x), factor, half, shift)
    const high = shift == 32 ? mulWord(v128.load(x, 16), factor, half) : mulShift(v128.load(x, 16), factor, half, shift)
    v128.store(out, i16x8.max_s(i16x8.min_s(i16x8.narrow_i32x4_s(low, high), most), least))
    out += 16
  }
}

function plainQuantise(x: usize, n: i32, out: usize, scale: usize, inputMax: i32): void {
  const max = maxMagnitude(x, n)
  if (max == 0) {
    memory.fill(out, 0, <usize>n << 1)
    store<i64>(scale, 0)
    return
  }
  const bits = bitLength(max)
  const exponent = bits > 15 ? bits - 15 : 0
  const mantissa = (max + ((1 << exponent) - 1)) >>> exponent
  const reciprocal = roundDiv(<i64>inputMax << 22, mantissa)
  const shift = 22 + exponent
  for (let i = 0; i < n; i++) {
    const value = <i64>load<i32>(x + (<usize>i << 2)) * reciprocal
    store<i16>(out + (<usize>i << 1), <i16>saturate(roundShift(value, shift), inputMax))
  }
  store<i32>(scale, mantissa)
  store<i32>(scale, exponent, 4)
}

/**
 * Accumulators of `tokens` inputs: weights int8 rows × columns, inputs int16 tokens × columns, out int32 rows per token, whose
 * first ones are `stride` apart. `columns` is a multiple of 8.
 */
export function multiply(
  weights: usize,
  inputs: usize,
  out: usize,
  rows: i32,
  columns: i32,
  tokens: i32,
  stride: i32,
): void {
  const block = max(4, (blockBytes / columns) & ~3)
  for (let row = 0; row < rows; row += block) {
    const first = weights + <usize>row * <usize>columns
    multiplyBlock(first, inputs, out + (<usize>row << 2), min(block, rows - row), columns, tokens, stride)
  }
}

/** Weights that stay in the cache while all inputs go by. */
const blockBytes = 1 << 18

/**
 * Rows that are multiplied together stand far apart, so that each of two or four streams goes through memory in order: a processor
 * fetches ahead of such, and not of neighbouring rows read side by side, which end after some hundred bytes.
 */
function multiplyBlock(
  weights: usize,
  inputs: usize,
  out: usize,
  rows: i32,
  columns: i32,
  tokens: i32,
  stride: i32,
): void {
  const half = rows >> 1
  const quarter = rows >> 2
  let token = 0
  for (; token + 4 <= tokens; token += 4) {
    for (let row = 0; row < half; row++) block2x4(weights, inputs, out, row, half, token, stride, columns)
    for (let t = token; (rows & 1) == 1 && t < token + 4; t++) {
      single(weights, inputs, out, rows - 1, t, stride, columns)
    }
  }
  for (; token < tokens; token++) {
    for (let row = 0; row < quarter; row++) block4x1(weights, inputs, out, row, quarter, token, stride, columns)
    for (let row = 4 * quarter; row < rows; row++) single(weights, inputs, out, row, token, stride, columns)
  }
}

/** Row `row` and the one `apart` rows behind it, for four inputs. */
@inline
function block2x4(
  weights: usize,
  inputs: usize,
  out: usize,
  row: i32,
  apart: i32,
  token: i32,
  stride: i32,
  columns: i32,
): void {
  const width = <usize>columns
  const far = width * <usize>apart
  const inputBytes = width << 1
  let w = weights + <usize>row * width
  let x = inputs + <usize>token * inputBytes
  const end = w + width
  let a0 = i32x4.splat(0)
  let a1 = i32x4.splat(0)
  let a2 = i32x4.splat(0)
  let a3 = i32x4.splat(0)
  let b0 = i32x4.splat(0)
  let b1 = i32x4.splat(0)
  let b2 = i32x4.splat(0)
  let b3 = i32x4.splat(0)
  while (w < end) {
    const wa = v128.load_ext<i8>(w)
    const wb = v128.load_ext<i8>(w + far)
    const x0 = v128.load(x)
    const x1 = v128.load(x + inputBytes)
    const x2 = v128.load(x + inputBytes * 2)
    const x3 = v128.load(x + inputBytes * 3)
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(wa, x0))
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(wa, x1))
    a2 = i32x4.add(a2, i32x4.dot_i16x8_s(wa, x2))
    a3 = i32x4.add(a3, i32x4.dot_i16x8_s(wa, x3))
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(wb, x0))
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(wb, x1))
    b2 = i32x4.add(b2, i32x4.dot_i16x8_s(wb, x2))
    b3 = i32x4.add(b3, i32x4.dot_i16x8_s(wb, x3))
    w += 8
    x += 16
  }
  const line = <usize>stride << 2
  const to = out + <usize>token * line + (<usize>row << 2)
  const behind = to + (<usize>apart << 2)
  store<i32>(to, lanes(a0))
  store<i32>(behind, lanes(b0))
  store<i32>(to + line, lanes(a1))
  store<i32>(behind + line, lanes(b1))
  store<i32>(to + line * 2, lanes(a2))
  store<i32>(behind + line * 2, lanes(b2))
  store<i32>(to + line * 3, lanes(a3))
  store<i32>(behind + line * 3, lanes(b3))
}

/** Four rows from `row` on, each `apart` rows behind the one before, for one input. */
@inline
function block4x1(
  weights: usize,
  inputs: usize,
  out: usize,
  row: i32,
  apart: i32,
  token: i32,
  stride: i32,
  columns: i32,
): void {
  const width = <usize>columns
  const far = width * <usize>apart
  let w = weights + <usize>row * width
  let x = inputs + <usize>token * (width << 1)
  const end = w + width
  let a = i32x4.splat(0)
  let b = i32x4.splat(0)
  let c = i32x4.splat(0)
  let d = i32x4.splat(0)
  while (w < end) {
    const value = v128.load(x)
    a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load_ext<i8>(w), value))
    b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load_ext<i8>(w + far), value))
    c = i32x4.add(c, i32x4.dot_i16x8_s(v128.load_ext<i8>(w + far * 2), value))
    d = i32x4.add(d, i32x4.dot_i16x8_s(v128.load_ext<i8>(w + far * 3), value))
    w += 8
    x += 16
  }
  const to = out + ((<usize>token * <usize>stride + <usize>row) << 2)
  store<i32>(to, lanes(a))
  const step = <usize>apart << 2
  store<i32>(to + step, lanes(b))
  store<i32>(to + step * 2, lanes(c))
  store<i32>(to + step * 3, lanes(d))
}

function single(weights: usize, inputs: usize, out: usize, row: i32, token: i32, stride: i32, columns: i32): void {
  const width = <usize>columns
  let w = weights + <usize>row * width
  let x = inputs + <usize>token * (width << 1)
  const end = w + width
  let a = i32x4.splat(0)
  while (w < end) {
    a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load_ext<i8>(w), v128.load(x)))
    w += 8
    x += 16
  }
  store<i32>(out + ((<usize>token * <usize>stride + <usize>row) << 2), lanes(a))
}

@inline
function lanes(a: v128): i32 {
  return (
    i32x4.extract_lane(a, 0) + i32x4.extract_lane(a, 1) + i32x4.extract_lane(a, 2) + i32x4.extract_lane(a, 3)
  )
}

/** §5.3: n accumulators to Q16 by the rows' scales and the input's. */
export function dequantise(accumulators: usize, scales: usize, scale: usize, out: usize, n: i32): void {
  const mantissa = <i64>load<i32>(scale)
  const exponent = load<i32>(scale, 4)
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 2
    const rowScale = load<u32>(scales + at)
    const product = <i64>load<i32>(accumulators + at) * (mantissa * <i64>(rowScale >> 8))
    store<i32>(out + at, saturate32(roundShift(product, <i32>(rowScale & 255) - exponent)))
  }
}

/** §5.9: as dequantise, and on top of the n Q16 at `y` by `weight` / 2^16. */
export function addDequantised(
  accumulators: usize,
  scales: usize,
  scale: usize,
  weight: i32,
  y: usize,
  n: i32,
): void {
  const mantissa = <i64>load<i32>(scale)
  const exponent = load<i32>(scale, 4)
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 2
    const rowScale = load<u32>(scales + at)
    const product = <i64>load<i32>(accumulators + at) * (mantissa * <i64>(rowScale >> 8))
    const delta = <i64>saturate32(roundShift(product, <i32>(rowScale & 255) - exponent))
    store<i32>(y + at, saturate32(<i64>load<i32>(y + at) + roundShift(delta * <i64>weight, 16)))
  }
}

/** Row `token` of the embedding in Q16. */
export function embed(weights: usize, scales: usize, token: i32, columns: i32, out: usize): void {
  const row = weights + <usize>token * <usize>columns
  const rowScale = load<u32>(scales + (<usize>token << 2))
  const factor = <i64>(rowScale >> 8) << 16
  for (let i = 0; i < columns; i++) {
    const value = <i64>load<i8>(row + <usize>i) * factor
    store<i32>(out + (<usize>i << 2), saturate32(roundShift(value, <i32>(rowScale & 255))))
  }
}
