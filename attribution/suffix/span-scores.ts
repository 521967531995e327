import { log2Fixed } from './log2.ts'
import type { SuffixIndex } from './suffix-index.ts'

/** How surprising each token of an answer is, in 1/256 bit; 0 for one that no text has. docs/ATTRIBUTION.md §3. */
export function tokenScores(indexes: readonly SuffixIndex[], output: ArrayLike<number>): number[] {
  const tokens = indexes.reduce((sum, index) => sum + index.tokenCount, 0)
  const whole = log2Fixed(tokens)
  return Array.from(output, (token) => {
    const count = indexes.reduce((sum, index) => sum + index.unigram(token), 0)
    return tokenScore(whole, count)
  })
}

/** `whole`: {@link log2Fixed} of all tokens. */
export function tokenScore(whole: number, count: number): number {
  return count === 0 ? 0 : (whole - log2Fixed(count) + 128) >> 8
}
