import type { Clock } from '../../common/clock.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { L1BlockRef } from '../../protocol/block-ref.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { L1HeadEvent } from '../l1/l1-heads.ts'

/** `bytes32(uint256(keccak256("systemconfig.unsafeblocksigner")) - 1)`. Spec: protocol/system-config.md, "unsafeBlockSigner". */
export const unsafeBlockSignerSlot: Hex = '0x65a7ed542fb37fe237fdfbdd70b31598523fe5b32879e307bae27a0bd9581c08'
/** At most that often L1 is asked: once a slot. */
export const readMs = 12_000
/** A signer that was replaced counts that long still: as old as a gossiped block may be. */
export const previousMs = 60_000

type Parts = {
  readonly l1: { readonly storageAt: (address: Hex, slot: Hex, blockHash: Hex) => Promise<Hex> }
  readonly l1Heads: {
    readonly latest: L1BlockRef | undefined
    readonly on: (listener: (event: L1HeadEvent) => void) => () => void
  }
  readonly clock: Clock
  readonly log: Log
}

/** Who may sign unsafe blocks: what the SystemConfig on L1 says, followed as its head moves. */
export class BlockSigner {
  readonly #systemConfig: Hex
  readonly #parts: Parts
  /** Address of this sequencer's key. */
  #own: Hex | undefined
  #current: Hex | undefined
  #previous: { readonly signer: Hex; readonly untilMs: number } | undefined
  #readMs = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined

  constructor(systemConfig: Hex, parts: Parts) {
    this.#systemConfig = systemConfig
    this.#parts = parts
  }

  /** Begins to follow L1; the way to stop it. `own` is the address of this node's key, where it has one. */
  follow(own?: Hex): () => void {
    this.#own = own
    const { l1Heads } = this.#parts
    const stop = l1Heads.on(({ kind, head }) => {
      if (kind === 'extended' || kind === 'reorg') this.#onHead(head)
    })
    if (l1Heads.latest !== undefined) this.#onHead(l1Heads.latest)
    return stop
  }

  /** Addresses whose blocks count now; none before L1 was read. */
  readonly accepted = (): readonly Hex[] => {
    const { nowMs } = this.#parts.clock
    const previous = this.#previous !== undefined && nowMs() < this.#previous.untilMs ? [this.#previous.signer] : []
    return this.#current === undefined ? previous : [this.#current, ...previous]
  }

  /** Resolves when a reading under way is over. */
  async settled(): Promise<void> {
    await this.#reading
  }

  #onHead(head: L1BlockRef): void {
    const now = this.#parts.clock.nowMs()
    if (this.#reading !== undefined || now - this.#readMs < readMs) return
    this.#readMs = now
    this.#reading = this.#read(head).finally(() => {
      this.#reading = undefined
    })
  }

  async #read(head: L1BlockRef): Promise<void> {
    const { l1, clock, log } = this.#parts
    try {
      const word = await l1.storageAt(this.#systemConfig, unsafeBlockSignerSlot, head.hash)
      const signer: Hex = `0x${word.slice(26)}`
      if (signer === this.#current) return
      if (this.#current !== undefined) {
        this.#previous = { signer: this.#current, untilMs: clock.nowMs() + previousMs }
      }
      // The zero address stands for "nobody yet": no signature can be its.
      this.#current = BigInt(signer) === 0n ? undefined : signer
      log.info('signer of unsafe blocks', { signer, l1: head.number })
      if (this.#own !== undefined && this.#own !== signer) {
        log.error('peers refuse the blocks of this sequencer: L1 names another signer', { own: this.#own, signer })
      }
    } catch (error) {
      this.#readMs = Number.NEGATIVE_INFINITY
      log.warn('the signer of unsafe blocks is not read', { error: errorMessage(error) })
    }
  }
}
