import { bytesToHex, concatBytes, type Hex } from '../../protocol/bytes.ts'
import { SumTree, sumTreeRoot } from '../../protocol/sum-tree.ts'

/** A sum tree with what proofs need of it; one that is wrong may hide rows in its padding. */
export class ProvenTree {
  readonly root: Hex
  readonly topHash: Hex
  readonly sums: readonly bigint[]
  readonly count: number
  readonly #rows: readonly Uint8Array[]
  readonly #tree: SumTree

  constructor(rows: readonly Uint8Array[], hidden: readonly Uint8Array[] = []) {
    if (hidden.length > 0 && rows.length + hidden.length > 2 ** Math.ceil(Math.log2(rows.length))) {
      throw new Error(`no padding for ${hidden.length} behind ${rows.length}`)
    }
    this.count = rows.length
    this.#rows = rows
    this.#tree = new SumTree([...rows, ...hidden])
    this.topHash = bytesToHex(this.#tree.topHash)
    this.sums = sumsIn(this.#tree.totals)
    this.root = bytesToHex(sumTreeRoot(rows.length, concatBytes(this.#tree.topHash, this.#tree.totals)))
  }

  siblings(index: number): Hex {
    return bytesToHex(concatBytes(...this.#tree.siblings(index)))
  }

  /** `{hash, sums}` of a leaf. */
  row(index: number) {
    const row = at(this.#rows, index)
    return { hash: bytesToHex(row.subarray(0, 32)), sums: sumsIn(row.subarray(32)) }
  }
}

export function at<T>(list: readonly T[], index: number): T {
  const found = list[index]
  if (found === undefined) throw new Error(`no element ${index} of ${list.length}`)
  return found
}

function sumsIn(packed: Uint8Array): bigint[] {
  return Array.from({ length: packed.length / 16 }, (_, i) => BigInt(bytesToHex(packed.subarray(16 * i, 16 * (i + 1)))))
}
