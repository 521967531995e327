import { exp2Negative, roundDiv } from '../../wasm/assembly/integer'
import { halfOf, mulWord, narrow64, topLane } from '../../wasm/assembly/simd'

/**
 * Q16 to int16 Q10 with their positions' angles, §5.4: `positions` × `heads` heads of 2·half at `x`; at `out` heads are `stride` bytes
 * apart and positions `line` bytes.
 */
export function rotateRows(
  x: usize,
  cos: usize,
  sin: usize,
  positions: i32,
  heads: i32,
  half: i32,
  out: usize,
  line: i32,
  stride: i32,
): void {
  for (let i = 0; i < positions; i++) {
    rotate(x, cos, sin, heads, half, out, stride)
    x += <usize>(heads * half) << 3
    cos += <usize>half << 1
    sin += <usize>half << 1
    out += <usize>line
  }
}

function rotate(x: usize, cos: usize, sin: usize, heads: i32, half: i32, out: usize, stride: i32): void {
  const least = i16x8.splat(-32767)
  const round = halfOf(20)
  const halfBytes = <usize>half << 2
  for (let head = 0; head < heads; head++) {
    for (let i: usize = 0; i < halfBytes; i += 16) {
      const a = v128.load(x + i)
      const b = v128.load(x + halfBytes + i)
      const c = v128.load_ext<i16>(cos + (i >> 1))
      const s = v128.load_ext<i16>(sin + (i >> 1))
      const first = narrow64(
        i64x2.shr_u(i64x2.add(i64x2.sub(i64x2.extmul_low_i32x4_s(a, c), i64x2.extmul_low_i32x4_s(b, s)), round), 20),
        i64x2.shr_u(i64x2.add(i64x2.sub(i64x2.extmul_high_i32x4_s(a, c), i64x2.extmul_high_i32x4_s(b, s)), round), 20),
      )
      const second = narrow64(
        i64x2.shr_u(i64x2.add(i64x2.add(i64x2.extmul_low_i32x4_s(b, c), i64x2.extmul_low_i32x4_s(a, s)), round), 20),
        i64x2.shr_u(i64x2.add(i64x2.add(i64x2.extmul_high_i32x4_s(b, c), i64x2.extmul_high_i32x4_s(a, s)), round), 20),
      )
      const both = i16x8.max_s(i16x8.narrow_i32x4_s(first, second), least)
      v128.store64_lane(out + (i >> 1), both, 0)
      v128.store64_lane(out + (halfBytes >> 1) + (i >> 1), both, 1)
    }
    x += halfBytes << 1
    out += <usize>stride
  }
}

/**
 * §5.4: values of `positions` positions from `position` on, `heads` × headDim Q16 each, into caches of pairs of positions: per head,
 * `stride` bytes apart, position 2j and 2j + 1 by turns. Raises the largest magnitudes at `tops`, int32 per head.
 */
export function cacheValueRows(
  x: usize,
  positions: i32,
  heads: i32,
  headDim: i32,
  position: i32,
  out: usize,
  stride: i32,
  tops: usize,
): void {
  const line = <usize>(heads * headDim) << 2
  const end = position + positions
  while (position < end) {
    const both = (position & 1) == 0 && position + 1 < end
    const to = out + <usize>(position >> 1) * (<usize>headDim << 2)
    for (let head = 0; head < heads; head++) {
      const from = x + (<usize>(head * headDim) << 2)
      const at = to + <usize>head * <usize>stride
      const top = tops + (<usize>head << 2)
      if (both) cachePair(from, from + line, headDim, at, top)
      else cacheSingle(from, headDim, at + (<usize>(position & 1) << 1), top)
    }
    const taken = both ? 2 : 1
    position += taken
    x += line * <usize>taken
  }
}

function cacheSingle(x: usize, headDim: i32, out: usize, topAt: usize): void {
  let top = load<i32>(topAt)
  for (let i = 0; i < headDim; i++) {
    const exact = (<i64>load<i32>(x + (<usize>i << 2)) + 32) >> 6
    const value = <i32>(exact > 32767 ? 32767 : exact < -32767 ? -32767 : exact)
    top = max<i32>(top, value < 0 ? -value : value)
    store<i16>(out + (<usize>i << 2), <i16>value)
  }
  store<i32>(topAt, top)
}

