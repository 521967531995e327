import { absentText, bytesOfText, foldTexts, leafText } from '../trace/hash.ts'
import { leafBytes, type TraceExtent, type TraceLayout } from '../trace/layout.ts'
import { linearSlabs } from '../trace/proof-file.ts'

type LeafText = typeof leafText

/** Root of the linear tree of records that come in any order. docs/canonical-inference.md §12. */
export class LinearRoot {
  readonly #layout: TraceLayout
  readonly #leafText: LeafText
  /** Nodes over records, per slab and position. */
  readonly #slabs: (string | undefined)[][]

  /** Leaves are hashed by `leafText`, or by `leafTextInPlace` where all records that are added allow it. */
  constructor(layout: TraceLayout, hashLeaf: LeafText = leafText) {
    this.#layout = layout
    this.#leafText = hashLeaf
    this.#slabs = Array.from({ length: layout.slabs.linear }, () => [])
  }

  add(slab: number, position: number, record: Uint8Array): void {
    const first = this.#layout.leafIndex('linear', slab, position, 0)
    const leaves: string[] = []
    for (let at = 0; at < record.length; at += leafBytes.linear) {
      leaves.push(this.#leafText(first + leaves.length, record.subarray(at, at + leafBytes.linear)))
    }
    const positions = this.#slabs[slab] as (string | undefined)[]
    while (positions.length < position) positions.push(undefined)
    positions[position] = foldTexts(leaves, this.#layout.bits.linear.leaf)
  }

  root(): Uint8Array {
    const { slab, position } = this.#layout.bits.linear
    const slabs = this.#slabs.map((positions) => foldTexts(positions, position))
    return bytesOfText(foldTexts(slabs, slab) ?? absentText)
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
