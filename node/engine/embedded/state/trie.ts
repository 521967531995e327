import { bytesToHex, concatBytes, equalBytes } from '../../../../protocol/bytes.ts'
import { keccak256 } from '../../../../protocol/keccak.ts'
import { emptyTrieRoot, toNibbles } from '../../../../protocol/trie-root.ts'
import { MissingNodeError } from '../errors.ts'
import { type Branch, decodeNode, encodeNode, isHashed, type TrieNode } from './trie-node.ts'

/** Reads a stored node; `path` is where it hangs, in nibbles. Undefined where it is not there. */
export type NodeReader = (path: Uint8Array, hash: Uint8Array) => Uint8Array | undefined

/** What one commit changed on disk: nodes it made, and stored nodes that the new trie no longer holds. */
export type TrieSink = {
  readonly born: (path: Uint8Array, hash: Uint8Array, raw: Uint8Array) => void
  readonly stale: (path: Uint8Array, hash: Uint8Array) => void
}

/**
 * A copy-on-write trie over 32-byte keys. A change makes new nodes along its path and leaves the old ones as they are,
 * so {@link copy} costs nothing and a discarded block leaves no trace. Nodes once read stay in memory until
 * {@link forget}.
 */
export class Trie {
  readonly #read: NodeReader
  #root: TrieNode | undefined
  #stale: { path: Uint8Array; hash: Uint8Array }[] = []
  #loaded = 0

  constructor(read: NodeReader, root: Uint8Array) {
    this.#read = read
    this.#root = equalBytes(root, emptyTrieRoot) ? undefined : { kind: 'unresolved', hash: root }
  }

  /** Nodes read or made since the trie began or was forgotten: a measure of the memory it holds. */
  get loaded(): number {
    return this.#loaded
  }

  /** The same content, independent of changes to this one. */
  copy(): Trie {
    const twin = new Trie(this.#read, emptyTrieRoot)
    twin.#root = this.#root
    twin.#loaded = this.#loaded
    twin.#stale = [...this.#stale]
    return twin
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const nibbles = toNibbles(key)
    let node = this.#resolvedRoot()
    let depth = 0
    for (;;) {
      if (node === undefined) return undefined
      if (node.kind === 'leaf') return hasPath(nibbles, depth, node.path) ? node.value : undefined
      if (node.kind === 'extension') {
        if (!hasPath(nibbles, depth, node.path)) return undefined
        depth += node.path.length
        node = this.#extensionChild(node, nibbles, depth)
      } else if (node.kind === 'branch') {
        node = this.#branchChild(node, nibbles[depth] ?? 0, nibbles, depth)
        depth++
      } else throw new Error('an unresolved node was not resolved')
    }
  }

  /** Nodes from the root to where `key` is, or would be. Source: EIP-1186. */
  proof(key: Uint8Array): Uint8Array[] {
    const nibbles = toNibbles(key)
    const nodes: Uint8Array[] = []
    let node = this.#resolvedRoot()
    let depth = 0
    while (node !== undefined) {
      // A node inside of its parent is part of the parent's encoding.
      if (node.hash !== undefined || depth === 0) nodes.push(encodeNode(node))
      if (node.kind === 'extension' && hasPath(nibbles, depth, node.path)) {
        depth += node.path.length
        node = this.#extensionChild(node, nibbles, depth)
      } else if (node.kind === 'branch') {
        node = this.#branchChild(node, nibbles[depth] ?? 0, nibbles, depth)
        depth++
      } else break
    }
    return nodes
  }

  /** All values, in the order of their keys. Nodes read on the way are not kept. */
  *values(): Generator<Uint8Array> {
    if (this.#root !== undefined) yield* this.#valuesBelow(this.#root, new Uint8Array(0))
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#root = this.#insert(this.#resolvedRoot(), toNibbles(key), 0, value)
  }

  delete(key: Uint8Array): void {
    const root = this.#resolvedRoot()
    if (root !== undefined) this.#root = this.#remove(root, toNibbles(key), 0)
  }

  /** Reports every stored node as stale and leaves the empty trie. */
  clear(): void {
    const root = this.#resolvedRoot()
    if (root !== undefined) this.#clear(root, new Uint8Array(64), 0)
    this.#root = undefined
  }

  /** Hashes what changed and returns the root; the sink hears of each node that came or went. */
  commit(sink: TrieSink): Uint8Array {
    const born = new Set<string>()
    const root = this.#root
    if (root !== undefined && root.hash === undefined) {
      const raw = this.#hash(root, new Uint8Array(64), 0, sink, born)
      if (!isHashed(raw)) this.#bear(root, raw, new Uint8Array(0), sink, born)
    }
    for (const { path, hash } of this.#stale) if (!born.has(nodeKey(path, hash))) sink.stale(path, hash)
    this.#stale = []
    return this.#root?.hash ?? emptyTrieRoot
  }

  /** Drops the nodes in memory; they are read again when needed. Only after what was committed is in the store. */
  forget(): void {
    const hash = this.#root?.hash
    if (hash !== undefined) this.#root = { kind: 'unresolved', hash }
    this.#loaded = 0
  }

  #resolvedRoot(): TrieNode | undefined {
    if (this.#root?.kind === 'unresolved') this.#root = this.#load(this.#root.hash, new Uint8Array(0))
    return this.#root
  }

  #branchChild(branch: Branch, nibble: number, nibbles: Uint8Array, depth: number): TrieNode | undefined {
    let child = branch.children[nibble]
    if (child?.kind === 'unresolved') {
      const path = nibbles.slice(0, depth + 1)
      path[depth] = nibble
      child = this.#load(child.hash, path)
      branch.children[nibble] = child
    }
    return child
  }

  #extensionChild(extension: { child: TrieNode }, nibbles: Uint8Array, depth: number): TrieNode {
    if (extension.child.kind === 'unresolved') {
      extension.child = this.#load(extension.child.hash, nibbles.slice(0, depth))
    }
    return extension.child
  }

  *#valuesBelow(node: TrieNode, path: Uint8Array): Generator<Uint8Array> {
    const below = (child: TrieNode, nibbles: Uint8Array) => this.#valuesBelow(child, concatBytes(path, nibbles))
    if (node.kind === 'unresolved') yield* this.#valuesBelow(this.#load(node.hash, path), path)
    else if (node.kind === 'leaf') yield node.value
    else if (node.kind === 'extension') yield* below(node.child, node.path)
    else
      for (const [i, child] of node.children.entries()) if (child !== undefined) yield* below(child, Uint8Array.of(i))
  }

