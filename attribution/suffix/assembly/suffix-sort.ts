/** Suffix order, docs/ATTRIBUTION.md §2: most significant tokens first, several at once as digits of one 64-bit key. */

const separator: u32 = 0xffffffff
/** Suffixes are compared by so many tokens. */
const orderTokens: u32 = 64
/** Groups up to this are sorted by insertion. */
const insertionMax: u32 = 24
/** Digits of a radix pass have at most so many bits. */
const digitBitsMax: u32 = 11
/** Bytes of the counts of one radix pass. */
const countsBytes: usize = 4 << digitBitsMax
/** Radix passes inside of each other: each takes at least 4 of 64 bits, and the last finds nothing left. */
const passesMax: usize = 17

let text: usize = 0
let suffixes: usize = 0
let base: u64 = 0
/** Tokens of a key. */
let digits: u32 = 0
let keyedMax: u32 = 0
/** Keys and positions of the group that is sorted, and room for as many. */
let keys: usize = 0
let otherKeys: usize = 0
let positions: usize = 0
let otherPositions: usize = 0
let radixCounts: usize = 0
/** Groups alike in `depth` tokens that are still to be sorted: lo, hi, depth. */
let groups: usize = 0
let groupsEnd: usize = 0

@inline
function u32At(array: usize, i: u32): u32 {
  return load<u32>(array + ((<usize>i) << 2))
}

@inline
function setU32(array: usize, i: u32, value: u32): void {
  store<u32>(array + ((<usize>i) << 2), value)
}

@inline
function u64At(array: usize, i: u32): u64 {
  return load<u64>(array + ((<usize>i) << 3))
}

@inline
function setU64(array: usize, i: u32, value: u64): void {
  store<u64>(array + ((<usize>i) << 3), value)
}

/** `starts[t + 1]` of vocab + 2 becomes how often t − 1 stands in the text, separators at t = 0; returns the largest of them. */
export function countTokens(tokens: usize, n: u32, starts: usize, vocab: u32): u32 {
  memory.fill(starts, 0, <usize>(vocab + 2) << 2)
  // A separator plus one is 0.
  for (let p: u32 = 0; p < n; p++) {
    const bucket = u32At(tokens, p) + 2
    setU32(starts, bucket, u32At(starts, bucket) + 1)
  }
  let widest: u32 = 0
  for (let t: u32 = 2; t < vocab + 2; t++) widest = max(widest, u32At(starts, t))
  return widest
}

/**
 * Sorts all positions of the text into `order`. `starts` is as {@link countTokens} left it, `counts` has room for vocab + 1 u32;
 * groups of up to `keyed` suffixes bring keys along in `scratch`, 30 · keyed + 12 · (n / keyed + 2) bytes and 17 · 8 KiB; wider
 * ones, of which the widest fits into `spare`, are parted token by token first.
 */
export function sortSuffixes(
  tokens: usize,
  n: u32,
  vocab: u32,
  order: usize,
  starts: usize,
  counts: usize,
  keyed: u32,
  scratch: usize,
  spare: usize,
): void {
  text = tokens
  suffixes = order
  keyedMax = keyed
  base = <u64>vocab + 1
  digits = 1
  for (let most = base; most <= u64.MAX_VALUE / base; most *= base) digits++
  keys = scratch
  otherKeys = keys + ((<usize>keyed) << 3)
  positions = otherKeys + ((<usize>keyed) << 3)
  otherPositions = positions + ((<usize>keyed) << 2)
  radixCounts = otherPositions + ((<usize>keyed) << 2)
  groups = radixCounts + passesMax * countsBytes
  byFirstToken(n, vocab, starts)
  for (let bucket: u32 = 1; bucket <= vocab; bucket++) {
    // Filling the buckets moved each start to where the next bucket began.
    sortBucket(u32At(starts, bucket - 1), u32At(starts, bucket), vocab, counts, spare)
  }
}

function byFirstToken(n: u32, vocab: u32, starts: usize): void {
  for (let t: u32 = 1; t < vocab + 2; t++) setU32(starts, t, u32At(starts, t) + u32At(starts, t - 1))
  for (let p: u32 = 0; p < n; p++) {
    const bucket = u32At(text, p) + 1
    const at = u32At(starts, bucket)
    setU32(suffixes, at, p)
    setU32(starts, bucket, at + 1)
  }
}

