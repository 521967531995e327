import { type IndexSubject, indexOf } from './build-index.ts'
import { HeldEntries } from './entries.ts'
import { heldCursor, mergeSuffixes } from './merge-suffixes.ts'
import { SuffixError } from './suffix-error.ts'
import type { SuffixIndex } from './suffix-index.ts'
import { sortSuffixes } from './suffix-sort.ts'
import { joinDocuments, joinTexts, type Text, type TokenDocument } from './text.ts'

/** Documents that are sorted together. */
type Shard = { readonly text: Text; readonly suffixes: Uint32Array }

/**
 * A text that grows: documents come in lots, each is sorted by itself, and shards are merged when one is no longer than half of
 * the one before it (Bentley and Saxe), so that n tokens are moved about log n times. The index is the same whatever the lots
 * were.
 */
export class IndexShards {
  readonly #vocab: number
  readonly #shards: Shard[] = []

  constructor(vocab: number) {
    this.#vocab = vocab
  }

  get shardTokens(): readonly number[] {
    return this.#shards.map(({ suffixes }) => suffixes.length)
  }

  /** Contributions ascending, from lot to lot too. Throws {@link SuffixError}: `order`, `size`, `token`; then nothing was added. */
  add(documents: readonly TokenDocument[]): void {
    if (documents.length === 0) return
    const text = joinDocuments(documents, this.#vocab)
    const [last, first] = [this.#shards.at(-1)?.text.contribIds.at(-1), text.contribIds[0] as bigint]
    if (last !== undefined && first <= last) {
      throw new SuffixError('order', `contribution ${first} behind contribution ${last}`)
    }
    this.#shards.push({ text, suffixes: sortSuffixes(text.tokens, this.#vocab) })
    while (this.#isUneven()) this.#shards.push(merged(this.#shards.splice(-2)))
  }

  /** Takes documents out, without sorting anew: what is left of a shard keeps its order. */
  remove(contribIds: ReadonlySet<bigint>): void {
    for (const [i, shard] of this.#shards.entries()) {
      if (shard.text.contribIds.some((id) => contribIds.has(id))) this.#shards[i] = without(shard, contribIds)
    }
  }

  /** The index of all that is there. Throws {@link SuffixError} `size` for no tokens. */
  index(subject: IndexSubject): SuffixIndex {
    const { text, suffixes } = merged(this.#shards)
    return indexOf(text, suffixes, subject)
  }

  #isUneven(): boolean {
    const [before, last] = this.#shards.slice(-2)
    return last !== undefined && before !== undefined && before.suffixes.length < 2 * last.suffixes.length
  }
}

function merged(shards: readonly Shard[]): Shard {
  const [only, ...others] = shards
  if (only !== undefined && others.length === 0) return only
  const text = joinTexts(shards.map((shard) => shard.text))
  const suffixes = new Uint32Array(text.tokens.length)
  let [offset, at] = [0, 0]
  const cursors = shards.map((shard) => {
    const cursor = heldCursor(shard.suffixes, offset)
    offset += shard.suffixes.length
    return cursor
  })
  mergeSuffixes(new HeldEntries(text.tokens), text.vocab, cursors, (position) => {
    suffixes[at++] = position
  })
  return { text, suffixes }
}

function without({ text, suffixes }: Shard, contribIds: ReadonlySet<bigint>): Shard {
  const { vocab, tokens, starts } = text
  const gone = 2 ** 32 - 1
  const moved = new Uint32Array(tokens.length).fill(gone)
  const kept: TokenDocument[] = []
  let at = 0
  for (const [d, contribId] of text.contribIds.entries()) {
    if (contribIds.has(contribId)) continue
    const [start, end] = [starts[d] as number, starts[d + 1] ?? tokens.length]
    for (let p = start; p < end; p++) moved[p] = at++
    kept.push({ contribId, tokens: tokens.subarray(start, end - 1) })
  }
  return {
    text: joinDocuments(kept, vocab),
    suffixes: suffixes.map((p) => moved[p] as number).filter((p) => p !== gone),
  }
}
