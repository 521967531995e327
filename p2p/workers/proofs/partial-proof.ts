import { equalBytes, type Hex } from '../../../protocol/bytes.ts'
import { WorkersError } from '../workers-error.ts'
import { leafBytes, leafCount, leafHash, proofHashOf } from './proof-tree.ts'
import { bytesOfLeaf } from './proof-wire.ts'

/** A proof as far as it has come: each leaf is checked when it arrives, so the next holder goes on where the last one ended. */
export class PartialProof {
  readonly proofHash: Hex
  readonly size: number
  readonly bytes: Uint8Array
  #leaves: readonly Uint8Array[] | undefined
  #next = 0

  constructor(proofHash: Hex, size: number) {
    this.proofHash = proofHash
    this.size = size
    this.bytes = new Uint8Array(size)
  }

  get count(): number {
    return leafCount(this.size)
  }

  /** The leaf that is missing first. */
  get nextLeaf(): number {
    return this.#next
  }

  get hasLeaves(): boolean {
    return this.#leaves !== undefined
  }

  get isWhole(): boolean {
    return this.#next === this.count
  }

  /** Takes the list of leaf hashes. Throws WorkersError `lied` where it is not the proof's. */
  setLeaves(leaves: readonly Uint8Array[]): void {
    if (proofHashOf(this.size, leaves) !== this.proofHash) {
      throw new WorkersError('lied', `the leaves are not those of ${this.proofHash}`)
    }
    this.#leaves = leaves
  }

  /** Takes the next leaf. Throws WorkersError `lied` where its bytes are others. */
  append(bytes: Uint8Array): void {
    const index = this.#next
    const wanted = this.#leaves?.[index]
    const isRight = bytes.length === bytesOfLeaf(this.size, index) && wanted !== undefined
    if (!isRight || !equalBytes(leafHash(index, bytes), wanted)) {
      throw new WorkersError('lied', `leaf ${index} of ${this.proofHash} has other bytes`)
    }
    this.bytes.set(bytes, index * leafBytes)
    this.#next++
  }
}
