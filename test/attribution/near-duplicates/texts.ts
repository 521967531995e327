import { shinglesOf } from '../../../attribution/near-duplicates/signature.ts'
import type { Random } from '../../fakes/random.ts'

/** Made-up words: a few often, most seldom. */
export function randomWords(random: Random, count: number): string {
  return random.list(count, () => randomWord(random)).join(' ')
}

export function randomWord(random: Random): string {
  const rank = Math.floor(20_000 ** (random.int(2 ** 20) / 2 ** 20))
  return `w${rank.toString(36)}`
}

/** The text with a share of its words replaced, evenly spread by chance. */
export function withReplacedWords(text: string, share: number, random: Random): string {
  return text
    .split(' ')
    .map((word) => (random.chance(share) ? randomWord(random) : word))
    .join(' ')
}

/** Jaccard similarity of the sets of shingles themselves. */
export function exactSimilarity(a: Uint8Array, b: Uint8Array): number {
  const [left, right] = [new Set(shinglesOf(a)), new Set(shinglesOf(b))]
  let common = 0
  for (const shingle of left) if (right.has(shingle)) common++
  return common / (left.size + right.size - common)
}
