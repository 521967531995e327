import { bytesToHex, emptyBytes, hexToBytes } from './bytes.ts'
import { keccak256 } from './keccak.ts'
import { type RlpItem, rlpEncode, rlpUint } from './rlp.ts'

/** Root of the empty Merkle-Patricia trie. */
export const emptyTrieRoot = hexToBytes('0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421')
/** Hash of no code. */
export const emptyCodeHash = hexToBytes('0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470')
/** keccak256(rlp([])): the hash of no ommers. */
export const emptyOmmersHash = hexToBytes('0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347')

type Leaf = { readonly nibbles: Uint8Array; readonly value: Uint8Array }

/** Root of the trie that maps `rlp(index)` to `values[index]` (transactions, receipts, withdrawals). */
export function orderedTrieRoot(values: readonly Uint8Array[]): Uint8Array {
  return trieRoot(values.map((value, index) => [rlpEncode(rlpUint(index)), value]))
}

/** Root of a trie given all its entries: keys are used as they are (hash them first for a secure trie), values non-empty. */
export function trieRoot(entries: Iterable<readonly [Uint8Array, Uint8Array]>): Uint8Array {
  const leaves: Leaf[] = []
  for (const [key, value] of entries) leaves.push({ nibbles: toNibbles(key), value })
  if (leaves.length === 0) return emptyTrieRoot
  leaves.sort((a, b) => compare(a.nibbles, b.nibbles))
  return keccak256(rlpEncode(node(leaves, 0, leaves.length, 0)))
}

/** Hex-prefix encoding of a path. Source: yellow paper, appendix C. */
export function hexPrefix(nibbles: Uint8Array, isLeaf: boolean): Uint8Array {
  const odd = nibbles.length % 2
  const bytes = new Uint8Array((nibbles.length >> 1) + 1)
  bytes[0] = ((isLeaf ? 2 : 0) + odd) << 4
  if (odd === 1) bytes[0] |= nibbles[0] ?? 0
  for (let i = odd; i < nibbles.length; i += 2) {
    bytes[(i >> 1) + 1] = ((nibbles[i] ?? 0) << 4) | (nibbles[i + 1] ?? 0)
  }
  return bytes
}

/** Two nibbles a byte, high first. */
export function toNibbles(key: Uint8Array): Uint8Array {
  const nibbles = new Uint8Array(key.length * 2)
  for (let i = 0; i < key.length; i++) {
    const byte = key[i] ?? 0
    nibbles[2 * i] = byte >> 4
    nibbles[2 * i + 1] = byte & 15
  }
  return nibbles
}

/** The node over sorted leaves [from, to), whose first `depth` nibbles are equal and consumed. */
function node(leaves: readonly Leaf[], from: number, to: number, depth: number): RlpItem {
  const first = leaves[from]
  const last = leaves[to - 1]
  if (first === undefined || last === undefined) throw new Error('a trie node needs a leaf')
  if (to - from === 1) return [hexPrefix(first.nibbles.subarray(depth), true), first.value]
  let shared = depth
  while (shared < first.nibbles.length && first.nibbles[shared] === last.nibbles[shared]) shared++
  if (shared > depth) {
    return [hexPrefix(first.nibbles.subarray(depth, shared), false), reference(node(leaves, from, to, shared))]
  }
  return branch(leaves, from, to, depth)
}

function branch(leaves: readonly Leaf[], from: number, to: number, depth: number): RlpItem {
  const children: RlpItem[] = []
  let start = from
  let value: Uint8Array = emptyBytes
  const head = leaves[start]
  if (head !== undefined && head.nibbles.length === depth) {
    value = head.value
    start++
  }
  for (let nibble = 0; nibble < 16; nibble++) {
    let end = start
    while (end < to && leaves[end]?.nibbles[depth] === nibble) end++
    children.push(end === start ? emptyBytes : reference(node(leaves, start, end, depth + 1)))
    start = end
  }
  children.push(value)
  return children
}

/** A child as it stands in its parent: itself below 32 bytes, else its hash. */
function reference(item: RlpItem): RlpItem {
  const encoded = rlpEncode(item)
  return encoded.length < 32 ? item : keccak256(encoded)
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  if (a.length === b.length) throw new Error(`duplicate trie key ${bytesToHex(a)}`)
  return a.length - b.length
}