function cachePair(even: usize, odd: usize, headDim: i32, out: usize, topAt: usize): void {
  let top = i16x8.splat(0)
  const end = even + (<usize>headDim << 2)
  for (; even < end; even += 32) {
    const a = narrowValues(even)
    const b = narrowValues(odd)
    top = i16x8.max_s(top, i16x8.max_s(i16x8.abs(a), i16x8.abs(b)))
    v128.store(out, v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11))
    v128.store(out, v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15), 16)
    odd += 32
    out += 32
  }
  const halves = i32x4.max_s(i32x4.extend_low_i16x8_s(top), i32x4.extend_high_i16x8_s(top))
  store<i32>(topAt, max<i32>(load<i32>(topAt), topLane(halves)))
}

@inline
function narrowValues(x: usize): v128 {
  return i16x8.max_s(i16x8.narrow_i32x4_s(shifted6(v128.load(x)), shifted6(v128.load(x, 16))), i16x8.splat(-32767))
}

/** `rsh(x, 6)` without a carry out of 32 bits. */
@inline
function shifted6(x: v128): v128 {
  return i32x4.add(i32x4.shr_s(x, 6), v128.and(i32x4.shr_s(x, 5), i32x4.splat(1)))
}

/** Raises the largest squared lengths at `tops`, int64 per head, by those of keys of `positions` positions; heads are `stride` bytes apart. */
export function measureKeys(
  keys: usize,
  positions: i32,
  heads: i32,
  headDim: i32,
  stride: i32,
  tops: usize,
): void {
  for (let head = 0; head < heads; head++) {
    let key = keys + <usize>head * <usize>stride
    const at = tops + (<usize>head << 3)
    let top = load<i64>(at)
    for (let i = 0; i < positions; i++) {
      top = max<i64>(top, squares(key, headDim))
      key += <usize>headDim << 1
    }
    store<i64>(at, top)
  }
}

@inline
function squares(x: usize, n: i32): i64 {
  let sum = i64x2.splat(0)
  const end = x + (<usize>n << 1)
  for (; x < end; x += 16) {
    const value = v128.load(x)
    const dot = i32x4.dot_i16x8_s(value, value)
    sum = i64x2.add(sum, i64x2.add(i64x2.extend_low_i32x4_s(dot), i64x2.extend_high_i32x4_s(dot)))
  }
  return i64x2.extract_lane(sum, 0) + i64x2.extract_lane(sum, 1)
}

/** Bytes that one query's scores and probabilities take. */
const tileBytes: usize = 1024

/**
 * §5.5 and 5.6 of all heads of `positions` positions from `position` on: queries int16, positions × heads × headDim, out Q16
 * likewise. Keys lie per kv head `stride` bytes apart, position after position, values in pairs as {@link cacheValueRows} leaves
 * them. `scratch` holds twice 1 KiB and, for both queries of a pair, a record per tile.
 */
export function attendRows(
  queries: usize,
  keys: usize,
  values: usize,
  stride: i32,
  keyTops: usize,
  valueTops: usize,
  position: i32,
  positions: i32,
  heads: i32,
  kvHeads: i32,
  headDim: i32,
  tilePositions: i32,
  table: usize,
  multiplier: i32,
  shift: i32,
  scratch: usize,
  out: usize,
): void {
  const group = heads / kvHeads
  const line = <usize>(heads * headDim)
  const end = position + positions
  for (let head = 0; head < heads; head++) {
    const kv = head / group
    const offset = <usize>kv * <usize>stride
    const keyTop = <f64>load<i64>(keyTops + (<usize>kv << 3))
    const valueTop = max<i32>(1, load<i32>(valueTops + (<usize>kv << 2)))
    let query = queries + (<usize>(head * headDim) << 1)
    let to = out + (<usize>(head * headDim) << 2)
    for (let at = position; at < end; ) {
      // Both of a pair that begins at an even position have the same tiles.
      const pair = (at & 1) == 0 && at + 1 < end
      const next = query + (pair ? line << 1 : 0)
      const fits = shift >= 17 && shift <= 32 && isShort(query, headDim, keyTop) && isShort(next, headDim, keyTop)
      attend(
        query,
        next,
        keys + offset,
        values + offset,
        valueTop,
        at + 1,
        headDim,
        tilePositions,
        table,
        multiplier,
        shift,
        fits,
        scratch,
        to,
        to + (pair ? line << 2 : 0),
      )
      const taken = pair ? 2 : 1
      at += taken
      query += (line << 1) * <usize>taken
      to += (line << 2) * <usize>taken
    }
  }
}