/** Suffixes that begin with one token. Wide groups stand on the stack of groups too: it has room for them. */
function sortBucket(lo: u32, hi: u32, vocab: u32, counts: usize, spare: usize): void {
  if (hi - lo <= keyedMax) {
    sortKeyed(lo, hi, 1, groups)
    return
  }
  let end = groups
  end = push(end, lo, hi, 1)
  while (end > groups) {
    end -= 12
    end = partWide(load<u32>(end), load<u32>(end, 4), load<u32>(end, 8), vocab, counts, spare, end)
  }
}

@inline
function push(end: usize, lo: u32, hi: u32, depth: u32): usize {
  store<u32>(end, lo)
  store<u32>(end, hi, 4)
  store<u32>(end, depth, 8)
  return end + 12
}

/** Parts a group by its token `depth`; what is still too wide is pushed at `end`, the rest sorted. */
function partWide(lo: u32, hi: u32, depth: u32, vocab: u32, counts: usize, spare: usize, end: usize): usize {
  memory.fill(counts, 0, <usize>(vocab + 1) << 2)
  for (let i = lo; i < hi; i++) {
    const digit = u32At(text, u32At(suffixes, i) + depth) + 1
    setU32(counts, digit, u32At(counts, digit) + 1)
  }
  let sum: u32 = 0
  for (let digit: u32 = 0; digit <= vocab; digit++) {
    const count = u32At(counts, digit)
    setU32(counts, digit, sum)
    sum += count
  }
  for (let i = lo; i < hi; i++) {
    const position = u32At(suffixes, i)
    const digit = u32At(text, position + depth) + 1
    const at = u32At(counts, digit)
    setU32(spare, at, position)
    setU32(counts, digit, at + 1)
  }
  memory.copy(suffixes + ((<usize>lo) << 2), spare, (<usize>(hi - lo)) << 2)
  if (depth + 1 === orderTokens) return end
  // What ended, digit 0, is sorted.
  for (let digit: u32 = 1; digit <= vocab; digit++) {
    const from = lo + u32At(counts, digit - 1)
    const to = lo + u32At(counts, digit)
    if (to - from > keyedMax) end = push(end, from, to, depth + 1)
  }
  for (let digit: u32 = 1; digit <= vocab; digit++) {
    const from = lo + u32At(counts, digit - 1)
    const to = lo + u32At(counts, digit)
    if (to - from <= keyedMax) sortKeyed(from, to, depth + 1, end)
  }
  return end
}

/** Sorts a group alike in `depth` tokens; `bottom`: of the stack of groups, free from there on. */
function sortKeyed(lo: u32, hi: u32, depth: u32, bottom: usize): void {
  if (hi - lo < 2) return
  groupsEnd = push(bottom, lo, hi, depth)
  while (groupsEnd > bottom) {
    groupsEnd -= 12
    sortGroup(load<u32>(groupsEnd), load<u32>(groupsEnd, 4), load<u32>(groupsEnd, 8))
  }
}

function sortGroup(lo: u32, hi: u32, depth: u32): void {
  if (hi - lo === 2) {
    sortPair(lo, depth)
    return
  }
  const size = hi - lo
  const taken = min(digits, orderTokens - depth)
  const isAlike = readKeys(lo, size, depth, taken)
  if (!isAlike) {
    sortByKeys(0, size, true, radixCounts)
    memory.copy(suffixes + ((<usize>lo) << 2), positions, (<usize>size) << 2)
  }
  if (depth + taken === orderTokens) return
  for (let from: u32 = 0; from < size; ) {
    const key = u64At(keys, from)
    let to = from + 1
    while (to < size && u64At(keys, to) === key) to++
    // The last digit of a suffix that has ended is 0.
    if (to - from > 1 && key % base !== 0) groupsEnd = push(groupsEnd, lo + from, lo + to, depth + taken)
    from = to
  }
}

/** Two suffixes are compared token by token. */
function sortPair(lo: u32, depth: u32): void {
  const first = u32At(suffixes, lo)
  const second = u32At(suffixes, lo + 1)
  for (; depth < orderTokens; depth++) {
    const a = u32At(text, first + depth) + 1
    const b = u32At(text, second + depth) + 1
    if (a < b || (a === 0 && b === 0)) return
    if (a > b) {
      setU32(suffixes, lo, second)
      setU32(suffixes, lo + 1, first)
      return
    }
  }
}

