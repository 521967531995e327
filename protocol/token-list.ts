import { createHash } from 'node:crypto'
import { concatBytes, FormatError, uintBytes } from './bytes.ts'

/** Tokens of one leaf. */
export const tokensPerLeaf = 32

/**
 * Root of a list of u32 tokens: `SHA-256(0x02 ‖ n u32 ‖ tree root)`, so that one hash shows the count. The tree's leaf i is
 * `SHA-256(0x00 ‖ i u32 ‖ tokens 32·i … 32·i+31)`, a node `SHA-256(0x01 ‖ left ‖ right)`, an odd node goes up unchanged;
 * no tokens: 32 zero bytes. docs/MONEY.md §2. Throws {@link FormatError} for what is not u32.
 */
export function tokenListRoot(tokens: ArrayLike<number>): Uint8Array {
  return tokenCountRoot(tokens.length, tokenTreeRoot(tokens))
}

/** The root of a list of `count` tokens, from the root of its tree. */
export function tokenCountRoot(count: number, treeRoot: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(2), uintBytes(count, 4), treeRoot)
}

export function tokenTreeRoot(tokens: ArrayLike<number>): Uint8Array {
  return tokenLevels(tokens).at(-1)?.[0] ?? new Uint8Array(32)
}

/** Leaf `index` of a list of tokens: its bytes, and the hashes beside its way up. */
export function tokenLeaf(
  tokens: ArrayLike<number>,
  index: number,
): { readonly bytes: Uint8Array; readonly siblings: readonly Uint8Array[] } {
  const siblings = tokenLevels(tokens).flatMap((level, height) => level[Math.floor(index / 2 ** height) ^ 1] ?? [])
  return { bytes: tokenBytes(tokens, index * tokensPerLeaf), siblings }
}

/** From the leaves upwards; the last node of an odd level goes up as it is. */
export function tokenLevels(tokens: ArrayLike<number>): Uint8Array[][] {
  let level: Uint8Array[] = []
  for (let start = 0; start < tokens.length; start += tokensPerLeaf) {
    level.push(sha256(Uint8Array.of(0), uintBytes(level.length, 4), tokenBytes(tokens, start)))
  }
  const levels = [level]
  while (level.length > 1) {
    const above: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2) {
      const pair = level.slice(i, i + 2)
      above.push(pair.length === 2 ? sha256(Uint8Array.of(1), ...pair) : concatBytes(...pair))
    }
    level = above
    levels.push(level)
  }
  return levels
}

/** Tokens of the leaf that begins at `start`, u32 each. */
function tokenBytes(tokens: ArrayLike<number>, start: number): Uint8Array {
  const count = Math.min(tokensPerLeaf, tokens.length - start)
  const view = new DataView(new ArrayBuffer(4 * count))
  for (let i = 0; i < count; i++) {
    const token = tokens[start + i] ?? 0
    if (!Number.isInteger(token) || token < 0 || token > 0xffff_ffff) throw new FormatError(`token ${token} is no u32`)
    view.setUint32(4 * i, token)
  }
  return new Uint8Array(view.buffer)
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}
