import { concatBytes, FormatError, uintBytes } from './bytes.ts'
import { keccak256 } from './keccak.ts'

/**
 * Keccak Merkle trees whose nodes carry sums. PROTOCOL §1.
 *
 * A row is a hash and its sums, `hash 32 ‖ sum u128 …`. A node is `keccak(0x01 ‖ left row ‖ right row)` with the added sums;
 * the tree is perfect, of depth ⌈log2 n⌉, an absent leaf is a row of zeros; the published root is
 * `keccak(0x04 ‖ n u32 ‖ sums ‖ hash)`.
 */
export class SumTree {
  readonly #levels: readonly (readonly Uint8Array[])[]
  readonly #absent: readonly Uint8Array[]

  /** `leaves`: rows of one length. Throws {@link FormatError} for none, or where a sum overflows u128. */
  constructor(leaves: readonly Uint8Array[]) {
    const [first] = leaves
    if (first === undefined) throw new FormatError('a sum tree of no leaves')
    const levels = [leaves]
    const absent: Uint8Array[] = [new Uint8Array(first.length)]
    for (let level = leaves; level.length > 1; ) {
      const missing = absent[levels.length - 1] ?? first
      const above: Uint8Array[] = []
      for (let i = 0; i < level.length; i += 2) above.push(joined(level[i] ?? missing, level[i + 1] ?? missing))
      absent.push(joined(missing, missing))
      levels.push(above)
      level = above
    }
    this.#levels = levels
    this.#absent = absent
  }

  get #top(): Uint8Array {
    return this.#levels.at(-1)?.[0] ?? new Uint8Array(0)
  }

  /** What is published. */
  get root(): Uint8Array {
    return sumTreeRoot(this.#levels[0]?.length ?? 0, this.#top)
  }

  /** Hash of the topmost node: with the number of leaves and the sums, what opens the root. */
  get topHash(): Uint8Array {
    return this.#top.subarray(0, 32)
  }

  /** Sums of all leaves, u128 each. */
  get totals(): Uint8Array {
    return this.#top.subarray(32)
  }

  /** Siblings that the leaves start … start + count − 1 need, level by level, the left one first. */
  siblings(start: number, count = 1): Uint8Array[] {
    const leaves = this.#levels[0]?.length ?? 0
    if (count < 1 || start < 0 || start + count > leaves) {
      throw new FormatError(`leaves ${start} to ${start + count - 1} of ${leaves}`)
    }
    const found: Uint8Array[] = []
    let [first, last] = [start, start + count - 1]
    for (const [height, level] of this.#levels.slice(0, -1).entries()) {
      const row = (i: number) => level[i] ?? this.#absent[height] ?? level[0] ?? new Uint8Array(0)
      if (first % 2 === 1) found.push(row(first - 1))
      if (last % 2 === 0) found.push(row(last + 1))
      first = Math.floor(first / 2)
      last = Math.floor(last / 2)
    }
    return found
  }
}

/** A row: the hash and its sums. Throws {@link FormatError} for a sum that is no u128. */
export function sumRow(hash: Uint8Array, sums: readonly (bigint | number)[]): Uint8Array {
  return concatBytes(hash, ...sums.map((sum) => uintBytes(sum, 16)))
}

/** The row above two; undefined where a sum overflows u128. */
export function parentRow(left: Uint8Array, right: Uint8Array): Uint8Array | undefined {
  const sums = addSums(left.subarray(32), right.subarray(32))
  return sums === undefined ? undefined : concatBytes(keccak256(concatBytes(nodePrefix, left, right)), sums)
}

/** The root to publish of a tree of `n` leaves, from its topmost row. */
export function sumTreeRoot(n: number, top: Uint8Array): Uint8Array {
  return keccak256(concatBytes(rootPrefix, uintBytes(n, 4), top.subarray(32), top.subarray(0, 32)))
}

const nodePrefix = Uint8Array.of(1)
const rootPrefix = Uint8Array.of(4)

/** Adds vectors of u128; undefined on overflow. */
export function addSums(a: Uint8Array, b: Uint8Array): Uint8Array | undefined {
  const sums = new Uint8Array(a.length)
  for (let end = a.length; end > 0; end -= 16) {
    let carry = 0
    for (let i = end - 1; i >= end - 16; i--) {
      const digit = (a[i] ?? 0) + (b[i] ?? 0) + carry
      sums[i] = digit & 0xff
      carry = digit >> 8
    }
    if (carry > 0) return undefined
  }
  return sums
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  const parent = parentRow(left, right)
  if (parent === undefined) throw new FormatError('a sum of the tree does not fit u128')
  return parent
}