  #load(hash: Uint8Array, path: Uint8Array): TrieNode {
    const raw = this.#read(path, hash)
    if (raw === undefined) throw new MissingNodeError(`trie node ${bytesToHex(hash)} is missing`)
    this.#loaded++
    return decodeNode(raw, hash)
  }

  #insert(node: TrieNode | undefined, nibbles: Uint8Array, depth: number, value: Uint8Array): TrieNode {
    if (node === undefined) return { kind: 'leaf', path: nibbles.slice(depth), value }
    if (node.kind === 'unresolved') throw new Error('an unresolved node was not resolved')
    if (node.kind === 'branch') {
      const nibble = nibbles[depth] ?? 0
      const child = this.#branchChild(node, nibble, nibbles, depth)
      const next = this.#insert(child, nibbles, depth + 1, value)
      if (next === child) return node
      this.#replace(node, nibbles, depth)
      return withChild(node, nibble, next)
    }
    const shared = sharedLength(nibbles, depth, node.path)
    if (shared === node.path.length) {
      if (node.kind === 'leaf') {
        if (equalBytes(node.value, value)) return node
        this.#replace(node, nibbles, depth)
        return { kind: 'leaf', path: node.path, value }
      }
      const child = this.#extensionChild(node, nibbles, depth + shared)
      const next = this.#insert(child, nibbles, depth + shared, value)
      if (next === child) return node
      this.#replace(node, nibbles, depth)
      return { kind: 'extension', path: node.path, child: next }
    }
    this.#replace(node, nibbles, depth)
    return split(node, nibbles, depth, shared, value)
  }

  #remove(node: TrieNode, nibbles: Uint8Array, depth: number): TrieNode | undefined {
    switch (node.kind) {
      case 'unresolved':
        throw new Error('an unresolved node was not resolved')
      case 'leaf':
        if (!hasPath(nibbles, depth, node.path)) return node
        this.#replace(node, nibbles, depth)
        return undefined
      case 'extension': {
        if (!hasPath(nibbles, depth, node.path)) return node
        const child = this.#extensionChild(node, nibbles, depth + node.path.length)
        const next = this.#remove(child, nibbles, depth + node.path.length)
        if (next === child) return node
        this.#replace(node, nibbles, depth)
        return next === undefined ? undefined : joined(node.path, next)
      }
      case 'branch': {
        const nibble = nibbles[depth] ?? 0
        const child = this.#branchChild(node, nibble, nibbles, depth)
        if (child === undefined) return node
        const next = this.#remove(child, nibbles, depth + 1)
        if (next === child) return node
        this.#replace(node, nibbles, depth)
        return this.#collapsed(withChild(node, nibble, next), nibbles, depth)
      }
    }
  }

  /** A branch of one child is no branch: its child takes its place. */
  #collapsed(branch: Branch, nibbles: Uint8Array, depth: number): TrieNode | undefined {
    let only = -1
    for (let i = 0; i < 16; i++) {
      if (branch.children[i] === undefined) continue
      if (only >= 0) return branch
      only = i
    }
    if (only < 0) return undefined
    const child = this.#branchChild(branch, only, nibbles, depth)
    if (child === undefined) return undefined
    if (child.kind !== 'branch') {
      const path = nibbles.slice(0, depth + 1)
      path[depth] = only
      this.#replace(child, path, depth + 1)
    }
    return joined(Uint8Array.of(only), child)
  }

  #replace(node: TrieNode, nibbles: Uint8Array, depth: number): void {
    this.#loaded++
    if (node.hash !== undefined) this.#stale.push({ path: nibbles.slice(0, depth), hash: node.hash })
  }

  #clear(node: TrieNode, path: Uint8Array, depth: number): void {
    this.#replace(node, path, depth)
    if (node.kind === 'extension') {
      path.set(node.path, depth)
      this.#clear(this.#extensionChild(node, path, depth + node.path.length), path, depth + node.path.length)
    } else if (node.kind === 'branch') {
      for (let i = 0; i < 16; i++) {
        const child = this.#branchChild(node, i, path, depth)
        if (child === undefined) continue
        path[depth] = i
        this.#clear(child, path, depth + 1)
      }
    }
  }

  #hash(node: TrieNode, path: Uint8Array, depth: number, sink: TrieSink, born: Set<string>): Uint8Array {
    if (node.kind === 'extension' && node.child.hash === undefined) {
      path.set(node.path, depth)
      this.#hash(node.child, path, depth + node.path.length, sink, born)
    } else if (node.kind === 'branch') {
      for (let i = 0; i < 16; i++) {
        const child = node.children[i]
        if (child === undefined || child.hash !== undefined) continue
        path[depth] = i
        this.#hash(child, path, depth + 1, sink, born)
      }
    }
    const raw = encodeNode(node)
    if (isHashed(raw)) this.#bear(node, raw, path.slice(0, depth), sink, born)
    return raw
  }

  #bear(node: TrieNode, raw: Uint8Array, path: Uint8Array, sink: TrieSink, born: Set<string>): void {
    if (node.kind === 'unresolved') return
    node.hash = keccak256(raw)
    born.add(nodeKey(path, node.hash))
    sink.born(path, node.hash, raw)
  }
}