/** Keys and positions of a group: `taken` tokens from `depth` on, 0 from a separator on. Returns whether all are alike. */
function readKeys(lo: u32, size: u32, depth: u32, taken: u32): bool {
  const scale = base
  const to = keys
  const toPositions = positions
  let differ: u64 = 0
  let previous: u64 = 0
  for (let i: u32 = 0; i < size; i++) {
    const position = u32At(suffixes, lo + i)
    let at = text + ((<usize>(position + depth)) << 2)
    let key: u64 = 0
    let digit: u32 = 0
    for (; digit < taken; digit++) {
      const token = load<u32>(at)
      if (token === separator) break
      key = key * scale + <u64>(token + 1)
      at += 4
    }
    for (; digit < taken; digit++) key *= scale
    setU64(to, i, key)
    setU32(toPositions, i, position)
    if (i > 0) differ |= key ^ previous
    previous = key
  }
  return differ === 0
}

/** Sorts entries lo … hi − 1 stably by key. `isFirst`: they are in `keys`, where they come out, else in `otherKeys`. */
function sortByKeys(lo: u32, hi: u32, isFirst: bool, counts: usize): void {
  const size = hi - lo
  if (size <= insertionMax) {
    insert(lo, hi, isFirst)
    return
  }
  const from = isFirst ? keys : otherKeys
  let least = u64.MAX_VALUE
  let most: u64 = 0
  for (let i = lo; i < hi; i++) {
    const key = u64At(from, i)
    least = min(least, key)
    most = max(most, key)
  }
  if (least === most) {
    if (!isFirst) copyBack(lo, size)
    return
  }
  const bits = 64 - <u32>clz(most - least)
  const digitBits = min(bits, min(digitBitsMax, 31 - <u32>clz(size)))
  scatter(lo, hi, isFirst, least, bits - digitBits, digitBits, counts)
  let begin: u32 = 0
  for (let digit: u32 = 0; digit < 1 << digitBits; digit++) {
    const end = u32At(counts, digit)
    if (end > begin) sortByKeys(lo + begin, lo + end, !isFirst, counts + countsBytes)
    begin = end
  }
}

/** To the other arrays, by the digit at `shift` above the least key; `counts` becomes where each digit ends. */
function scatter(lo: u32, hi: u32, isFirst: bool, least: u64, shift: u32, digitBits: u32, counts: usize): void {
  const from = isFirst ? keys : otherKeys
  const fromPositions = isFirst ? positions : otherPositions
  const to = isFirst ? otherKeys : keys
  const toPositions = isFirst ? otherPositions : positions
  memory.fill(counts, 0, <usize>4 << digitBits)
  for (let i = lo; i < hi; i++) {
    const digit = <u32>((u64At(from, i) - least) >> shift)
    setU32(counts, digit, u32At(counts, digit) + 1)
  }
  let sum: u32 = 0
  for (let digit: u32 = 0; digit < 1 << digitBits; digit++) {
    const count = u32At(counts, digit)
    setU32(counts, digit, sum)
    sum += count
  }
  for (let i = lo; i < hi; i++) {
    const key = u64At(from, i)
    const digit = <u32>((key - least) >> shift)
    const at = u32At(counts, digit)
    setU64(to, lo + at, key)
    setU32(toPositions, lo + at, u32At(fromPositions, i))
    setU32(counts, digit, at + 1)
  }
}

/** By insertion into `keys`, from there or from the others. */
function insert(lo: u32, hi: u32, isFirst: bool): void {
  const from = isFirst ? keys : otherKeys
  const fromPositions = isFirst ? positions : otherPositions
  const to = keys
  const toPositions = positions
  for (let i = lo; i < hi; i++) {
    const key = u64At(from, i)
    const position = u32At(fromPositions, i)
    let at = i
    for (; at > lo && u64At(to, at - 1) > key; at--) {
      setU64(to, at, u64At(to, at - 1))
      setU32(toPositions, at, u32At(toPositions, at - 1))
    }
    setU64(to, at, key)
    setU32(toPositions, at, position)
  }
}

function copyBack(lo: u32, size: u32): void {
  memory.copy(keys + ((<usize>lo) << 3), otherKeys + ((<usize>lo) << 3), (<usize>size) << 3)
  memory.copy(positions + ((<usize>lo) << 2), otherPositions + ((<usize>lo) << 2), (<usize>size) << 2)
}
