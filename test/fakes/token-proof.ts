import { createHash } from 'node:crypto'
import { bytesToHex, concatBytes, type Hex, uintBytes } from '../../protocol/bytes.ts'
import { tokenListRoot, tokensPerLeaf } from '../../protocol/token-list.ts'

/** Leaf `index` of a token list with the hashes beside its way up, and the list's root. */
export function tokenProof(tokens: Uint32Array, index: number): { root: Hex; tokens: Hex; siblings: Hex[] } {
  const leaf = (i: number) =>
    concatBytes(...[...tokens.subarray(tokensPerLeaf * i, tokensPerLeaf * (i + 1))].map((token) => uintBytes(token, 4)))
  let level = Array.from({ length: Math.ceil(tokens.length / tokensPerLeaf) }, (_, i) =>
    sha256(Uint8Array.of(0), uintBytes(i, 4), leaf(i)),
  )
  const siblings: Hex[] = []
  for (let place = index; level.length > 1; place >>= 1) {
    const sibling = level[place ^ 1]
    if (sibling !== undefined) siblings.push(bytesToHex(sibling))
    level = Array.from({ length: Math.ceil(level.length / 2) }, (_, i) => {
      const [left = new Uint8Array(0), right] = level.slice(2 * i, 2 * i + 2)
      return right === undefined ? left : sha256(Uint8Array.of(1), left, right)
    })
  }
  return { root: bytesToHex(tokenListRoot(tokens)), tokens: bytesToHex(leaf(index)), siblings }
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}
