import { exp2Negative, roundDiv } from '../../wasm/assembly/integer'
import { halfOf, loadPairs, loadPairs2, mulShift, narrow64, topLane } from '../../wasm/assembly/simd'

/** Q16 to int16 Q10 with the position's angles, §5.4: `heads` heads of 2·half at `x`, `stride` bytes apart at `out`. */
export function rotate(x: usize, cos: usize, sin: usize, heads: i32, half: i32, out: usize, stride: i32): void {
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
 * §5.4: a position's values, `heads` × headDim Q16, into caches of pairs of positions: per head, `stride` bytes apart, position
 * 2j and 2j + 1 by turns. Raises the largest magnitudes at `tops`, int32 per head.
 */
export function cacheValues(
  x: usize,
  heads: i32,
  headDim: i32,
  position: i32,
  out: usize,
  stride: i32,
  tops: usize,
): void {
  const to = out + <usize>(position >> 1) * (<usize>headDim << 2) + (<usize>(position & 1) << 1)
  for (let head = 0; head < heads; head++) {
    const at = to + <usize>head * <usize>stride
    let top = load<i32>(tops + (<usize>head << 2))
    for (let i = 0; i < headDim; i++) {
      const exact = (<i64>load<i32>(x + (<usize>i << 2)) + 32) >> 6
      const value = <i32>(exact > 32767 ? 32767 : exact < -32767 ? -32767 : exact)
      top = max<i32>(top, value < 0 ? -value : value)
      store<i16>(at + (<usize>i << 2), <i16>value)
    }
    store<i32>(tops + (<usize>head << 2), top)
    x += <usize>headDim << 2
  }
}

/** Raises the largest squared lengths at `tops`, int64 per head, by those of a position's keys, `stride` bytes apart. */
export function measureKeys(keys: usize, heads: i32, headDim: i32, stride: i32, tops: usize): void {
  for (let head = 0; head < heads; head++) {
    const at = tops + (<usize>head << 3)
    store<i64>(at, max<i64>(load<i64>(at), squares(keys + <usize>head * <usize>stride, headDim)))
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

/**
 * §5.5 and 5.6 of one position and all heads: query int16 at `query`, out Q16. Keys lie per kv head `stride` bytes apart, position
 * after position, values in pairs as {@link cacheValues} leaves them. `scratch` holds 1 KiB and a record per tile.
 */
export function attendHeads(
  query: usize,
  keys: usize,
  values: usize,
  stride: i32,
  keyTops: usize,
  valueTops: usize,
  count: i32,
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
  for (let head = 0; head < heads; head++) {
    const kv = head / group
    const offset = <usize>kv * <usize>stride
    const fits = <f64>squares(query, headDim) * <f64>load<i64>(keyTops + (<usize>kv << 3)) < 4611686018427387904.0 - 1048576.0
    attendHead(
      query,
      keys + offset,
      values + offset,
      max<i32>(1, load<i32>(valueTops + (<usize>kv << 2))),
      count,
      headDim,
      tilePositions,
      table,
      multiplier,
      shift,
      fits && shift <= 32,
      scratch,
      out,
    )
    query += <usize>headDim << 1
    out += <usize>headDim << 2
  }
}

function attendHead(
  query: usize,
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
  out: usize,
): void {
  const rowBytes = <usize>headDim << 1
  const records = scratch + 1024
  let record = records
  for (let start = 0; start < count; start += tilePositions) {
    const n = min(tilePositions, count - start)
    const offset = <usize>start * rowBytes
    if (fits) scores(query, keys + offset, n, headDim, multiplier, shift, scratch)
    else wideScores(query, keys + offset, n, headDim, multiplier, shift, scratch)
    const sum = probabilities(n, table, scratch, record)
    memory.fill(record + 16, 0, <usize>headDim << 3)
    mixValues(values + offset, n, headDim, scratch, valueTop, record + 16)
    store<i64>(record, <i64>sum, 8)
    record += <usize>(headDim + 2) << 3
  }
  const tiles = (count + tilePositions - 1) / tilePositions
  if (tiles == 1) joinOne(records, headDim, out)
  else join(records, tiles, headDim, table, out)
}

/** Scores of n positions, in fours, where every partial sum fits 32 bits; those behind n are copies of the first. */
function scores(query: usize, keys: usize, n: i32, headDim: i32, multiplier: i32, shift: i32, out: usize): void {
  const rowBytes = <usize>headDim << 1
  const factor = i32x4.splat(multiplier)
  const half = halfOf(shift)
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
    const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7))
    const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7))
    const dots = i32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7))
    v128.store(out + (<usize>j << 2), mulShift(dots, factor, half, shift))
  }
  fillBehind(n, out)
}

function wideScores(query: usize, keys: usize, n: i32, headDim: i32, multiplier: i32, shift: i32, out: usize): void {
  for (let j = 0; j < n; j++) {
    let sum: i64 = 0
    for (let i = 0; i < headDim; i++) {
      sum += <i64>load<i16>(query + (<usize>i << 1)) * <i64>load<i16>(keys + (<usize>(j * headDim + i) << 1))
    }
    store<i32>(out + (<usize>j << 2), <i32>((sum * <i64>multiplier + ((<i64>1) << (shift - 1))) >> shift))
  }
  fillBehind(n, out)
}

@inline
function fillBehind(n: i32, out: usize): void {
  for (let j = n; (j & 3) != 0; j++) store<i32>(out + (<usize>j << 2), load<i32>(out))
}

/**
 * n scores, int32 in fours at `scratch`, become probabilities, int16 from its 512th byte on, 0 behind n; the largest score goes to
 * the record, the probabilities' sum is returned.
 */
