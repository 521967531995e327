import { createHash } from 'node:crypto'

/** Text to learn from: running text, or turns of a talk. `source` names the package and place. */
export type Document =
  | { readonly kind: 'text'; readonly source: string; readonly text: string }
  | { readonly kind: 'talk'; readonly source: string; readonly system?: string; readonly turns: readonly Turn[] }

export type Turn = { readonly question: string; readonly answer: string }

/** A number in 0 … 2^32 − 1 that depends on the words alone: every choice of the corpus is made by one. */
export function chance(...words: readonly (string | number)[]): number {
  return createHash('sha256').update(words.join('\0')).digest().readUInt32BE(0)
}

export function choose<T>(list: readonly T[], ...words: readonly (string | number)[]): T {
  const item = list[chance(...words) % list.length]
  if (item === undefined) throw new RangeError('nothing to choose from')
  return item
}

/** In an order that depends on the seed and each item's name alone. */
export function shuffled<T>(list: readonly T[], seed: string, name: (item: T, index: number) => string): T[] {
  const keyed = list.map((item, i) => ({ item, key: chance(seed, i, name(item, i)), i }))
  return keyed.sort((a, b) => a.key - b.key || a.i - b.i).map(({ item }) => item)
}