/** By the lengths of query and keys: whether every partial sum of a score fits 32 bits. */
@inline
function isShort(query: usize, headDim: i32, keyTop: f64): bool {
  return <f64>squares(query, headDim) * keyTop < 4611686018427387904.0 - 1048576.0
}

/** One query with `count` positions, or, where `second` is another, two of which that one sees a position more. */
function attend(
  first: usize,
  second: usize,
  keys: usize,
  values: usize,
  valueTop: i32,
  count: i32,
  headDim: i32,
  tilePositions: i32,
  table: usize,
  multiplier: i32,
  shift: i32,
  fits: bool,
  scratch: usize,
  firstOut: usize,
  secondOut: usize,
): void {
  const pair = first != second
  const rowBytes = <usize>headDim << 1
  const size = <usize>(headDim + 2) << 3
  const tiles = (count + tilePositions - 1) / tilePositions
  const other = scratch + tileBytes
  const records = other + tileBytes
  const others = records + <usize>tiles * size
  let record = records
  for (let start = 0; start < count; start += tilePositions) {
    const n = min(tilePositions, count - start)
    const m = min(tilePositions, count + 1 - start)
    const offset = <usize>start * rowBytes
    if (pair) {
      const next = record + (others - records)
      if (fits) scoresOfTwo(first, second, keys + offset, m, headDim, multiplier, shift, scratch, other)
      else {
        wideScores(first, keys + offset, n, headDim, multiplier, shift, scratch)
        wideScores(second, keys + offset, m, headDim, multiplier, shift, other)
      }
      fillBehind(n, scratch)
      fillBehind(m, other)
      const sum = probabilities(n, table, scratch, record)
      const sum2 = probabilities(m, table, other, next)
      const limit = 0x7fffffff / valueTop
      if (max<i32>(sum, sum2) <= limit) mixOfTwo(values + offset, m, headDim, scratch, record + 16, next + 16)
      else {
        mixValues(values + offset, n, headDim, scratch, sum, limit, record + 16)
        mixValues(values + offset, m, headDim, other, sum2, limit, next + 16)
      }
    } else {
      if (fits) scores(first, keys + offset, n, headDim, multiplier, shift, scratch)
      else wideScores(first, keys + offset, n, headDim, multiplier, shift, scratch)
      fillBehind(n, scratch)
      const sum = probabilities(n, table, scratch, record)
      mixValues(values + offset, n, headDim, scratch, sum, 0x7fffffff / valueTop, record + 16)
    }
    record += size
  }
  join(records, tiles, headDim, table, firstOut)
  if (pair) join(others, tiles, headDim, table, secondOut)
}

