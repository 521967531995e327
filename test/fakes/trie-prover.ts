import { emptyBytes } from '../../protocol/bytes.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { type RlpItem, rlpEncode } from '../../protocol/rlp.ts'
import { hexPrefix, toNibbles } from '../../protocol/trie-root.ts'

type Leaf = { readonly path: Uint8Array; readonly value: Uint8Array }

/** A Merkle-Patricia trie over `entries`, and the nodes that prove `key` (present or not), as eth_getProof gives them. */
export function proveTrie(
  entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[],
  key: Uint8Array,
): { root: Uint8Array; proof: Uint8Array[] } {
  const leaves = entries.map(([k, value]) => ({ path: toNibbles(k), value }))
  const proof: Uint8Array[] = []
  const target = toNibbles(key)
  const top = rlpEncode(build(leaves, 0, target, true, proof))
  return { root: keccak256(top), proof: [top, ...proof] }
}

function build(
  leaves: readonly Leaf[],
  depth: number,
  target: Uint8Array,
  onPath: boolean,
  proof: Uint8Array[],
): RlpItem {
  const first = leaves[0]
  if (first === undefined) throw new Error('a trie node needs a leaf')
  if (leaves.length === 1) return [hexPrefix(first.path.subarray(depth), true), first.value]
  let shared = depth
  while (leaves.every(({ path }) => path[shared] === first.path[shared])) shared++
  if (shared > depth) {
    const follows = onPath && matches(first.path, target, depth, shared)
    return [hexPrefix(first.path.subarray(depth, shared), false), child(leaves, shared, target, follows, proof)]
  }
  const items: RlpItem[] = []
  for (let nibble = 0; nibble < 16; nibble++) {
    const below = leaves.filter(({ path }) => path[depth] === nibble)
    const follows = onPath && target[depth] === nibble
    items.push(below.length === 0 ? emptyBytes : child(below, depth + 1, target, follows, proof))
  }
  return [...items, emptyBytes]
}

function child(
  leaves: readonly Leaf[],
  depth: number,
  target: Uint8Array,
  onPath: boolean,
  proof: Uint8Array[],
): RlpItem {
  const below: Uint8Array[] = []
  const item = build(leaves, depth, target, onPath, below)
  const encoded = rlpEncode(item)
  if (encoded.length < 32) {
    if (onPath) proof.push(...below)
    return item
  }
  if (onPath) proof.push(encoded, ...below)
  return keccak256(encoded)
}

function matches(a: Uint8Array, b: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (a[i] !== b[i]) return false
  return true
}
