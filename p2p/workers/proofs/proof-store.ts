import type { Hex } from '../../../protocol/bytes.ts'
import { proofBytesMax } from '../wire/canonical.ts'
import { WorkersError } from '../workers-error.ts'
import { leafBytes, leafCount, leafHash, proofHashOf } from './proof-tree.ts'

/** A proof that can be served. */
export type ServedProof = {
  readonly size: number
  readonly leaves: readonly Uint8Array[]
  readonly leaf: (index: number) => Uint8Array
}

/** Leaves hashed before other work gets its turn: some ms. */
const leavesPerTurn = 32

/** Proofs in memory, up to so many bytes: the oldest goes first. Traces are regenerated rather than kept. */
export class ProofStore {
  readonly #bytesMax: number
  readonly #proofs = new Map<Hex, ServedProof>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Resolves to the name. Throws WorkersError `too-large`. */
  async put(bytes: Uint8Array): Promise<Hex> {
    const { length: size } = bytes
    if (size === 0 || size > Math.min(proofBytesMax, this.#bytesMax)) {
      throw new WorkersError('too-large', `a proof of ${size} bytes; the limit is ${proofBytesMax}`)
    }
    const leaf = (index: number) => bytes.subarray(index * leafBytes, (index + 1) * leafBytes)
    const leaves: Uint8Array[] = []
    for (let i = 0; i < leafCount(size); i++) {
      leaves.push(leafHash(i, leaf(i)))
      if (i % leavesPerTurn === leavesPerTurn - 1) await new Promise((resolve) => setImmediate(resolve))
    }
    const hash = proofHashOf(size, leaves)
    if (!this.#proofs.has(hash)) this.#add(hash, { size, leaves, leaf })
    return hash
  }

  get(hash: Hex): ServedProof | undefined {
    return this.#proofs.get(hash)
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes
  }

  #add(hash: Hex, proof: ServedProof): void {
    this.#proofs.set(hash, proof)
    this.#bytes += proof.size
    for (const [oldest, { size }] of this.#proofs) {
      if (this.#bytes <= this.#bytesMax) return
      this.#proofs.delete(oldest)
      this.#bytes -= size
    }
  }
}