/** {@link scores} of two queries; the first's behind its own end mean nothing. */
function scoresOfTwo(
  first: usize,
  second: usize,
  keys: usize,
  n: i32,
  headDim: i32,
  multiplier: i32,
  shift: i32,
  out: usize,
  secondOut: usize,
): void {
  const rowBytes = <usize>headDim << 1
  const factor = i32x4.splat(multiplier << (32 - shift))
  const half = halfOf(32)
  const across = second - first
  const end = first + rowBytes
  for (let j = 0; j < n; j += 4) {
    let a = i32x4.splat(0)
    let b = i32x4.splat(0)
    let c = i32x4.splat(0)
    let d = i32x4.splat(0)
    let e = i32x4.splat(0)
    let f = i32x4.splat(0)
    let g = i32x4.splat(0)
    let h = i32x4.splat(0)
    let key = keys + <usize>j * rowBytes
    for (let q = first; q < end; q += 16) {
      const one = v128.load(q)
      const two = v128.load(q + across)
      const k0 = v128.load(key)
      a = i32x4.add(a, i32x4.dot_i16x8_s(one, k0))
      e = i32x4.add(e, i32x4.dot_i16x8_s(two, k0))
      const k1 = v128.load(key + rowBytes)
      b = i32x4.add(b, i32x4.dot_i16x8_s(one, k1))
      f = i32x4.add(f, i32x4.dot_i16x8_s(two, k1))
      const k2 = v128.load(key + rowBytes * 2)
      c = i32x4.add(c, i32x4.dot_i16x8_s(one, k2))
      g = i32x4.add(g, i32x4.dot_i16x8_s(two, k2))
      const k3 = v128.load(key + rowBytes * 3)
      d = i32x4.add(d, i32x4.dot_i16x8_s(one, k3))
      h = i32x4.add(h, i32x4.dot_i16x8_s(two, k3))
      key += 16
    }
    v128.store(out + (<usize>j << 2), mulWord(laneSums(a, b, c, d), factor, half))
    v128.store(secondOut + (<usize>j << 2), mulWord(laneSums(e, f, g, h), factor, half))
  }
}

/** Sums of the lanes of each of four. */
@inline
function laneSums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7))
  const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7))
  return i32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7))
}

/** Scores of n positions, in fours, where every partial sum fits 32 bits. */
function scores(query: usize, keys: usize, n: i32, headDim: i32, multiplier: i32, shift: i32, out: usize): void {
  const rowBytes = <usize>headDim << 1
  const factor = i32x4.splat(multiplier << (32 - shift))
  const half = halfOf(32)
  const end = query + rowBytes
  for (let j = 0; j < n; j += 4) {
    let a = i32x4.splat(0)
    let b = i32x4.splat(0)
    let c = i32x4.splat(0)
    let d = i32x4.splat(0)
    let key = keys + <usize>j * rowBytes
    for (let q = query; q < end; q += 16) {
      const value = v128.load(q)
      a = i32x4.add(a, i32x4.dot_i16x8_s(value, v128.load(key)))
      b = i32x4.add(b, i32x4.dot_i16x8_s(value, v128.load(key + rowBytes)))
      c = i32x4.add(c, i32x4.dot_i16x8_s(value, v128.load(key + rowBytes * 2)))
      d = i32x4.add(d, i32x4.dot_i16x8_s(value, v128.load(key + rowBytes * 3)))
      key += 16
    }
    v128.store(out + (<usize>j << 2), mulWord(laneSums(a, b, c, d), factor, half))
  }
}

function wideScores(query: usize, keys: usize, n: i32, headDim: i32, multiplier: i32, shift: i32, out: usize): void {
  for (let j = 0; j < n; j++) {
    let sum: i64 = 0
    for (let i = 0; i < headDim; i++) {
      sum += <i64>load<i16>(query + (<usize>i << 1)) * <i64>load<i16>(keys + (<usize>(j * headDim + i) << 1))
    }
    store<i32>(out + (<usize>j << 2), <i32>((sum * <i64>multiplier + ((<i64>1) << (shift - 1))) >> shift))
  }
}

/** Scores behind n, up to a multiple of four, become copies of the first. */
@inline
function fillBehind(n: i32, out: usize): void {
  for (let j = n; (j & 3) != 0; j++) store<i32>(out + (<usize>j << 2), load<i32>(out))
}

/** Neighbouring entries of a table of u32 at the two addresses that lie at `at`: quicker here than out of a vector's lanes. */
@inline
function pairsAt(at: usize): v128 {
  return v128.load64_lane(<usize>load<u32>(at, 4), v128.load64_zero(<usize>load<u32>(at)), 1)
}

/**
 * n scores, int32 in fours at `scratch`, become probabilities, int16 from its 512th byte on, 0 behind n; the largest score and the
 * probabilities' sum go to the record, the sum is returned.
 */
