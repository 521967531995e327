import { exp2Negative, roundDiv, roundShift } from './integer'

/** Bytes of a tile's record: max, sum and mix of 64 bits each. */
@inline
function recordBytes(headDim: i32): usize {
  return <usize>(headDim + 2) << 3
}

/**
 * §5.5 for all tiles of one head: query int16, keys and values int16 `count` × headDim, those of tile T `keys` and `values` bytes
 * behind the T-th of the addresses (u32) at `pages`. Records go to `tiles`; `scratch` holds 128 int32. `headDim` is a multiple
 * of 8.
 */
export function attend(
  query: usize,
  pages: usize,
  keys: usize,
  values: usize,
  count: i32,
  headDim: i32,
  tilePositions: i32,
  table: usize,
  multiplier: i32,
  shift: i32,
  scratch: usize,
  tiles: usize,
): void {
  let record = tiles
  let page = pages
  for (let start = 0; start < count; start += tilePositions) {
    const n = min(tilePositions, count - start)
    const tile = <usize>load<u32>(page)
    scores(query, tile + keys, n, headDim, multiplier, shift, scratch)
    probabilities(n, table, scratch, record)
    mixValues(tile + values, n, headDim, scratch, record + 16)
    record += recordBytes(headDim)
    page += 4
  }
}

function scores(query: usize, keys: usize, n: i32, headDim: i32, multiplier: i32, shift: i32, out: usize): void {
  const rowBytes = <usize>headDim << 1
  for (let j = 0; j < n; j++) {
    const key = keys + <usize>j * rowBytes
    let sum = i64x2.splat(0)
    for (let i: usize = 0; i < rowBytes; i += 16) {
      const dot = i32x4.dot_i16x8_s(v128.load(query + i), v128.load(key + i))
      sum = i64x2.add(sum, i64x2.add(i64x2.extend_low_i32x4_s(dot), i64x2.extend_high_i32x4_s(dot)))
    }
    const total = i64x2.extract_lane(sum, 0) + i64x2.extract_lane(sum, 1)
    store<i32>(out + (<usize>j << 2), <i32>roundShift(total * <i64>multiplier, shift))
  }
}

/** Scores become probabilities in place; max and sum go to the record. */
function probabilities(n: i32, table: usize, scratch: usize, record: usize): void {
  let top = load<i32>(scratch)
  for (let j = 1; j < n; j++) top = max<i32>(top, load<i32>(scratch + (<usize>j << 2)))
  let sum = 0
  for (let j = 0; j < n; j++) {
    const at = scratch + (<usize>j << 2)
    const probability = exp2Negative(table, <u32>top - <u32>load<i32>(at), 9)
    sum += probability
    store<i32>(at, probability)
  }
  store<i64>(record, <i64>top)
  store<i64>(record, <i64>sum, 8)
}

/** Two positions at a time: a pair of products of 15 bits fits 32. */
function mixValues(values: usize, n: i32, headDim: i32, scratch: usize, out: usize): void {
  const rowBytes = <usize>headDim << 1
  for (let i: usize = 0; i < rowBytes; i += 16) {
    let a = i64x2.splat(0)
    let b = i64x2.splat(0)
    let c = i64x2.splat(0)
    let d = i64x2.splat(0)
    for (let j = 0; j < n; j += 2) {
      const row = values + <usize>j * rowBytes + i
      const at = scratch + (<usize>j << 2)
      const odd = j + 1 == n
      const pair = i32x4.splat(load<i32>(at) | (odd ? 0 : load<i32>(at, 4) << 16))
      const first = v128.load(row)
      const second = odd ? first : v128.load(row + rowBytes)
      const low = i32x4.dot_i16x8_s(v128.shuffle<i16>(first, second, 0, 8, 1, 9, 2, 10, 3, 11), pair)
      const high = i32x4.dot_i16x8_s(v128.shuffle<i16>(first, second, 4, 12, 5, 13, 6, 14, 7, 15), pair)
      a = i64x2.add(a, i64x2.extend_low_i32x4_s(low))
      b = i64x2.add(b, i64x2.extend_high_i32x4_s(low))
      c = i64x2.add(c, i64x2.extend_low_i32x4_s(high))
      d = i64x2.add(d, i64x2.extend_high_i32x4_s(high))
    }
    const to = out + (i << 2)
    v128.store(to, a)
    v128.store(to, b, 16)
    v128.store(to, c, 32)
    v128.store(to, d, 48)
  }
}

/** §5.6: `count` records to `headDim` Q16. */
export function join(tiles: usize, count: i32, headDim: i32, table: usize, out: usize): void {
  const size = recordBytes(headDim)
  let max = load<i64>(tiles)
  for (let t = 1; t < count; t++) {
    const value = load<i64>(tiles + <usize>t * size)
    if (value > max) max = value
  }
  let sum: i64 = 0
  for (let t = 0; t < count; t++) {
    const tile = tiles + <usize>t * size
    sum += load<i64>(tile, 8) * <i64>exp2Negative(table, <u32>(max - load<i64>(tile)), 9)
  }
  for (let i = 0; i < headDim; i++) {
    let mix: i64 = 0
    for (let t = 0; t < count; t++) {
      const tile = tiles + <usize>t * size
      const factor = exp2Negative(table, <u32>(max - load<i64>(tile)), 9)
      mix += load<i64>(tile + (<usize>(i + 2) << 3)) * <i64>factor
    }
    // 64 · mix may exceed 64 bits: the whole part and the rest are scaled apart.
    let quotient = mix / sum
    if (quotient * sum > mix) quotient--
    const rest = mix - quotient * sum
    store<i32>(out + (<usize>i << 2), <i32>((quotient << 6) + roundDiv(rest << 6, sum)))
  }
}
