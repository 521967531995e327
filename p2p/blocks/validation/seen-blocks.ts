import { LruCache } from '../../../common/lru-cache.ts'
import type { Hex } from '../../../protocol/bytes.ts'

/** Heights remembered. Spec: protocol/rollup-node-p2p.md, "Block validation". */
export const heightsMax = 1_000
/** Different blocks at one height before the next is refused: the seventh, as op-node counts. */
export const blocksAtHeightMax = 6

/** Which blocks gossip has brought, by height. One for each topic. */
export class SeenBlocks {
  readonly #heights = new LruCache<bigint, Set<Hex>>(heightsMax)

  /** Notes a block and says whether it was there already, or is one too many at its height. */
  add(number: bigint, hash: Hex): 'new' | 'seen' | 'too-many' {
    const hashes = this.#heights.get(number) ?? this.#heights.set(number, new Set())
    if (hashes.size >= blocksAtHeightMax) return 'too-many'
    if (hashes.has(hash)) return 'seen'
    hashes.add(hash)
    return 'new'
  }
}
