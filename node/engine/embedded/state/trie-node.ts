import { emptyBytes, FormatError } from '../../../../protocol/bytes.ts'
import { asBytes, asList, type RlpItem, rlpDecode, rlpEncode } from '../../../../protocol/rlp.ts'
import { hexPrefix } from '../../../../protocol/trie-root.ts'

/**
 * Nodes of a Merkle-Patricia trie whose keys all have the same length (keccak256 of the real key), so that a branch
 * never holds a value. Nodes are immutable but for two memos: `hash` once it is computed, and an {@link Unresolved}
 * child replaced by what it stands for.
 */
export type TrieNode = Leaf | Extension | Branch | Unresolved

export type Leaf = { readonly kind: 'leaf'; readonly path: Uint8Array; readonly value: Uint8Array; hash?: Uint8Array }
export type Extension = { readonly kind: 'extension'; readonly path: Uint8Array; child: TrieNode; hash?: Uint8Array }
export type Branch = { readonly kind: 'branch'; readonly children: (TrieNode | undefined)[]; hash?: Uint8Array }
/** A node that is in the store, not in memory. */
export type Unresolved = { readonly kind: 'unresolved'; readonly hash: Uint8Array }

/** RLP of a node whose descendants all have their hash, or are small enough to stand inside of it. */
export function encodeNode(node: TrieNode): Uint8Array {
  return node.kind === 'branch' ? encodeBranch(node) : rlpEncode(nodeItem(node))
}

/** Parses a node that has this hash. Throws {@link FormatError}. */
export function decodeNode(raw: Uint8Array, hash: Uint8Array): TrieNode {
  const node = nodeOf(rlpDecode(raw))
  node.hash = hash
  return node
}

/** True where an encoding this long is stored under its hash rather than inside its parent. */
export const isHashed = (encoded: Uint8Array): boolean => encoded.length >= 32

function nodeItem(node: TrieNode): RlpItem {
  switch (node.kind) {
    case 'leaf':
      return [hexPrefix(node.path, true), node.value]
    case 'extension':
      return [hexPrefix(node.path, false), reference(node.child)]
    case 'branch':
      return [...node.children.map((child) => (child === undefined ? emptyBytes : reference(child))), emptyBytes]
    case 'unresolved':
      return node.hash
  }
}

function reference(node: TrieNode): RlpItem {
  return node.hash ?? nodeItem(node)
}

/** Most nodes of a block are branches of hashes alone; writing them without the general encoder halves the time. */
function encodeBranch(node: Branch): Uint8Array {
  let payload = 17
  for (const child of node.children) {
    if (child === undefined) continue
    if (child.hash === undefined) return rlpEncode(nodeItem(node))
    payload += 32
  }
  const header = payload < 56 ? 1 : payload < 256 ? 2 : 3
  const out = new Uint8Array(header + payload)
  if (header === 1) out[0] = 0xc0 + payload
  else if (header === 2) out.set([0xf8, payload])
  else out.set([0xf9, payload >> 8, payload & 255])
  let at = header
  for (const child of node.children) {
    if (child?.hash === undefined) out[at++] = 0x80
    else {
      out[at] = 0xa0
      out.set(child.hash, at + 1)
      at += 33
    }
  }
  out[at] = 0x80
  return out
}

function nodeOf(item: RlpItem): Leaf | Extension | Branch {
  const fields = asList(item, 'trie node')
  if (fields.length === 17) {
    if (asBytes(fields[16], 'branch value').length > 0) throw new FormatError('a branch of a state trie holds a value')
    return { kind: 'branch', children: fields.slice(0, 16).map(childOf) }
  }
  if (fields.length !== 2) throw new FormatError(`trie node has ${fields.length} fields`)
  const { path, isLeaf } = parsePath(asBytes(fields[0], 'trie path'))
  if (isLeaf) return { kind: 'leaf', path, value: asBytes(fields[1], 'trie value') }
  const child = childOf(fields[1] ?? emptyBytes)
  if (child === undefined) throw new FormatError('an extension leads nowhere')
  return { kind: 'extension', path, child }
}

function childOf(item: RlpItem): TrieNode | undefined {
  if (!(item instanceof Uint8Array)) return nodeOf(item)
  if (item.length === 0) return undefined
  return { kind: 'unresolved', hash: asBytes(item, 'trie reference', 32) }
}

function parsePath(encoded: Uint8Array): { path: Uint8Array; isLeaf: boolean } {
  const flags = encoded[0]
  if (flags === undefined || flags >> 4 > 3) throw new FormatError('trie path')
  const isOdd = (flags & 0x10) !== 0
  const path = new Uint8Array(encoded.length * 2 - (isOdd ? 1 : 2))
  let at = 0
  if (isOdd) path[at++] = flags & 15
  for (let i = 1; i < encoded.length; i++) {
    const byte = encoded[i] ?? 0
    path[at++] = byte >> 4
    path[at++] = byte & 15
  }
  return { path, isLeaf: (flags & 0x20) !== 0 }
}
