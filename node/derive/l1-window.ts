import type { L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import { DeriveError } from './derive-error.ts'

/** The L1 blocks that may be origins of the next L2 blocks: from the safe head's epoch up to the pipeline's origin. */
export class L1Window {
  #blocks: L1BlockRef[] = []
  #origin: L1BlockRef | undefined

  get blocks(): readonly L1BlockRef[] {
    return this.#blocks
  }

  reset(base: L1BlockRef): void {
    this.#blocks = [base]
    this.#origin = base
  }

  copy(other: L1Window): void {
    this.#blocks = [...other.#blocks]
    this.#origin = other.#origin
  }

  /** Takes in the pipeline's origin and drops what lies before the parent's. */
  update(origin: L1BlockRef, parent: L2BlockRef): void {
    if (this.#origin === undefined || this.#origin.hash !== origin.hash) {
      this.#origin = origin
      // Behind the parent's origin nothing can be an origin of its children.
      if (origin.number < parent.l1Origin.number) this.#blocks = []
      else this.#blocks.push(origin)
    }
    while ((this.#blocks[0]?.number ?? parent.l1Origin.number) < parent.l1Origin.number) this.#blocks.shift()
  }

  /** The epoch has all its blocks. */
  nextEpoch(): void {
    this.#blocks.shift()
  }

  /** Throws {@link DeriveError} `reset` where the parent's origin is not where the window begins. */
  requireOrigin(parent: L2BlockRef): void {
    const [first] = this.#blocks
    if (first === undefined) return
    const isSame = first.number === parent.l1Origin.number && first.hash === parent.l1Origin.hash
    if (isSame || first.number === parent.l1Origin.number + 1n) return
    throw new DeriveError(
      'reset',
      `L1 origin ${parent.l1Origin.number} of the safe head does not meet the window at ${first.number}`,
    )
  }
}
