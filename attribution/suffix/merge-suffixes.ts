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
  const keys = new PrefixKeys(vocab)
  const heads = new Float64Array(parts.length)
  const headKeys = new Float64Array(parts.length)
  const advance = (part: number) => {
    const position = parts[part]?.next()
    heads[part] = position ?? -1
    headKeys[part] = position === undefined ? Number.POSITIVE_INFINITY : keys.ofSuffix(tokens, position)
  }
  for (let part = 0; part < parts.length; part++) advance(part)
  for (;;) {
    let best = 0
    for (let part = 1; part < parts.length; part++) {
      const [key, least] = [headKeys[part] as number, headKeys[best] as number]
      const isLess = key < least || (key === least && isBefore(tokens, heads[part] as number, heads[best] as number))
      if (isLess) best = part
    }
    const position = heads[best] as number
    if (position < 0 || parts.length === 0) return
    emit(position)
    advance(best)
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