function probabilities(n: i32, table: usize, scratch: usize, record: usize): i32 {
  let most = v128.load(scratch)
  const end = scratch + ((<usize>n << 2) + 15 & ~15)
  for (let at = scratch + 16; at < end; at += 16) most = i32x4.max_s(most, v128.load(at))
  const top = topLane(most)
  store<i64>(record, <i64>top)
  const tops = i32x4.splat(top)
  const tables = i32x4.splat(<i32>table)
  let sums = i32x4.splat(0)
  let to = scratch + 512
  for (let at = scratch; at < end; at += 16) {
    const distance = i32x4.sub(tops, v128.load(at))
    const address = i32x4.add(tables, v128.and(i32x4.shr_u(distance, 4), i32x4.splat(1023 << 2)))
    v128.store(at, address)
    const pair = pairsAt(at)
    const next = pairsAt(at + 8)
    const high = v128.shuffle<i32>(pair, next, 0, 2, 4, 6)
    const low = v128.shuffle<i32>(pair, next, 1, 3, 5, 7)
    const part = i32x4.mul(i32x4.sub(high, low), v128.and(distance, i32x4.splat(63)))
    const value = i32x4.sub(high, i32x4.shr_u(i32x4.add(part, i32x4.splat(32)), 6))
    // From 16 on the outcome is 0; up to 31 the power is a single float.
    const whole = i32x4.min_u(i32x4.shr_u(distance, 16), i32x4.splat(31))
    // 24 bits times a power of two, plus a half: single floats hold what decides the whole part.
    const power = i32x4.shl(i32x4.sub(i32x4.splat(118), whole), 23)
    const real = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(value), power), f32x4.splat(0.5))
    const rounded = i32x4.trunc_sat_f32x4_s(real)
    sums = i32x4.add(sums, rounded)
    v128.store64_lane(to, i16x8.narrow_i32x4_s(rounded, rounded), 0)
    to += 8
  }
  let behind = 0
  for (let j = n; (j & 3) != 0; j++) {
    behind += load<i16>(scratch + 512 + (<usize>j << 1))
    store<i16>(scratch + 512 + (<usize>j << 1), 0)
  }
  const pairs = i32x4.add(sums, v128.shuffle<i32>(sums, sums, 2, 3, 0, 1))
  const sum = i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1) - behind
  store<i64>(record, <i64>sum, 8)
  return sum
}

/** Σ p·v to headDim doubles at `out`: runs of pairs of positions whose p add up to `limit` at most, so that sums fit 32 bits. */
function mixValues(values: usize, n: i32, headDim: i32, scratch: usize, sum: i32, limit: i32, out: usize): void {
  const chances = scratch + 512
  let from = 0
  while (from < n) {
    const to = sum <= limit ? n : endOfRun(chances, from, n, limit)
    let i = 0
    for (; i + 32 <= headDim; i += 32) mix32(values, from, to, headDim, i, chances, out)
    for (; i < headDim; i += 8) mix8(values, from, to, headDim, i, chances, out)
    from = to
  }
}

function endOfRun(chances: usize, from: i32, n: i32, limit: i32): i32 {
  let to = from
  let total = 0
  while (to < n) {
    total += <i32>load<i16>(chances + (<usize>to << 1)) + <i32>load<i16>(chances + (<usize>to << 1), 2)
    if (total > limit && to > from) break
    to += 2
  }
  return to
}

