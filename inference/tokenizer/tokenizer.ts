import { FormatError } from '../../protocol/bytes.ts'
import { pieces } from './pieces.ts'

/** Two tokens that become one. */
export type Merge = readonly [left: number, right: number]

/** Tokens of the 256 bytes, before those of merges. */
const byteTokens = 256
/** Longest piece that is merged as one; longer ones are cut, so that no text takes quadratic time. */
const pieceBytesMax = 256

/**
 * Byte-level BPE. Tokens 0 … s − 1 are special and stand for no text; s … s + 255 are the bytes; s + 256 + i is the join of merge
 * i. Of the merges that apply in a piece the earliest is made first, leftmost first. docs/canonical-inference.md §10.
 */
export class Tokenizer {
  readonly specials: number
  readonly merges: readonly Merge[]
  readonly #ranks = new Map<number, number>()
  readonly #bytes: Uint8Array[]

  /** Throws {@link FormatError} for a merge of what does not exist before it, or one given twice. */
  constructor(specials: number, merges: readonly Merge[]) {
    this.specials = specials
    this.merges = merges
    this.#bytes = Array.from({ length: specials + byteTokens }, (_, i) =>
      i < specials ? new Uint8Array(0) : Uint8Array.of(i - specials),
    )
    for (const [rank, [left, right]] of merges.entries()) {
      const [a, b] = [this.#bytes[left], this.#bytes[right]]
      if (a === undefined || b === undefined || left < specials || right < specials) {
        throw new FormatError(`tokenizer: merge ${rank} joins ${left} and ${right}`)
      }
      if (this.#ranks.has(pairKey(left, right))) throw new FormatError(`tokenizer: merge ${rank} is there before`)
      this.#ranks.set(pairKey(left, right), rank)
      const joined = new Uint8Array(a.length + b.length)
      joined.set(a)
      joined.set(b, a.length)
      if (joined.length > pieceBytesMax) throw new FormatError(`tokenizer: token of ${joined.length} bytes`)
      this.#bytes.push(joined)
    }
  }

  get vocab(): number {
    return this.#bytes.length
  }

  /** Tokens of UTF-8 text or any bytes; never a special one. */
  encode(text: string | Uint8Array): number[] {
    const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
    const out: number[] = []
    for (const piece of pieces(bytes)) {
      for (let start = 0; start < piece.length; start += pieceBytesMax) {
        for (const token of this.#encodePiece(piece.subarray(start, start + pieceBytesMax))) out.push(token)
      }
    }
    return out
  }

  /** Bytes of tokens; special ones have none. Throws {@link FormatError} for what is no token. */
  decode(tokens: readonly number[]): Uint8Array {
    const parts = tokens.map((token) => {
      const bytes = this.#bytes[token]
      if (bytes === undefined) throw new FormatError(`token ${token} is not one of ${this.vocab}`)
      return bytes
    })
    return new Uint8Array(Buffer.concat(parts))
  }

  #encodePiece(piece: Uint8Array): number[] {
    const tokens = Array.from(piece, (byte) => this.specials + byte)
    for (;;) {
      let [best, at] = [Number.POSITIVE_INFINITY, -1]
      for (let i = 0; i + 1 < tokens.length; i++) {
        const rank = this.#ranks.get(pairKey(tokens[i] ?? 0, tokens[i + 1] ?? 0)) ?? Number.POSITIVE_INFINITY
        if (rank < best) [best, at] = [rank, i]
      }
      if (at < 0) return tokens
      tokens.splice(at, 2, this.specials + byteTokens + best)
    }
  }
}

/** Tokens are below 2^18. */
export function pairKey(left: number, right: number): number {
  return left * 2 ** 18 + right
}
