import type { L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import { DriverError } from './driver-error.ts'

/** L1 blocks remembered with the L2 they made safe: four epochs, twice what L1 takes to finalize, and the current block. */
const lookback = 4 * 32 + 1
/** When derivation is idle, finality is tried again after that many L1 blocks. */
const retryAfterL1Blocks = 64n

type Entry = { readonly l1: L1BlockRef; readonly l2: L2BlockRef }

/**
 * Finds the L2 block that a finalized L1 block makes final: the last one derived from L1 blocks up to it.
 * Spec: protocol/derivation.md, "Finalization"; op-node's finalizer.
 */
export class Finality {
  #entries: Entry[] = []
  #finalizedL1: L1BlockRef | undefined
  #triedAt: bigint | undefined
  #isDue = false

  get finalizedL1(): L1BlockRef | undefined {
    return this.#finalizedL1
  }

  /** A new finalized L1 block; an older one than known is ignored. */
  onFinalizedL1(block: L1BlockRef): void {
    if (this.#finalizedL1 !== undefined && block.number < this.#finalizedL1.number) return
    this.#finalizedL1 = block
    this.#isDue = true
  }

  /** `l2` became safe with the data of `l1`. */
  onSafe(l2: L2BlockRef, l1: L1BlockRef): void {
    const last = this.#entries.at(-1)
    if (last === undefined || last.l1.number < l1.number) {
      this.#entries.push({ l1, l2 })
      if (this.#entries.length > lookback) this.#entries.shift()
    } else if (last.l1.hash === l1.hash) {
      this.#entries[this.#entries.length - 1] = { l1, l2 }
    }
  }

  onIdle(origin: L1BlockRef): void {
    if (this.#finalizedL1 === undefined) return
    if (this.#triedAt === undefined || origin.number >= this.#triedAt + retryAfterL1Blocks) {
      this.#triedAt = origin.number
      this.#isDue = true
    }
  }

  reset(): void {
    this.#entries = []
    this.#triedAt = undefined
    this.#isDue = false
  }

  /** The L2 block to finalize now, if any. Throws DriverError `reset` where L1's chain is not the one derived from. */
  async due(
    finalized: L2BlockRef,
    l1: { readonly blockRefByNumber: (number: bigint) => Promise<L1BlockRef | undefined> },
  ): Promise<L2BlockRef | undefined> {
    const signal = this.#finalizedL1
    if (!this.#isDue || signal === undefined) return undefined
    const entry = this.#entries.findLast(({ l1 }) => l1.number <= signal.number)
    if (entry !== undefined && entry.l2.number > finalized.number) {
      await requireCanonical(signal, l1)
      await requireCanonical(entry.l1, l1)
    }
    this.#isDue = false
    return entry !== undefined && entry.l2.number > finalized.number ? entry.l2 : undefined
  }
}

async function requireCanonical(
  block: L1BlockRef,
  l1: { readonly blockRefByNumber: (number: bigint) => Promise<L1BlockRef | undefined> },
): Promise<void> {
  const canonical = await l1.blockRefByNumber(block.number)
  if (canonical === undefined) throw new DriverError('temporary', `L1 block ${block.number} is not visible`)
  if (canonical.hash !== block.hash) {
    throw new DriverError('reset', `L1 block ${block.number} was ${block.hash}, now it is ${canonical.hash}`)
  }
}
