import { emptyBytes } from '../../protocol/bytes.ts'
import { absent, foldNodes, leafHashes } from './hash.ts'
import type { TraceHead } from './head.ts'
import { leafBytes, type TraceLayout, type TraceTree } from './layout.ts'
import type { SparseTree } from './sparse-tree.ts'

/**
 * Neighbouring leaves of one record with the hashes beside their way up, level by level, the one on the left before the one on
 * the right. `first` is the first leaf's index in the tree.
 */
export type TraceRun = { readonly first: number; readonly data: Uint8Array; readonly siblings: readonly Uint8Array[] }

/** What shows parts of a trace. */
export type TraceOpener = {
  readonly head: TraceHead
  /** Leaves `first` … `end − 1` of a tree, all of one record. Throws {@link InferenceError} for what is not at hand. */
  run(tree: TraceTree, first: number, end: number): TraceRun
}

/** Bytes of the record at (slab, position) of a tree. */
export type RecordSource = (tree: TraceTree, slab: number, position: number) => Uint8Array

/** A trace whose nodes above records are known; records come from where they are kept, or are made anew. */
export class CommittedTrace implements TraceOpener {
  readonly head: TraceHead
  readonly layout: TraceLayout
  readonly #trees: { readonly [Tree in TraceTree]: SparseTree }
  readonly #record: RecordSource

  constructor(
    layout: TraceLayout,
    { head, trees }: { readonly head: TraceHead; readonly trees: { readonly [Tree in TraceTree]: SparseTree } },
    record: RecordSource,
  ) {
    this.layout = layout
    this.head = head
    this.#trees = trees
    this.#record = record
  }

  /** Bytes of the record at (slab, position). */
  record(tree: TraceTree, slab: number, position: number): Uint8Array {
    return this.#record(tree, slab, position)
  }

  run(tree: TraceTree, first: number, end: number): TraceRun {
    const { slab, position, leaf } = this.layout.leafAt(tree, first)
    const record = this.#record(tree, slab, position)
    const data = record.subarray(leaf * leafBytes[tree], (leaf + end - first) * leafBytes[tree])
    return { first, data, siblings: this.#siblings(tree, first, end - 1) }
  }

  /** The leaves that cover bytes `from` … `to − 1` of a record. */
  bytes(tree: TraceTree, slab: number, position: number, from: number, to: number): TraceRun {
    const [first, end] = [Math.floor(from / leafBytes[tree]), Math.ceil(to / leafBytes[tree])]
    const base = this.layout.leafIndex(tree, slab, position, 0)
    return this.run(tree, base + first, base + end)
  }

  /** Node `index` of those `depth` levels below the root; 32 zero bytes where it is absent. */
  node(tree: TraceTree, depth: number, index: number): Uint8Array {
    return this.#nodeAt(tree, this.#trees[tree].depth - depth, index)
  }

  /** Bytes of a leaf; none where it is absent. */
  leaf(tree: TraceTree, index: number): Uint8Array {
    const { slab, position, leaf } = this.layout.leafAt(tree, index)
    if (this.layout.recordBytes(tree, slab, position, this.head) === 0) return emptyBytes
    return this.#record(tree, slab, position).subarray(leaf * leafBytes[tree], (leaf + 1) * leafBytes[tree])
  }

  /** As {@link node}, counted from the leaves. */
  #nodeAt(tree: TraceTree, height: number, index: number): Uint8Array {
    const nodes = this.#trees[tree]
    if (height >= nodes.base) return nodes.node(height, index)
    const firstLeaf = index * 2 ** height
    const { slab, position, leaf } = this.layout.leafAt(tree, firstLeaf)
    const hashes = this.#hashes(tree, slab, position)
    return foldNodes(hashes.slice(leaf, leaf + 2 ** height), height)
  }

  #siblings(tree: TraceTree, first: number, last: number): Uint8Array[] {
    const siblings: Uint8Array[] = []
    let [left, right] = [first, last]
    for (let height = 0; height < this.#trees[tree].depth; height++) {
      if (left % 2 === 1) siblings.push(this.#nodeAt(tree, height, left - 1))
      if (right % 2 === 0) siblings.push(this.#nodeAt(tree, height, right + 1))
      left = Math.floor(left / 2)
      right = Math.floor(right / 2)
    }
    return siblings
  }

  #hashes(tree: TraceTree, slab: number, position: number): readonly Uint8Array[] {
    if (this.layout.recordBytes(tree, slab, position, this.head) === 0) return []
    return leafHashes(tree, this.layout.leafIndex(tree, slab, position, 0), this.#record(tree, slab, position))
  }
}

/** Whether a run stands in a tree of `depth` levels under `root`. Leaves are of the tree's size, the last may be shorter. */
export function verifyRun(tree: TraceTree, root: Uint8Array, depth: number, run: TraceRun): boolean {
  const { first, data, siblings } = run
  if (data.length === 0 || !Number.isInteger(first) || first < 0) return false
  let row: readonly Uint8Array[] = leafHashes(tree, first, data)
  let [left, used] = [first, 0]
  if (left + row.length > 2 ** depth) return false
  const next = () => siblings[used++] ?? absent
  for (let height = 0; height < depth; height++) {
    const before = left % 2 === 1 ? [next()] : []
    const after = (left + row.length) % 2 === 1 ? [next()] : []
    const whole = [...before, ...row, ...after]
    row = Array.from({ length: whole.length / 2 }, (_, i) => foldNodes(whole.slice(2 * i, 2 * i + 2), 1))
    left = Math.floor(left / 2)
  }
  return used === siblings.length && Buffer.compare(row[0] ?? absent, root) === 0
}