function withChild(branch: Branch, nibble: number, child: TrieNode | undefined): Branch {
  const children = branch.children.slice()
  children[nibble] = child
  return { kind: 'branch', children }
}

/** A leaf or extension whose path parts from the key after `shared` nibbles becomes a branch. */
function split(
  node: Exclude<TrieNode, Branch | { kind: 'unresolved' }>,
  nibbles: Uint8Array,
  depth: number,
  shared: number,
  value: Uint8Array,
): TrieNode {
  const children = new Array<TrieNode | undefined>(16).fill(undefined)
  const rest = node.path.slice(shared + 1)
  children[node.path[shared] ?? 0] =
    node.kind === 'leaf'
      ? { kind: 'leaf', path: rest, value: node.value }
      : rest.length === 0
        ? node.child
        : { kind: 'extension', path: rest, child: node.child }
  children[nibbles[depth + shared] ?? 0] = { kind: 'leaf', path: nibbles.slice(depth + shared + 1), value }
  const branch: Branch = { kind: 'branch', children }
  return shared === 0 ? branch : { kind: 'extension', path: node.path.slice(0, shared), child: branch }
}

/** `child` reached over `path`: paths of leaves and extensions grow together. */
function joined(path: Uint8Array, child: TrieNode): TrieNode {
  if (child.kind === 'branch' || child.kind === 'unresolved') return { kind: 'extension', path, child }
  const longer = new Uint8Array(path.length + child.path.length)
  longer.set(path)
  longer.set(child.path, path.length)
  return child.kind === 'leaf'
    ? { kind: 'leaf', path: longer, value: child.value }
    : { kind: 'extension', path: longer, child: child.child }
}

function hasPath(nibbles: Uint8Array, depth: number, path: Uint8Array): boolean {
  return sharedLength(nibbles, depth, path) === path.length
}

function sharedLength(nibbles: Uint8Array, depth: number, path: Uint8Array): number {
  let shared = 0
  while (shared < path.length && nibbles[depth + shared] === path[shared]) shared++
  return shared
}

function nodeKey(path: Uint8Array, hash: Uint8Array): string {
  return `${Buffer.from(path).toString('latin1')}/${Buffer.from(hash).toString('latin1')}`
}