/** {@link mixValues} of two queries, each in one run; the second's probabilities lie a tile's bytes behind the first's. */
function mixOfTwo(values: usize, n: i32, headDim: i32, scratch: usize, out: usize, secondOut: usize): void {
  const chances = scratch + 512
  const line = <usize>headDim << 2
  const end = chances + (<usize>n << 1)
  let i = 0
  for (; i + 16 <= headDim; i += 16) {
    let at = values + (<usize>i << 2)
    let a = i32x4.splat(0)
    let b = i32x4.splat(0)
    let c = i32x4.splat(0)
    let d = i32x4.splat(0)
    let e = i32x4.splat(0)
    let f = i32x4.splat(0)
    let g = i32x4.splat(0)
    let h = i32x4.splat(0)
    for (let p = chances; p < end; p += 4) {
      const one = v128.load32_splat(p)
      const two = v128.load32_splat(p, tileBytes)
      const v0 = v128.load(at)
      a = i32x4.add(a, i32x4.dot_i16x8_s(one, v0))
      e = i32x4.add(e, i32x4.dot_i16x8_s(two, v0))
      const v1 = v128.load(at, 16)
      b = i32x4.add(b, i32x4.dot_i16x8_s(one, v1))
      f = i32x4.add(f, i32x4.dot_i16x8_s(two, v1))
      const v2 = v128.load(at, 32)
      c = i32x4.add(c, i32x4.dot_i16x8_s(one, v2))
      g = i32x4.add(g, i32x4.dot_i16x8_s(two, v2))
      const v3 = v128.load(at, 48)
      d = i32x4.add(d, i32x4.dot_i16x8_s(one, v3))
      h = i32x4.add(h, i32x4.dot_i16x8_s(two, v3))
      at += line
    }
    const to = out + (<usize>i << 3)
    putWide(to, a, true)
    putWide(to + 32, b, true)
    putWide(to + 64, c, true)
    putWide(to + 96, d, true)
    const secondTo = secondOut + (<usize>i << 3)
    putWide(secondTo, e, true)
    putWide(secondTo + 32, f, true)
    putWide(secondTo + 64, g, true)
    putWide(secondTo + 96, h, true)
  }
  if (i < headDim) {
    mix8(values, 0, n, headDim, i, chances, out)
    mix8(values, 0, n, headDim, i, chances + tileBytes, secondOut)
  }
}

@inline
function mix32(values: usize, from: i32, to: i32, headDim: i32, column: i32, chances: usize, out: usize): void {
  const line = <usize>headDim << 2
  let at = values + <usize>(from >> 1) * line + (<usize>column << 2)
  let a = i32x4.splat(0)
  let b = i32x4.splat(0)
  let c = i32x4.splat(0)
  let d = i32x4.splat(0)
  let e = i32x4.splat(0)
  let f = i32x4.splat(0)
  let g = i32x4.splat(0)
  let h = i32x4.splat(0)
  const end = chances + (<usize>to << 1)
  for (let p = chances + (<usize>from << 1); p < end; p += 4) {
    const pair = v128.load32_splat(p)
    a = i32x4.add(a, i32x4.dot_i16x8_s(pair, v128.load(at)))
    b = i32x4.add(b, i32x4.dot_i16x8_s(pair, v128.load(at, 16)))
    c = i32x4.add(c, i32x4.dot_i16x8_s(pair, v128.load(at, 32)))
    d = i32x4.add(d, i32x4.dot_i16x8_s(pair, v128.load(at, 48)))
    e = i32x4.add(e, i32x4.dot_i16x8_s(pair, v128.load(at, 64)))
    f = i32x4.add(f, i32x4.dot_i16x8_s(pair, v128.load(at, 80)))
    g = i32x4.add(g, i32x4.dot_i16x8_s(pair, v128.load(at, 96)))
    h = i32x4.add(h, i32x4.dot_i16x8_s(pair, v128.load(at, 112)))
    at += line
  }
  const to64 = out + (<usize>column << 3)
  const isFirst = from == 0
  putWide(to64, a, isFirst)
  putWide(to64 + 32, b, isFirst)
  putWide(to64 + 64, c, isFirst)
  putWide(to64 + 96, d, isFirst)
  putWide(to64 + 128, e, isFirst)
  putWide(to64 + 160, f, isFirst)
  putWide(to64 + 192, g, isFirst)
  putWide(to64 + 224, h, isFirst)
}

@inline
function mix8(values: usize, from: i32, to: i32, headDim: i32, column: i32, chances: usize, out: usize): void {
  const line = <usize>headDim << 2
  let at = values + <usize>(from >> 1) * line + (<usize>column << 2)
  let a = i32x4.splat(0)
  let b = i32x4.splat(0)
  const end = chances + (<usize>to << 1)
  for (let p = chances + (<usize>from << 1); p < end; p += 4) {
    const pair = v128.load32_splat(p)
    a = i32x4.add(a, i32x4.dot_i16x8_s(pair, v128.load(at)))
    b = i32x4.add(b, i32x4.dot_i16x8_s(pair, v128.load(at, 16)))
    at += line
  }
  putWide(out + (<usize>column << 3), a, from == 0)
  putWide(out + (<usize>column << 3) + 32, b, from == 0)
}

