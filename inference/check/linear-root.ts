import { leafBytes, type TraceExtent, type TraceLayout } from '../trace/layout.ts'
import { linearSlabs } from '../trace/proof-file.ts'
import { nodeBytes, type RecordHasher, recordHasher } from './record-hasher.ts'

/** Root of the linear tree of records that come in any order. docs/canonical-inference.md §12. */
export class LinearRoot {
  readonly #layout: TraceLayout
  readonly #hasher: RecordHasher
  /** Nodes over the records of each slab, by position. */
  readonly #slabs: Uint8Array[]

  constructor(layout: TraceLayout, hasher = recordHasher()) {
    this.#layout = layout
    this.#hasher = hasher
    this.#slabs = Array.from({ length: layout.slabs.linear }, () => new Uint8Array(0))
  }

  /** Records of `count` positions from `position` on, one behind the other. */
  add(slab: number, position: number, count: number, records: Uint8Array): void {
    if (records.length === 0) return
    const nodes = this.#nodesOf(slab, position + count).subarray(nodeBytes * position)
    const first = this.#layout.leafIndex('linear', slab, position, 0)
    this.#hasher.recordNodes(records, count, first, leafBytes.linear, this.#layout.bits.linear.leaf, nodes)
  }

  root(): Uint8Array {
    const { slab, position } = this.#layout.bits.linear
    const top = new Uint8Array(nodeBytes * this.#slabs.length)
    for (const [i, nodes] of this.#slabs.entries()) {
      if (nodes.length === 0) continue
      const row = nodes.slice()
      this.#hasher.foldNodes(row, position)
      top.set(row.subarray(0, nodeBytes), nodeBytes * i)
    }
    this.#hasher.foldNodes(top, slab)
    return top.slice(0, nodeBytes)
  }

  /** Room for so many positions of a slab. */
  #nodesOf(slab: number, positions: number): Uint8Array {
    const nodes = this.#slabs[slab] as Uint8Array
    if (nodes.length >= nodeBytes * positions) return nodes
    const more = new Uint8Array(Math.max(nodeBytes * positions, 2 * nodes.length))
    more.set(nodes)
    this.#slabs[slab] = more
    return more
  }
}

/** Of slabs 1, 2, …, each its records one after another. */
export function linearRoot(
  layout: TraceLayout,
  extent: TraceExtent,
  slabs: readonly Uint8Array[],
  hasher = recordHasher(),
): Uint8Array {
  const root = new LinearRoot(layout, hasher)
  for (const { slab, from } of linearSlabs(layout, extent)) {
    const count = extent.positions - from
    const records = slabs[slab - 1] ?? new Uint8Array(0)
    root.add(slab, from, count, records)
  }
  return root.root()
}
