import { BitSet, lowestBit } from './bit-set.ts'
import { GroupSorter } from './group-sorter.ts'

/** Stands behind every document. */
export const separator = 0xffff_ffff
/** Suffixes are compared by so many tokens. */
export const orderTokens = 64

/**
 * The positions of `text` in suffix order, docs/ATTRIBUTION.md §2. `text` ends with a separator, its other entries are below
 * `vocab`. Linear time: six rounds of prefix doubling, each of which sorts every group of suffixes alike in k tokens by the group
 * of what follows those k, and leaves alone what stands by itself or has ended. 16.4 bytes a token and 12 MiB at most, the text
 * included.
 */
export function sortSuffixes(text: Uint32Array, vocab: number): Uint32Array {
  const order = new SuffixOrder(text, vocab)
  for (let k = 1; k < orderTokens; k *= 2) order.double(k)
  return order.suffixes
}

class SuffixOrder {
  readonly suffixes: Uint32Array
  /** Of each position where its group begins in `suffixes`. */
  readonly #ranks: Uint32Array
  /** Where groups begin; the end of all counts as one. */
  readonly #heads: BitSet
  readonly #newHeads: BitSet
  /** Heads of groups whose suffixes are over: these are alike for good. */
  readonly #ended: BitSet
  readonly #newEnded: BitSet
  readonly #sorter: GroupSorter

  constructor(text: Uint32Array, vocab: number) {
    const n = text.length
    this.suffixes = new Uint32Array(n)
    this.#ranks = new Uint32Array(n)
    this.#heads = new BitSet(n + 1)
    this.#newHeads = new BitSet(n + 1)
    this.#ended = new BitSet(n)
    this.#newEnded = new BitSet(n)
    this.#sorter = new GroupSorter(this.suffixes, this.#ranks)
    this.#byFirstToken(text, vocab)
  }

  /** Separators first, as suffixes of no tokens. */
  #byFirstToken(text: Uint32Array, vocab: number): void {
    const n = text.length
    const [suffixes, ranks] = [this.suffixes, this.#ranks]
    const starts = new Uint32Array(vocab + 2)
    // A separator plus one is 0 in 32 bits.
    for (let p = 0; p < n; p++) (starts[(((text[p] as number) + 1) >>> 0) + 1] as number)++
    for (let t = 1; t < starts.length; t++) (starts[t] as number) += starts[t - 1] as number
    for (let t = 0; t < starts.length; t++) this.#heads.add(starts[t] as number)
    this.#ended.add(0)
    const next = starts.slice()
    for (let p = 0; p < n; p++) {
      const bucket = ((text[p] as number) + 1) >>> 0
      ranks[p] = starts[bucket] as number
      suffixes[(next[bucket] as number)++] = p
    }
  }

  /** From groups alike in k tokens to groups alike in 2k. */
  double(k: number): void {
    const heads = this.#heads.words
    for (let at = 0; at < heads.length; at++) {
      const word = heads[at] as number
      const following = at + 1 < heads.length ? (heads[at + 1] as number) : 1
      // Heads that no head follows: of groups of two or more.
      let wide = word & ~((word >>> 1) | (following << 31))
      for (; wide !== 0; wide &= wide - 1) {
        const lo = 32 * at + lowestBit(wide)
        if (lo < this.suffixes.length && !this.#ended.has(lo)) this.#split(lo, this.#heads.next(lo + 1), k)
      }
    }
    this.#rename()
    this.#heads.take(this.#newHeads)
    this.#ended.take(this.#newEnded)
  }

  #split(lo: number, hi: number, k: number): void {
    const keyAt = this.#sorter.sort(lo, hi, k)
    let previous = -1
    for (let i = lo; i < hi; i++) {
      const key = keyAt(i)
      if (key === previous) continue
      if (i > lo) this.#newHeads.add(i)
      if (this.#ended.has(key)) this.#newEnded.add(i)
      previous = key
    }
  }

  /** The first part of a split group keeps its name. */
  #rename(): void {
    const [suffixes, ranks, heads, fresh] = [this.suffixes, this.#ranks, this.#heads, this.#newHeads]
    const n = suffixes.length
    for (let at = 0; at < fresh.words.length; at++) {
      let word = fresh.words[at] as number
      for (; word !== 0; word &= word - 1) {
        const head = 32 * at + lowestBit(word)
        for (let i = head; i < n; i++) {
          if (i > head && (heads.has(i) || fresh.has(i))) break
          ranks[suffixes[i] as number] = head
        }
      }
    }
  }
}