/** Four int32 to doubles at `out`, or added to those there: sums below 2^37, exact. */
@inline
function putWide(out: usize, a: v128, isFirst: bool): void {
  let low = f64x2.convert_low_i32x4_s(a)
  let high = f64x2.convert_low_i32x4_s(v128.shuffle<i64>(a, a, 1, 1))
  if (!isFirst) {
    low = f64x2.add(v128.load(out), low)
    high = f64x2.add(v128.load(out, 16), high)
  }
  v128.store(out, low)
  v128.store(out, high, 16)
}

@inline
function join(records: usize, tiles: i32, headDim: i32, table: usize, out: usize): void {
  if (tiles == 1) joinOne(records, headDim, out)
  else joinTiles(records, tiles, headDim, table, out)
}

/** 1.5 · 2^52: added to a double below 2^31, its lowest 32 bits are the nearest integer. */
const rounder: f64 = 6755399441055744.0

/**
 * Of one tile the factor cancels, and the outcome is ⌊x + 1/2⌋ of x = 64·mix/sum, |x| < 2^21, sum < 2^22: x + 1/2 is an integer or
 * 2^-23 away from each. The product by a reciprocal is off by less than 2^-30, so that x + 2^-25 rounds to the outcome.
 */
function joinOne(record: usize, headDim: i32, out: usize): void {
  const factor = f64x2.splat(64.0 / <f64>load<i64>(record, 8))
  const above = f64x2.splat(1.0 / 33554432.0)
  const magic = f64x2.splat(rounder)
  let mix = record + 16
  const end = out + (<usize>headDim << 2)
  for (; out < end; out += 16) {
    const low = f64x2.add(f64x2.add(f64x2.mul(v128.load(mix), factor), above), magic)
    const high = f64x2.add(f64x2.add(f64x2.mul(v128.load(mix, 16), factor), above), magic)
    v128.store(out, narrow64(low, high))
    mix += 32
  }
}

/** Doubles decide all but the outcomes that lie next to a half. */
function joinTiles(records: usize, count: i32, headDim: i32, table: usize, out: usize): void {
  const size = <usize>(headDim + 2) << 3
  let top = load<i64>(records)
  for (let t = 1; t < count; t++) top = max<i64>(top, load<i64>(records + <usize>t * size))
  let sum: i64 = 0
  for (let t = 0; t < count; t++) {
    const record = records + <usize>t * size
    const factor = <i64>exp2Negative(table, <u32>(top - load<i64>(record)), 9)
    sum += load<i64>(record, 8) * factor
    store<f64>(record, <f64>factor)
  }
  const scale = f64x2.splat(64.0 / <f64>sum)
  const magic = f64x2.splat(rounder)
  const near = f64x2.splat(0.4999)
  for (let i = 0; i < headDim; i += 2) {
    const offset = <usize>(i + 2) << 3
    let mix = f64x2.splat(0)
    for (let t = 0; t < count; t++) {
      const record = records + <usize>t * size
      mix = f64x2.add(mix, f64x2.mul(v128.load(record + offset), v128.load64_splat(record)))
    }
    const real = f64x2.mul(mix, scale)
    const whole = f64x2.add(real, magic)
    const to = out + (<usize>i << 2)
    v128.store64_lane(to, v128.shuffle<i32>(whole, whole, 0, 2, 0, 2), 0)
    const rest = f64x2.abs(f64x2.sub(real, f64x2.sub(whole, magic)))
    if (v128.any_true(f64x2.gt(rest, near))) {
      store<i32>(to, exactQuotient(records, count, size, offset, sum))
      store<i32>(to, exactQuotient(records, count, size, offset + 8, sum), 4)
    }
  }
}

function exactQuotient(records: usize, count: i32, size: usize, offset: usize, sum: i64): i32 {
  let mix: i64 = 0
  for (let t = 0; t < count; t++) {
    const record = records + <usize>t * size
    mix += <i64>load<f64>(record + offset) * <i64>load<f64>(record)
  }
  let quotient = mix / sum
  if (quotient * sum > mix) quotient--
  return <i32>((quotient << 6) + roundDiv((mix - quotient * sum) << 6, sum))
}
