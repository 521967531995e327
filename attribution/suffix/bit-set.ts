/** Bits 0 … size − 1, all clear; 1/8 byte each. */
export class BitSet {
  /** Bit i is bit i mod 32 of word ⌊i/32⌋. */
  readonly words: Uint32Array

  constructor(size: number) {
    this.words = new Uint32Array(Math.ceil(size / 32) + 1)
  }

  has(i: number): boolean {
    return (((this.words[i >>> 5] as number) >>> (i & 31)) & 1) === 1
  }

  add(i: number): void {
    ;(this.words[i >>> 5] as number) |= 1 << (i & 31)
  }

  /** The first set bit at or behind `from`; there must be one. */
  next(from: number): number {
    let at = from >>> 5
    let word = (this.words[at] as number) & (-1 << (from & 31))
    while (word === 0) word = this.words[++at] as number
    return 32 * at + lowestBit(word)
  }

  /** Adds all of `other` and clears it. */
  take(other: BitSet): void {
    for (let i = 0; i < this.words.length; i++) (this.words[i] as number) |= other.words[i] as number
    other.words.fill(0)
  }
}

/** Place of the lowest set bit of a word that is not 0. */
export function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word)
}
