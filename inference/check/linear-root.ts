import { foldNodes, leafHashes } from '../trace/hash.ts'
import type { TraceExtent, TraceLayout } from '../trace/layout.ts'
import { linearSlabs } from '../trace/proof-file.ts'
import { SparseTree } from '../trace/sparse-tree.ts'

/** Root of the linear tree over slabs 1, 2, …, each its records one after another. docs/canonical-inference.md §12. */
export function linearRoot(layout: TraceLayout, extent: TraceExtent, slabs: readonly Uint8Array[]): Uint8Array {
  const { leaf } = layout.bits.linear
  const nodes = new Map<number, Uint8Array>()
  for (const { slab, from, bytes: size } of linearSlabs(layout, extent)) {
    const recordBytes = size / (extent.positions - from)
    for (let position = from; position < extent.positions; position++) {
      const first = layout.leafIndex('linear', slab, position, 0)
      const at = (position - from) * recordBytes
      const record = slabs[slab - 1]?.subarray(at, at + recordBytes) ?? new Uint8Array(0)
      nodes.set(first / 2 ** leaf, foldNodes(leafHashes('linear', first, record), leaf))
    }
  }
  return new SparseTree(layout.depth('linear'), leaf, nodes).root
}
