import { absent, nodeHash } from './hash.ts'

/** Nodes of a perfect tree that is mostly absent, from a height upwards. */
export class SparseTree {
  /** Levels below the root. */
  readonly depth: number
  /** Height of the lowest nodes that are held. */
  readonly base: number
  readonly #rows: Map<number, Uint8Array>[]

  /** `nodes` by their place at height `base`. */
  constructor(depth: number, base: number, nodes: ReadonlyMap<number, Uint8Array>) {
    this.depth = depth
    this.base = base
    let row = new Map(nodes)
    this.#rows = [row]
    for (let height = base; height < depth; height++) {
      const below = row
      row = new Map()
      for (const index of below.keys()) {
        const parent = Math.floor(index / 2)
        if (row.has(parent)) continue
        row.set(parent, nodeHash(below.get(2 * parent) ?? absent, below.get(2 * parent + 1) ?? absent))
      }
      this.#rows.push(row)
    }
  }

  get root(): Uint8Array {
    return this.node(this.depth, 0)
  }

  /** The node `index` of those at `height` ≥ base. */
  node(height: number, index: number): Uint8Array {
    return this.#rows[height - this.base]?.get(index) ?? absent
  }
}