function probabilities(n: i32, table: usize, scratch: usize, record: usize): i32 {
  let most = v128.load(scratch)
  const end = scratch + ((<usize>n << 2) + 15 & ~15)
  for (let at = scratch + 16; at < end; at += 16) most = i32x4.max_s(most, v128.load(at))
  const top = topLane(most)
  store<i64>(record, <i64>top)
  const tops = i32x4.splat(top)
  let sums = i32x4.splat(0)
  let to = scratch + 512
  for (let at = scratch; at < end; at += 16) {
    const distance = i32x4.sub(tops, v128.load(at))
    const index = i32x4.shl(v128.and(i32x4.shr_u(distance, 6), i32x4.splat(1023)), 2)
    const pair = loadPairs(table, index)
    const next = loadPairs2(table, index)
    const high = v128.shuffle<i32>(pair, next, 0, 2, 4, 6)
    const low = v128.shuffle<i32>(pair, next, 1, 3, 5, 7)
    const part = i32x4.mul(i32x4.sub(high, low), v128.and(distance, i32x4.splat(63)))
    const value = i32x4.sub(high, i32x4.shr_u(i32x4.add(part, i32x4.splat(32)), 6))
    const whole = i32x4.shr_u(distance, 16)
    // 24 bits times a power of two, plus a half: single floats hold what decides the whole part.
    const power = i32x4.shl(i32x4.sub(i32x4.splat(118), whole), 23)
    const real = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(value), power), f32x4.splat(0.5))
    const rounded = v128.and(i32x4.trunc_sat_f32x4_s(real), i32x4.lt_u(whole, i32x4.splat(16)))
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
  return i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1) - behind
}

/** Adds Σ p·v to headDim int64 at `out`: runs of pairs of positions whose sums fit 32 bits, `top` being the largest value. */
function mixValues(values: usize, n: i32, headDim: i32, scratch: usize, top: i32, out: usize): void {
  const limit = 0x7fffffff / top
  const chances = scratch + 512
  let from = 0
  while (from < n) {
    let to = from
    let total = 0
    while (to < n) {
      total += <i32>load<i16>(chances + (<usize>to << 1)) + <i32>load<i16>(chances + (<usize>to << 1), 2)
      if (total > limit && to > from) break
      to += 2
    }
    let i = 0
    for (; i + 32 <= headDim; i += 32) mix32(values, from, to, headDim, i, chances, out)
    for (; i < headDim; i += 8) mix8(values, from, to, headDim, i, chances, out)
    from = to
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
  addWide(to64, a)
  addWide(to64 + 32, b)
  addWide(to64 + 64, c)
  addWide(to64 + 96, d)
  addWide(to64 + 128, e)
  addWide(to64 + 160, f)
  addWide(to64 + 192, g)
  addWide(to64 + 224, h)
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
  addWide(out + (<usize>column << 3), a)
  addWide(out + (<usize>column << 3) + 32, b)
}

@inline
function addWide(out: usize, a: v128): void {
  v128.store(out, i64x2.add(v128.load(out), i64x2.extend_low_i32x4_s(a)))
  v128.store(out, i64x2.add(v128.load(out, 16), i64x2.extend_high_i32x4_s(a)), 16)
}

/** Of one tile the factor cancels; |128·mix + sum| < 2^45, where quotients of doubles floor exactly. */
function joinOne(record: usize, headDim: i32, out: usize): void {
  const sum = <f64>load<i64>(record, 8)
  const halfSum = f64x2.splat(sum)
  const divisor = f64x2.splat(2 * sum)
  for (let i = 0; i < headDim; i += 2) {
    const at = record + (<usize>(i + 2) << 3)
    const mix = f64x2.replace_lane(f64x2.splat(<f64>load<i64>(at)), 1, <f64>load<i64>(at, 8))
    const quotient = f64x2.floor(f64x2.div(f64x2.add(f64x2.mul(mix, f64x2.splat(128)), halfSum), divisor))
    v128.store64_lane(out + (<usize>i << 2), i32x4.trunc_sat_f64x2_s_zero(quotient), 0)
  }
}

/** Doubles decide all but the outcomes that lie next to a half. */
function join(records: usize, count: i32, headDim: i32, table: usize, out: usize): void {
  const size = <usize>(headDim + 2) << 3
  let top = load<i64>(records)
  for (let t = 1; t < count; t++) top = max<i64>(top, load<i64>(records + <usize>t * size))
  let sum: i64 = 0
  for (let t = 0; t < count; t++) {
    const record = records + <usize>t * size
    const factor = <i64>exp2Negative(table, <u32>(top - load<i64>(record)), 9)
    sum += load<i64>(record, 8) * factor
    store<i64>(record, factor)
  }
  for (let i = 0; i < headDim; i++) {
    let mix: i64 = 0
    for (let t = 0; t < count; t++) {
      const record = records + <usize>t * size
      mix += load<i64>(record + (<usize>(i + 2) << 3)) * load<i64>(record)
    }
    const real = (64 * <f64>mix) / <f64>sum + 0.5
    const whole = Math.floor(real)
    const rest = real - whole
    store<i32>(out + (<usize>i << 2), rest > 0.0001 && rest < 0.9999 ? <i32>whole : exactQuotient(mix, sum))
  }
}

function exactQuotient(mix: i64, sum: i64): i32 {
  let quotient = mix / sum
  if (quotient * sum > mix) quotient--
  return <i32>((quotient << 6) + roundDiv((mix - quotient * sum) << 6, sum))
}
