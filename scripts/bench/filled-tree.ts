import { createHash } from 'node:crypto'
import { uintBytes } from '../../protocol/bytes.ts'

/** A perfect SHA-256 tree of which a few leaves are known; every other node is some hash. */
export class FilledTree {
  readonly #rows: Map<number, Uint8Array>[]

  /** `leaves`: bytes by index. */
  constructor(depth: number, leaves: ReadonlyMap<number, Uint8Array>) {
    let row = new Map([...leaves].map(([index, bytes]) => [index, sha256([0], uintBytes(index, 4), bytes)]))
    this.#rows = [row]
    for (let height = 0; height < depth; height++) {
      const above = new Map<number, Uint8Array>()
      for (const index of row.keys()) {
        const left = 2 * Math.floor(index / 2)
        above.set(left / 2, sha256([1], this.#node(height, left), this.#node(height, left + 1)))
      }
      row = above
      this.#rows.push(row)
    }
  }

  get root(): Uint8Array {
    return this.#node(this.#rows.length - 1, 0)
  }

  /** Hashes beside the way up of leaves `first` … `last`. */
  siblings(first: number, last: number): Uint8Array[] {
    const siblings: Uint8Array[] = []
    for (let height = 0; height < this.#rows.length - 1; height++) {
      if (first % 2 === 1) siblings.push(this.#node(height, first - 1))
      if (last % 2 === 0) siblings.push(this.#node(height, last + 1))
      first = Math.floor(first / 2)
      last = Math.floor(last / 2)
    }
    return siblings
  }

  #node(height: number, index: number): Uint8Array {
    return this.#rows[height]?.get(index) ?? sha256([2], uintBytes(height, 1), uintBytes(index, 4))
  }
}

function sha256(...parts: readonly (readonly number[] | Uint8Array)[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(Uint8Array.from(part))
  return new Uint8Array(hash.digest())
}
