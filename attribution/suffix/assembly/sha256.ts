/** SHA-256 (FIPS 180-4) of four messages of one length at once, one a lane. */

/** The words of one block of the four messages. */
const blockBytes = 256

@inline
function rotated(x: v128, by: i32): v128 {
  return v128.or(i32x4.shr_u(x, by), i32x4.shl(x, 32 - by))
}

@inline
function xor3(a: v128, b: v128, c: v128): v128 {
  return v128.xor(v128.xor(a, b), c)
}

/** The same word of four messages, big-endian in memory. */
@inline
function words(first: usize, second: usize, third: usize, fourth: usize): v128 {
  let word = v128.load32_zero(first)
  word = v128.load_lane<u32>(second, word, 1)
  word = v128.load_lane<u32>(third, word, 2)
  word = v128.load_lane<u32>(fourth, word, 3)
  return i8x16.shuffle(word, word, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)
}

/** Of word t the word 16 further on, which takes its place. */
@inline
function schedule(block: usize, t: usize): void {
  const w1 = v128.load(block + (((t + 1) & 15) << 4))
  const w14 = v128.load(block + (((t + 14) & 15) << 4))
  const low = xor3(rotated(w1, 7), rotated(w1, 18), i32x4.shr_u(w1, 3))
  const high = xor3(rotated(w14, 17), rotated(w14, 19), i32x4.shr_u(w14, 10))
  const sum = i32x4.add(v128.load(block + (t << 4)), v128.load(block + (((t + 9) & 15) << 4)))
  v128.store(block + (t << 4), i32x4.add(sum, i32x4.add(low, high)))
}

/** One block of each message into the state, eight vectors; `constants`: 64 words. The block is spent. */
function compress(block: usize, constants: usize, state: usize): void {
  let a = v128.load(state)
  let b = v128.load(state, 16)
  let c = v128.load(state, 32)
  let d = v128.load(state, 48)
  let e = v128.load(state, 64)
  let f = v128.load(state, 80)
  let g = v128.load(state, 96)
  let h = v128.load(state, 112)
  for (let t: usize = 0; t < 64; t++) {
    const word = v128.load(block + ((t & 15) << 4))
    const choice = v128.bitselect(f, g, e)
    const majority = v128.bitselect(c, b, v128.xor(a, b))
    const atE = xor3(rotated(e, 6), rotated(e, 11), rotated(e, 25))
    const atA = xor3(rotated(a, 2), rotated(a, 13), rotated(a, 22))
    const constant = v128.load32_splat(constants + (t << 2))
    const first = i32x4.add(i32x4.add(i32x4.add(h, word), i32x4.add(constant, choice)), atE)
    h = g
    g = f
    f = e
    e = i32x4.add(d, first)
    d = c
    c = b
    b = a
    a = i32x4.add(first, i32x4.add(atA, majority))
    if (t < 48) schedule(block, t & 15)
  }
  v128.store(state, i32x4.add(v128.load(state), a))
  v128.store(state, i32x4.add(v128.load(state, 16), b), 16)
  v128.store(state, i32x4.add(v128.load(state, 32), c), 32)
  v128.store(state, i32x4.add(v128.load(state, 48), d), 48)
  v128.store(state, i32x4.add(v128.load(state, 64), e), 64)
  v128.store(state, i32x4.add(v128.load(state, 80), f), 80)
  v128.store(state, i32x4.add(v128.load(state, 96), g), 96)
  v128.store(state, i32x4.add(v128.load(state, 112), h), 112)
}

/** The padded message's last blocks from `block` on are hashed: `bytes` long, its words up to `at` written, `carried` begun. */
@inline
function finish(message: usize, at: usize, carried: v128, bytes: u32, constants: usize, state: usize): void {
  v128.store(at, v128.or(i32x4.shl(carried, 24), i32x4.splat(0x800000)))
  const end = message + ((bytes + 9 + 63) / 64) * blockBytes
  for (at += 16; at < end - 16; at += 16) v128.store(at, i32x4.splat(0))
  v128.store(at, i32x4.splat(bytes << 3))
  for (let block = message; block < end; block += blockBytes) compress(block, constants, state)
}

function begin(initial: usize, state: usize): void {
  for (let i: usize = 0; i < 8; i++) v128.store(state + (i << 4), v128.load32_splat(initial + (i << 2)))
}

/** Digests of lanes 0 … count − 1, 32 bytes each. */
function writeDigests(state: usize, out: usize, count: u32): void {
  for (let i: usize = 0; i < 8; i++) {
    const word = v128.load(state + (i << 4))
    store<u32>(out + (i << 2), bswap<u32>(i32x4.extract_lane(word, 0)))
    if (count > 1) store<u32>(out + (i << 2), bswap<u32>(i32x4.extract_lane(word, 1)), 32)
    if (count > 2) store<u32>(out + (i << 2), bswap<u32>(i32x4.extract_lane(word, 2)), 64)
    if (count > 3) store<u32>(out + (i << 2), bswap<u32>(i32x4.extract_lane(word, 3)), 96)
  }
}

/**
 * SHA-256 of `0x00 ‖ index u32 ‖ chunk` of each of `count` chunks of `size` bytes, a multiple of 4, behind each other; the first
 * has index `first`. `constants`: the 64 of the rounds and the 8 that a state begins with; `scratch`: 128 bytes and four padded messages.
 */
export function hashLeaves(
  chunks: usize,
  count: u32,
  size: u32,
  first: u32,
  constants: usize,
  scratch: usize,
  out: usize,
): void {
  const message = scratch + 128
  const last = count - 1
  for (let i: u32 = 0; i < count; i += 4) {
    // Lanes past the last chunk repeat it.
    const one = chunks + i * size
    const two = chunks + min(i + 1, last) * size
    const three = chunks + min(i + 2, last) * size
    const four = chunks + min(i + 3, last) * size
    let carried = i32x4.add(i32x4.splat(first + i), i32x4(0, 1, 2, 3))
    let at = message
    v128.store(at, i32x4.shr_u(carried, 8))
    at += 16
    for (let byte: usize = 0; byte < size; byte += 4) {
      const word = words(one + byte, two + byte, three + byte, four + byte)
      v128.store(at, v128.or(i32x4.shl(carried, 24), i32x4.shr_u(word, 8)))
      carried = word
      at += 16
    }
    begin(constants + 256, scratch)
    finish(message, at, carried, size + 5, constants, scratch)
    writeDigests(scratch, out + (i << 5), count - i)
  }
}

/** SHA-256 of `0x01 ‖ left ‖ right` of each of `count` pairs of nodes behind each other. */
export function hashNodes(pairs: usize, count: u32, constants: usize, scratch: usize, out: usize): void {
  const message = scratch + 128
  const last = count - 1
  for (let i: u32 = 0; i < count; i += 4) {
    const one = pairs + (i << 6)
    const two = pairs + (min(i + 1, last) << 6)
    const three = pairs + (min(i + 2, last) << 6)
    const four = pairs + (min(i + 3, last) << 6)
    let carried = i32x4.splat(1)
    let at = message
    for (let byte: usize = 0; byte < 64; byte += 4) {
      const word = words(one + byte, two + byte, three + byte, four + byte)
      v128.store(at, v128.or(i32x4.shl(carried, 24), i32x4.shr_u(word, 8)))
      carried = word
      at += 16
    }
    begin(constants + 256, scratch)
    finish(message, at, carried, 65, constants, scratch)
    writeDigests(scratch, out + (i << 5), count - i)
  }
}
