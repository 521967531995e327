/** Groups up to this are sorted by insertion. */
const insertionMax = 40
/** Groups up to this bring their keys along; wider ones look them up anew. */
const keyedMax = 2 ** 20
/** Digits of 8 bits below so many elements, of 11 above: clearing the counts must not cost more than they save. */
const wideDigitsFrom = 4096

/** Sorts slices of a suffix array stably by the rank of the position k further on. */
export class GroupSorter {
  readonly #suffixes: Uint32Array
  readonly #ranks: Uint32Array
  #keys: Uint32Array = new Uint32Array(1024)
  #otherKeys: Uint32Array = new Uint32Array(1024)
  #spare: Uint32Array = new Uint32Array(1024)
  readonly #counts = new Uint32Array(2048)

  constructor(suffixes: Uint32Array, ranks: Uint32Array) {
    this.#suffixes = suffixes
    this.#ranks = ranks
  }

  /** Returns how to read the key of an entry of lo … hi − 1, good until the next sort. */
  sort(lo: number, hi: number, k: number): (i: number) => number {
    if (hi - lo > keyedMax) return this.#sortWide(lo, hi, k)
    if (this.#keys.length < hi - lo) this.#grow(hi - lo)
    if (hi - lo <= insertionMax) this.#insert(lo, hi, k)
    else this.#radix(lo, hi, k)
    const keys = this.#keys
    return (i) => keys[i - lo] as number
  }

  #grow(length: number): void {
    const size = Math.min(keyedMax, 2 * length)
    this.#keys = new Uint32Array(size)
    this.#otherKeys = new Uint32Array(size)
    this.#spare = new Uint32Array(size)
  }

  #insert(lo: number, hi: number, k: number): void {
    const [suffixes, ranks, keys] = [this.#suffixes, this.#ranks, this.#keys]
    for (let i = lo; i < hi; i++) {
      const p = suffixes[i] as number
      const key = ranks[p + k] as number
      let j = i
      for (; j > lo && (keys[j - 1 - lo] as number) > key; j--) {
        keys[j - lo] = keys[j - 1 - lo] as number
        suffixes[j] = suffixes[j - 1] as number
      }
      keys[j - lo] = key
      suffixes[j] = p
    }
  }

  #radix(lo: number, hi: number, k: number): void {
    const [suffixes, ranks, size] = [this.#suffixes, this.#ranks, hi - lo]
    let [keys, otherKeys] = [this.#keys, this.#otherKeys]
    let min = 0xffff_ffff
    let max = 0
    for (let i = 0; i < size; i++) {
      const key = ranks[(suffixes[lo + i] as number) + k] as number
      keys[i] = key
      if (key < min) min = key
      if (key > max) max = key
    }
    const bits = 32 - Math.clz32(max - min)
    const digit = size < wideDigitsFrom ? 8 : 11
    const slice = suffixes.subarray(lo, hi)
    let from: Uint32Array = slice
    let to: Uint32Array = this.#spare
    for (let shift = 0; shift < bits; shift += digit) {
      this.#scatter(from, keys, to, otherKeys, size, min, shift, digit)
      ;[from, to, keys, otherKeys] = [to, from, otherKeys, keys]
    }
    if (from !== slice) {
      slice.set(from.subarray(0, size))
      this.#spare = from
    }
    this.#keys = keys
    this.#otherKeys = otherKeys
  }

  #scatter(
    from: Uint32Array,
    keys: Uint32Array,
    to: Uint32Array,
    toKeys: Uint32Array,
    size: number,
    min: number,
    shift: number,
    digit: number,
  ): void {
    const mask = (1 << digit) - 1
    const counts = this.#counts.subarray(0, mask + 1).fill(0)
    for (let i = 0; i < size; i++) (counts[(((keys[i] as number) - min) >>> shift) & mask] as number)++
    toStarts(counts)
    for (let i = 0; i < size; i++) {
      const key = keys[i] as number
      const at = (counts[((key - min) >>> shift) & mask] as number)++
      to[at] = from[i] as number
      toKeys[at] = key
    }
  }

  #sortWide(lo: number, hi: number, k: number): (i: number) => number {
    const [ranks, size] = [this.#ranks, hi - lo]
    const slice = this.#suffixes.subarray(lo, hi)
    let from: Uint32Array = slice
    let to: Uint32Array = new Uint32Array(size)
    let max = 0
    for (let i = 0; i < size; i++) max = Math.max(max, ranks[(from[i] as number) + k] as number)
    const counts = this.#counts
    for (let shift = 0; shift < 32 - Math.clz32(max); shift += 11) {
      counts.fill(0)
      for (let i = 0; i < size; i++) (counts[((ranks[(from[i] as number) + k] as number) >>> shift) & 2047] as number)++
      toStarts(counts)
      for (let i = 0; i < size; i++) {
        const p = from[i] as number
        to[(counts[((ranks[p + k] as number) >>> shift) & 2047] as number)++] = p
      }
      ;[from, to] = [to, from]
    }
    if (from !== slice) slice.set(from)
    return (i) => ranks[(slice[i - lo] as number) + k] as number
  }
}

/** Counts to the places where each begins. */
function toStarts(counts: Uint32Array): void {
  let sum = 0
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] as number
    counts[i] = sum
    sum += count
  }
}
