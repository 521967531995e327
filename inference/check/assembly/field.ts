/** The field of 2^31 − 1 elements; docs/CHECKING.md §2. */
const p: i64 = 0x7fffffff

/** Congruent and nearer to 0: |x| ≤ 2^63 gives less than 2^33. */
@inline
export function fold(x: i64): i64 {
  return (x & p) + (x >> 31)
}

/** x mod p in [0, p). */
@inline
export function residue(x: i64): u32 {
  const near = fold(fold(x))
  const positive = near < 0 ? near + p : near
  return <u32>(positive >= p ? positive - p : positive)
}

@inline
export function lanes(a: v128): i64 {
  return fold(i64x2.extract_lane(a, 0)) + fold(i64x2.extract_lane(a, 1))
}

/**
 * `positions` vectors of n int32, `stride` bytes apart, times both secret vectors at `r`: groups of four elements of the first
 * and four of the second, each in ±2^30. Per position 16 bytes go to `out`: both residues and the largest magnitude. `every`
 * groups of magnitudes in range sum up without overflow; where a magnitude is out of range the residues mean nothing.
 */
export function dotRows(y: usize, stride: i32, positions: i32, r: usize, n: i32, every: i32, out: usize): void {
  for (let i = 0; i < positions; i++) dotRow(y + <usize>i * <usize>stride, r, n, every, out + (<usize>i << 4))
}

function dotRow(y: usize, r: usize, n: i32, every: i32, out: usize): void {
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
      const value = v128.load(y)
      const one = v128.load(r)
      const two = v128.load(r, 16)
      a = i64x2.add(a, i64x2.extmul_low_i32x4_s(value, one))
      b = i64x2.add(b, i64x2.extmul_high_i32x4_s(value, one))
      c = i64x2.add(c, i64x2.extmul_low_i32x4_s(value, two))
      d = i64x2.add(d, i64x2.extmul_high_i32x4_s(value, two))
      top = i32x4.max_u(top, i32x4.abs(value))
      y += 16
      r += 32
    }
    first = fold(first + lanes(a) + lanes(b))
    second = fold(second + lanes(c) + lanes(d))
  }
  let most = topLane(top)
  for (; i < n; i++) {
    const value = load<i32>(y)
    first = fold(first) + fold(<i64>value * <i64>load<i32>(r))
    second = fold(second) + fold(<i64>value * <i64>load<i32>(r, 16))
    most = max<u32>(most, <u32>(value < 0 ? -value : value))
    y += 4
    r += 4
  }
  store<u32>(out, residue(first))
  store<u32>(out, residue(second), 4)
  store<u32>(out, most, 8)
}

@inline
export function topLane(a: v128): u32 {
  return max<u32>(
    max<u32>(<u32>i32x4.extract_lane(a, 0), <u32>i32x4.extract_lane(a, 1)),
    max<u32>(<u32>i32x4.extract_lane(a, 2), <u32>i32x4.extract_lane(a, 3)),
  )
}

/**
 * `positions` inputs of `columns` int16, times both u at `u`: per eight columns the low digits of the first, its high digits, and
 * those of the second, int16 each; u = low + 2^16 · high. Products with `span` columns, a multiple of 8, sum up in 32 bits. Per
 * position two residues go to `out`, 8 bytes.
 */
export function dotInputs(q: usize, positions: i32, u: usize, columns: i32, span: i32, out: usize): void {
  for (let i = 0; i < positions; i++) {
    let digits = u
    let first: i64 = 0
    let second: i64 = 0
    for (let from = 0; from < columns; from += span) {
      const end = q + (<usize>min(span, columns - from) << 1)
      let a = i32x4.splat(0)
      let b = i32x4.splat(0)
      let c = i32x4.splat(0)
      let d = i32x4.splat(0)
      for (; q < end; q += 16) {
        const value = v128.load(q)
        a = i32x4.add(a, i32x4.dot_i16x8_s(value, v128.load(digits)))
        b = i32x4.add(b, i32x4.dot_i16x8_s(value, v128.load(digits, 16)))
        c = i32x4.add(c, i32x4.dot_i16x8_s(value, v128.load(digits, 32)))
        d = i32x4.add(d, i32x4.dot_i16x8_s(value, v128.load(digits, 48)))
        digits += 64
      }
      first += sum(a) + (sum(b) << 16)
      second += sum(c) + (sum(d) << 16)
    }
    store<u32>(out, residue(first))
    store<u32>(out, residue(second), 4)
    out += 8
  }
}

