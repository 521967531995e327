import type { Entries } from './entries.ts'
import { separator } from './suffix-sort.ts'

/**
 * Numbers that order suffixes by their first tokens: each token plus one is a digit, what is missing behind the end is 0, the
 * highest digit a token outside the vocabulary. As many digits as a double holds exactly.
 */
export class PrefixKeys {
  readonly digits: number
  readonly #base: number

  constructor(vocab: number) {
    this.#base = vocab + 2
    this.digits = Math.max(1, Math.floor(Math.log(2 ** 53) / Math.log(this.#base)))
  }

  /** Of the suffix at a position. */
  ofSuffix(tokens: Entries, position: number): number {
    let key = 0
    let digit = 0
    for (; digit < this.digits; digit++) {
      const token = tokens.at(position + digit)
      if (token === separator) break
      key = key * this.#base + token + 1
    }
    return digit === this.digits ? key : key * this.#base ** (this.digits - digit)
  }

  /** Of the query from … to − 1. */
  ofQuery(query: Uint32Array, from: number, to: number): number {
    let key = 0
    for (let digit = 0; digit < this.digits; digit++) {
      const at = from + digit
      const token = at < to ? Math.min(query[at] as number, this.#base - 2) + 1 : 0
      key = key * this.#base + token
    }
    return key
  }
}
