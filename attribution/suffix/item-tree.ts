import { createHash } from 'node:crypto'
import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'

/** A contribution of a Datanet version, and the content that it is. */
export type VersionItem = { readonly contribId: bigint; readonly contentHash: Hex }

/** The tree under a version's `itemsRoot`: a leaf for each item, in order. */
export function itemTree(items: readonly VersionItem[]): LeafTree {
  return new LeafTree(
    items.map(({ contribId, contentHash }) => concatBytes(uintBytes(contribId, 8), hexToBytes(contentHash))),
  )
}

/** A tree of protocol/content-hash.ts that shows what is not in it, too. */
export class LeafTree {
  readonly #levels: readonly (readonly Uint8Array[])[]

  constructor(leaves: readonly Uint8Array[]) {
    let level = leaves.map((leaf, i) => sha256(Uint8Array.of(0), uintBytes(i, 4), leaf))
    const levels = [level]
    let absent: Uint8Array = new Uint8Array(32)
    while (level.length > 1) {
      const [under, hole] = [level, absent]
      level = Array.from({ length: Math.ceil(under.length / 2) }, (_, i) =>
        sha256(Uint8Array.of(1), under[2 * i] as Uint8Array, under[2 * i + 1] ?? hole),
      )
      absent = sha256(Uint8Array.of(1), hole, hole)
      levels.push(level)
    }
    this.#levels = levels
  }

  get root(): Hex {
    return bytesToHex(this.#levels.at(-1)?.[0] ?? new Uint8Array(32))
  }

  /** Places of leaves: those there are, and absent ones behind them. */
  get width(): number {
    return 2 ** (this.#levels.length - 1)
  }

  /** Hashes beside the way up from a place, from the leaf upwards. */
  siblings(place: number): Hex[] {
    let absent: Uint8Array = new Uint8Array(32)
    return this.#levels.slice(0, -1).map((level, height) => {
      const sibling = level[Math.floor(place / 2 ** height) ^ 1] ?? absent
      absent = sha256(Uint8Array.of(1), absent, absent)
      return bytesToHex(sibling)
    })
  }
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(
    createHash('sha256')
      .update(concatBytes(...parts))
      .digest(),
  )
}
