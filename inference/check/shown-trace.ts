import { createHash } from 'node:crypto'
import { concatBytes, equalBytes, FormatError, uintBytes } from '../../protocol/bytes.ts'
import type { TraceTree } from '../trace/layout.ts'
import type { TraceRun } from '../trace/opening.ts'

/** All of a trace. Hashes are 32 bytes, zeros where nothing is; depth 0 is the root. */
export type WholeTrace = {
  node(tree: TraceTree, depth: number, index: number): Uint8Array
  leaf(tree: TraceTree, index: number): Uint8Array
}

/**
 * What is known of one tree that somebody else committed to, of which parts were shown, beside one's own of the same depth: below
 * a node that agrees with one's own all does.
 */
export class ShownTree {
  readonly depth: number
  readonly #tree: TraceTree
  readonly #own: WholeTrace
  readonly #nodes = new Map<string, Uint8Array>()
  readonly #leaves = new Map<number, Uint8Array>()

  constructor(tree: TraceTree, depth: number, root: Uint8Array, own: WholeTrace) {
    this.#tree = tree
    this.depth = depth
    this.#own = own
    this.#nodes.set(key(0, 0), root)
  }

  /** Takes what stands some levels below a node. Throws {@link FormatError} for what the node is not made of. */
  addNodes(depth: number, index: number, nodes: readonly Uint8Array[]): void {
    const levels = Math.log2(nodes.length)
    const target = this.hash(depth, index)
    if (!Number.isInteger(levels) || target === undefined) throw new FormatError('nodes below none that is known')
    const rows = [nodes]
    for (let row = nodes; row.length > 1; rows.push(row)) row = above(row)
    const [top] = rows.at(-1) ?? []
    if (top === undefined || !equalBytes(top, target)) throw new FormatError('nodes that the trace does not have')
    for (const [i, row] of rows.entries()) {
      const level = depth + levels - i
      for (const [j, node] of row.entries()) this.#nodes.set(key(level, index * row.length + j), node)
    }
  }

  /** Throws {@link FormatError} for bytes that are not the leaf's. */
  addLeaf(index: number, bytes: Uint8Array): void {
    const hash = this.hash(this.depth, index)
    if (hash === undefined || !equalBytes(leafHash(index, bytes), hash)) throw new FormatError('not that leaf')
    this.#leaves.set(index, bytes)
  }

  /** Undefined where it is not known. */
  hash(depth: number, index: number): Uint8Array | undefined {
    const shown = this.#nodes.get(key(depth, index))
    if (shown !== undefined || depth === 0) return shown
    const above = this.hash(depth - 1, Math.floor(index / 2))
    if (above === undefined) return undefined
    if (isAbsent(above)) return above
    return this.#agrees(above, depth - 1, Math.floor(index / 2)) ? this.#own.node(this.#tree, depth, index) : undefined
  }

  /** Whether a node is one's own; undefined where it is not known. */
  isOwn(depth: number, index: number): boolean | undefined {
    const hash = this.hash(depth, index)
    return hash === undefined ? undefined : this.#agrees(hash, depth, index)
  }

  /** Bytes of a leaf; undefined where they are not known. */
  leaf(index: number): Uint8Array | undefined {
    return this.#leaves.get(index) ?? (this.isOwn(this.depth, index) ? this.#own.leaf(this.#tree, index) : undefined)
  }

  /** The hashes beside a node's way up, from the node upwards. Throws {@link NotShown}. */
  siblings(depth: number, index: number): Uint8Array[] {
    return Array.from({ length: depth }, (_, i) => this.#known(depth - i, siblingOf(Math.floor(index / 2 ** i))))
  }

  /** Leaves `first` … `end` − 1. Throws {@link NotShown}. */
  run(first: number, end: number): TraceRun {
    const data = Array.from({ length: end - first }, (_, i) => {
      const leaf = this.leaf(first + i)
      if (leaf === undefined) throw new NotShown(this.#tree, this.depth, first + i)
      return leaf
    })
    const siblings: Uint8Array[] = []
    for (let [depth, from, to] = [this.depth, first, end - 1]; depth > 0; depth--) {
      if (from % 2 === 1) siblings.push(this.#known(depth, from - 1))
      if (to % 2 === 0) siblings.push(this.#known(depth, to + 1))
      from = Math.floor(from / 2)
      to = Math.floor(to / 2)
    }
    return { first, data: concatBytes(...data), siblings }
  }

  #agrees(hash: Uint8Array, depth: number, index: number): boolean {
    return equalBytes(hash, this.#own.node(this.#tree, depth, index))
  }

  #known(depth: number, index: number): Uint8Array {
    const hash = this.hash(depth, index)
    if (hash === undefined) throw new NotShown(this.#tree, depth, index)
    return hash
  }
}

/** A part of somebody's trace is not known. */
export class NotShown extends FormatError {
  constructor(tree: TraceTree, depth: number, index: number) {
    super(`node ${index} of level ${depth} of the ${tree} tree is not known`)
  }
}

export function isAbsent(hash: Uint8Array): boolean {
  return hash.every((byte) => byte === 0)
}

export function leafHash(index: number, bytes: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(0), uintBytes(index, 4), bytes)
}

/** The level above a row of nodes; a node over two absent ones is absent. */
export function above(row: readonly Uint8Array[]): Uint8Array[] {
  return Array.from({ length: row.length / 2 }, (_, i) => {
    const [left, right] = [row[2 * i] as Uint8Array, row[2 * i + 1] as Uint8Array]
    return isAbsent(left) && isAbsent(right) ? left : sha256(Uint8Array.of(1), left, right)
  })
}

function siblingOf(index: number): number {
  return index % 2 === 0 ? index + 1 : index - 1
}

function key(depth: number, index: number): string {
  return `${depth}:${index}`
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}
