import type { Entries } from './entries.ts'
import { PrefixKeys } from './prefix-keys.ts'
import { orderTokens, separator } from './suffix-sort.ts'

/** A part of the text's positions in suffix order, read once from its first. */
export type SuffixCursor = {
  /** Undefined behind the last. */
  next(): number | undefined
}

/**
 * Gives the positions of all parts to `emit` in suffix order. Parts are of whole documents, in the order of the text: what is alike
 * then stands by position when the earlier part goes first, so that the order is that of the text sorted at once.
 */
export function mergeSuffixes(
  tokens: Entries,
  vocab: number,
  parts: readonly SuffixCursor[],
  emit: (position: number) => void,
): void {
  if (parts.length === 0) return
  const keys = new PrefixKeys(vocab)
  // A tree of matches: leaves are the parts, each node is the lower of the two below it.
  const leaves = 2 ** Math.ceil(Math.log2(parts.length))
  const heads = new Float64Array(leaves).fill(-1)
  const headKeys = new Float64Array(leaves).fill(Number.POSITIVE_INFINITY)
  const winners = Uint32Array.from({ length: 2 * leaves }, (_, node) => Math.max(0, node - leaves))
  const advance = (part: number) => {
    const position = parts[part]?.next()
    heads[part] = position ?? -1
    headKeys[part] = position === undefined ? Number.POSITIVE_INFINITY : keys.ofSuffix(tokens, position)
  }
  const play = (node: number) => {
    const [earlier, later] = [winners[2 * node] as number, winners[2 * node + 1] as number]
    const [least, key] = [headKeys[earlier] as number, headKeys[later] as number]
    const isLess = key < least || (key === least && isBefore(tokens, heads[later] as number, heads[earlier] as number))
    winners[node] = isLess ? later : earlier
  }
  for (let part = 0; part < parts.length; part++) advance(part)
  for (let node = leaves - 1; node > 0; node--) play(node)
  for (;;) {
    const best = winners[1] as number
    const position = heads[best] as number
    if (position < 0) return
    emit(position)
    advance(best)
    for (let node = (leaves + best) >>> 1; node > 0; node >>>= 1) play(node)
  }
}

/** Whether the suffix at `a` is before that at `b` by its tokens; both behind the last are alike. */
function isBefore(tokens: Entries, a: number, b: number): boolean {
  if (a < 0 || b < 0) return false
  for (let i = 0; i < orderTokens; i++) {
    const [x, y] = [tokens.at(a + i), tokens.at(b + i)]
    if (x !== y) return x === separator || (y !== separator && x < y)
    if (x === separator) return false
  }
  return false
}

/** Sorted positions in memory, each moved by `offset`. */
export function heldCursor(positions: Uint32Array, offset: number): SuffixCursor {
  let at = 0
  return { next: () => (at < positions.length ? (positions[at++] as number) + offset : undefined) }
}