@inline
function sum(a: v128): i64 {
  const pairs = i64x2.add(i64x2.extend_low_i32x4_s(a), i64x2.extend_high_i32x4_s(a))
  return i64x2.extract_lane(pairs, 0) + i64x2.extract_lane(pairs, 1)
}

/**
 * Rows of int8 two by two for {@link accumulate}: per sixteen columns, pair after pair, 16 × (row 2j, row 2j + 1) of int16.
 * `rows` is even, `columns` a multiple of 16.
 */
export function pairRows(weights: usize, rows: i32, columns: i32, out: usize): void {
  for (let column = 0; column < columns; column += 16) {
    for (let row = 0; row < rows; row += 2) {
      const from = weights + <usize>row * <usize>columns + <usize>column
      const even = v128.load(from)
      const odd = v128.load(from + <usize>columns)
      const low = v128.shuffle<i8>(even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
      const high = v128.shuffle<i8>(even, odd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
      v128.store(out, i16x8.extend_low_i8x16_s(low))
      v128.store(out, i16x8.extend_high_i8x16_s(low), 16)
      v128.store(out, i16x8.extend_low_i8x16_s(high), 32)
      v128.store(out, i16x8.extend_high_i8x16_s(high), 48)
      out += 64
    }
  }
}

/**
 * Adds rᵀW of at most 128 pairs of rows to `sums`, an int64 per column. `digits` holds per pair the low digits of its two r and
 * their high ones, int16 each; r = low + 2^16 · high.
 */
export function accumulate(paired: usize, pairs: i32, columns: i32, digits: usize, sums: usize): void {
  for (let column = 0; column < columns; column += 16) {
    let a = i32x4.splat(0)
    let b = i32x4.splat(0)
    let c = i32x4.splat(0)
    let d = i32x4.splat(0)
    let e = i32x4.splat(0)
    let f = i32x4.splat(0)
    let g = i32x4.splat(0)
    let h = i32x4.splat(0)
    const end = paired + (<usize>pairs << 6)
    let digit = digits
    for (; paired < end; paired += 64) {
      const low = v128.load32_splat(digit)
      const high = v128.load32_splat(digit, 4)
      const w0 = v128.load(paired)
      const w1 = v128.load(paired, 16)
      const w2 = v128.load(paired, 32)
      const w3 = v128.load(paired, 48)
      a = i32x4.add(a, i32x4.dot_i16x8_s(w0, low))
      b = i32x4.add(b, i32x4.dot_i16x8_s(w1, low))
      c = i32x4.add(c, i32x4.dot_i16x8_s(w2, low))
      d = i32x4.add(d, i32x4.dot_i16x8_s(w3, low))
      e = i32x4.add(e, i32x4.dot_i16x8_s(w0, high))
      f = i32x4.add(f, i32x4.dot_i16x8_s(w1, high))
      g = i32x4.add(g, i32x4.dot_i16x8_s(w2, high))
      h = i32x4.add(h, i32x4.dot_i16x8_s(w3, high))
      digit += 8
    }
    join(sums, a, e)
    join(sums + 32, b, f)
    join(sums + 64, c, g)
    join(sums + 96, d, h)
    sums += 128
  }
}

@inline
function join(sums: usize, low: v128, high: v128): void {
  const first = i64x2.add(i64x2.extend_low_i32x4_s(low), i64x2.shl(i64x2.extend_low_i32x4_s(high), 16))
  const second = i64x2.add(i64x2.extend_high_i32x4_s(low), i64x2.shl(i64x2.extend_high_i32x4_s(high), 16))
  v128.store(sums, i64x2.add(v128.load(sums), first))
  v128.store(sums, i64x2.add(v128.load(sums, 16), second), 16)
}

/** n int64 to their residues, u32 each, in place. */
export function residues(sums: usize, n: i32): void {
  for (let i = 0; i < n; i++) store<u32>(sums + (<usize>i << 2), residue(load<i64>(sums + (<usize>i << 3))))
}
