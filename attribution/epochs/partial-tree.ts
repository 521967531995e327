import { bytesToHex, equalBytes, type Hex } from '../../protocol/bytes.ts'
import { parentRow } from '../../protocol/sum-tree.ts'
import { u128At, viewOf } from './epoch-rows.ts'
import type { Padding, RowTree } from './row-tree.ts'
import { paddingOf, type ServedLeaf } from './served-leaves.ts'

/** A row of the tree with its siblings, from the leaf upwards. */
export type OpenedRow = { readonly row: Uint8Array; readonly siblings: readonly Uint8Array[] }

/**
 * A sum tree of which some leaves were shown, and of which somebody published what may be the rest. Of the published tree all
 * counts that stands under a node which the root was seen to have: the whole of it, or what the siblings of shown leaves
 * confirm.
 */
export class PartialTree {
  readonly count: number
  readonly depth: number
  /** What stands behind the last leaf; undefined until that was shown. */
  readonly padding: Padding | undefined
  readonly #published: RowTree | undefined
  /** Rows that the root is known to have, by height and place. */
  readonly #seen: readonly Map<number, Uint8Array>[]

  /**
   * `shown`: leaves under the root, verified on chain, their rows as the tree has them. `published` makes a tree of `count`
   * leaves with a padding; undefined where there is none of that form.
   */
  constructor(
    root: Hex,
    count: number,
    shown: readonly ServedLeaf[],
    published: (padding: Padding | undefined) => RowTree | undefined,
  ) {
    this.count = count
    this.depth = Math.ceil(Math.log2(count))
    this.padding = paddingOf(count, shown)
    this.#seen = Array.from({ length: this.depth + 1 }, () => new Map<number, Uint8Array>())
    for (const leaf of shown) this.#see(leaf)
    const tree = published(this.padding)
    this.#published = tree?.count === count ? tree : undefined
    if (this.#published !== undefined && bytesToHex(this.#published.root) === root) {
      this.#seen[this.depth]?.set(0, this.#published.top)
    }
  }

  /** Undefined where nobody has shown it. */
  get top(): Uint8Array | undefined {
    return this.row(this.depth, 0)
  }

  /** Undefined where nobody has shown it. */
  row(height: number, place: number): Uint8Array | undefined {
    const seen = this.#seen[height]?.get(place)
    if (seen !== undefined) return seen
    return this.#isPublished(height, place) ? this.#published?.row(height, place) : undefined
  }

  /** True where leaf `i` is the published one. */
  isPublished(i: number): boolean {
    const row = this.row(0, i)
    return row !== undefined && this.#published !== undefined && equalBytes(row, this.#published.row(0, i))
  }

  /** Undefined where the row or one of its siblings is not known. */
  opened(i: number): OpenedRow | undefined {
    const row = this.row(0, i)
    const siblings: Uint8Array[] = []
    for (let height = 0; height < this.depth; height++) {
      const place = Math.floor(i / 2 ** height)
      const sibling = this.row(height, place % 2 === 0 ? place + 1 : place - 1)
      if (sibling === undefined) return undefined
      siblings.push(sibling)
    }
    return row && { row, siblings }
  }

  /** Height of the smallest known subtree around leaf `i`; above all others where nothing was seen. */
  seenHeight(i: number): number {
    const height = this.#seen.findIndex((rows, h) => rows.has(Math.floor(i / 2 ** h)))
    return height === -1 ? this.depth + 1 : height
  }

  #see({ index, row, siblings }: ServedLeaf): void {
    let [place, above]: [number, Uint8Array | undefined] = [index, row]
    for (let height = 0; above !== undefined; height++) {
      this.#seen[height]?.set(place, above)
      const sibling = siblings[height]
      if (sibling === undefined) return
      const isLeft = place % 2 === 0
      this.#seen[height]?.set(isLeft ? place + 1 : place - 1, sibling)
      above = isLeft ? parentRow(above, sibling) : parentRow(sibling, above)
      place = Math.floor(place / 2)
    }
  }

  /** The smallest known subtree around the node is the published one. */
  #isPublished(height: number, place: number): boolean {
    if (this.#published === undefined) return false
    for (let h = height; h <= this.depth; h++) {
      const at = Math.floor(place / 2 ** (h - height))
      const seen = this.#seen[h]?.get(at)
      if (seen !== undefined) return equalBytes(seen, this.#published.row(h, at))
    }
    return false
  }
}

/** Sums `sums` places of what stands beside the way up, on the left (`before` leaf `i`) or on the right (`behind` it). */
export function sumsBeside(
  { siblings }: OpenedRow,
  i: number,
  side: 'before' | 'behind',
  places: number,
): readonly bigint[] {
  const beside = siblings.filter((_, height) => (Math.floor(i / 2 ** height) % 2 === 1) === (side === 'before'))
  return Array.from({ length: places }, (_, place) =>
    beside.reduce((sum, row) => sum + u128At(viewOf(row), 32 + 16 * place), 0n),
  )
}
