import { pieces } from './pieces.ts'
import { type Merge, pairKey, Tokenizer } from './tokenizer.ts'

/** A piece of the text as its tokens so far, and how often it stands there. */
type Word = { tokens: number[]; readonly count: number }

/**
 * Learns merges from a text until there are `vocab` tokens or no pair is seen twice: each time the pair that is seen most, of
 * equals the one with the lower left, then the lower right token. The same text gives the same tokenizer anywhere.
 */
export function trainTokenizer(text: Uint8Array, vocab: number, specials: number): Tokenizer {
  const words = countWords(text, specials)
  const pairs = new PairCounts(words)
  const merges: Merge[] = []
  while (specials + 256 + merges.length < vocab) {
    const pair = pairs.best()
    if (pair === undefined) break
    pairs.merge(pair, specials + 256 + merges.length)
    merges.push(pair)
  }
  return new Tokenizer(specials, merges)
}

function countWords(text: Uint8Array, specials: number): Word[] {
  const counts = new Map<string, number>()
  for (const piece of pieces(text)) {
    // A long piece is seldom a word, and encoding cuts it.
    if (piece.length > 64) continue
    const key = Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('latin1')
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return [...counts].map(([key, count]) => ({
    tokens: Array.from(Buffer.from(key, 'latin1'), (byte) => specials + byte),
    count,
  }))
}

/** How often each pair stands in the words, and which words have it. */
class PairCounts {
  readonly #words: readonly Word[]
  readonly #counts = new Map<number, number>()
  readonly #where = new Map<number, Set<number>>()

  constructor(words: readonly Word[]) {
    this.#words = words
    for (const [i, word] of words.entries()) this.#count(word, i, 1)
  }

  best(): Merge | undefined {
    let [best, most] = [-1, 1]
    for (const [key, count] of this.#counts) {
      if (count > most || (count === most && key < best)) [best, most] = [key, count]
    }
    return best < 0 ? undefined : [Math.floor(best / 2 ** 18), best % 2 ** 18]
  }

  merge([left, right]: Merge, joined: number): void {
    for (const i of [...(this.#where.get(pairKey(left, right)) ?? [])]) {
      const word = this.#words[i]
      if (word === undefined) continue
      this.#count(word, i, -1)
      const tokens: number[] = []
      for (let at = 0; at < word.tokens.length; at++) {
        const both = word.tokens[at] === left && word.tokens[at + 1] === right
        tokens.push(both ? joined : (word.tokens[at] ?? 0))
        if (both) at++
      }
      word.tokens = tokens
      this.#count(word, i, 1)
    }
  }

  #count({ tokens, count }: Word, word: number, sign: 1 | -1): void {
    for (let i = 0; i + 1 < tokens.length; i++) {
      const key = pairKey(tokens[i] ?? 0, tokens[i + 1] ?? 0)
      const sum = (this.#counts.get(key) ?? 0) + sign * count
      if (sum === 0) this.#counts.delete(key)
      else this.#counts.set(key, sum)
      const where = this.#where.get(key) ?? new Set()
      if (sign === 1) this.#where.set(key, where.add(word))
      else where.delete(word)
    }
  }
}
