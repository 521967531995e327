import { absentText, bytesOfText, leafText, nodeText } from '../trace/hash.ts'
import { leafBytes, type TraceExtent, type TraceLayout } from '../trace/layout.ts'
import { linearSlabs } from '../trace/proof-file.ts'

/** Root of the linear tree of records that come in any order. docs/canonical-inference.md §12. */
export class LinearRoot {
  readonly #layout: TraceLayout
  readonly #leaves = new Map<number, string>()

  constructor(layout: TraceLayout) {
    this.#layout = layout
  }

  add(slab: number, position: number, record: Uint8Array): void {
    const first = this.#layout.leafIndex('linear', slab, position, 0)
    for (let at = 0, index = first; at < record.length; at += leafBytes.linear, index++) {
      this.#leaves.set(index, leafText(index, record.subarray(at, at + leafBytes.linear)))
    }
  }

  root(): Uint8Array {
    let row: ReadonlyMap<number, string> = this.#leaves
    for (let height = 0; height < this.#layout.depth('linear'); height++) row = above(row)
    return bytesOfText(row.get(0) ?? absentText)
  }
}

/** Of slabs 1, 2, …, each its records one after another. */
export function linearRoot(layout: TraceLayout, extent: TraceExtent, slabs: readonly Uint8Array[]): Uint8Array {
  const root = new LinearRoot(layout)
  for (const { slab, from, bytes: size } of linearSlabs(layout, extent)) {
    const recordBytes = size / (extent.positions - from)
    for (let position = from; position < extent.positions; position++) {
      const at = (position - from) * recordBytes
      root.add(slab, position, slabs[slab - 1]?.subarray(at, at + recordBytes) ?? new Uint8Array(0))
    }
  }
  return root.root()
}

/** The nodes over a level's, in the order in which their left ends come. */
function above(below: ReadonlyMap<number, string>): Map<number, string> {
  const row = new Map<number, string>()
  for (const index of below.keys()) {
    const parent = Math.floor(index / 2)
    if (row.has(parent)) continue
    row.set(parent, nodeText(below.get(2 * parent) ?? absentText, below.get(2 * parent + 1) ?? absentText))
  }
  return row
}
