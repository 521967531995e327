import type { Log } from '../../common/log.ts'
import { decodeBlob } from '../../protocol/blob-codec.ts'
import type { L1BlockRef } from '../../protocol/block-ref.ts'
import { FormatError, type Hex } from '../../protocol/bytes.ts'
import { isActive } from '../../protocol/hardforks.ts'
import type { IndexedBlobHash, L1Transaction } from '../../protocol/l1-block.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { SystemConfig } from '../../protocol/system-config.ts'
import type { DeriveCounters } from './counters.ts'
import { DeriveError, reading } from './derive-error.ts'
import { end, item, type Pull } from './pull.ts'
import type { L1Chain } from './sources.ts'

/** Types of L1 transactions that may carry batcher data. Spec: protocol/derivation.md, "Batcher transactions". */
const dataTxTypes: readonly number[] = [0, 1, 2, 3, 0x7e]
const blobTxType = 3

type Previous = {
  readonly origin: L1BlockRef
  readonly systemConfig: SystemConfig
  nextL1Block(): L1BlockRef | undefined
}

/** Batcher data of an L1 block, item by item. Spec: protocol/derivation.md, "L1 Retrieval"; ecotone/derivation.md, "Blob retrieval". */
export class L1Retrieval {
  readonly #config: RollupConfig
  readonly #previous: Previous
  readonly #parts: {
    readonly l1: Pick<L1Chain, 'transactions' | 'blobs'>
    readonly log: Log
    readonly counters: DeriveCounters
  }
  #pending: L1BlockRef | undefined
  #data: Uint8Array[] = []

  constructor(
    config: RollupConfig,
    previous: Previous,
    parts: {
      readonly l1: Pick<L1Chain, 'transactions' | 'blobs'>
      readonly log: Log
      readonly counters: DeriveCounters
    },
  ) {
    this.#config = config
    this.#previous = previous
    this.#parts = parts
  }

  get origin(): L1BlockRef {
    return this.#previous.origin
  }

  async nextData(): Promise<Pull<Uint8Array>> {
    // The block stays pending until its data was read: a failed read is repeated, never skipped.
    this.#pending ??= this.#previous.nextL1Block()
    if (this.#pending !== undefined) {
      this.#data = await this.#read(this.#pending)
      this.#pending = undefined
    }
    const data = this.#data.shift()
    return data === undefined ? end : item(data)
  }

  async #read(block: L1BlockRef): Promise<Uint8Array[]> {
    const { l1, log } = this.#parts
    const batcher = this.#previous.systemConfig.batcherAddr
    const txs = await reading(`transactions of L1 block ${block.number}`, () => l1.transactions(block.hash))
    if (!isActive(this.#config.forkTimes, 'ecotone', block.timestamp)) {
      return txs.filter((tx) => this.#isBatcherTx(tx, batcher)).map((tx) => tx.data)
    }
    const { slots, blobHashes } = this.#dataSlots(txs, batcher)
    if (blobHashes.length === 0) return slots.filter((slot) => slot !== 'blob')
    const blobs = await reading(`blobs of L1 block ${block.number}`, () => l1.blobs(block, blobHashes))
    // A blob that is not there must be waited for; taken for an empty one it would fork the chain.
    if (blobs.length !== blobHashes.length) {
      const counts = `${blobs.length} of ${blobHashes.length}`
      throw new DeriveError('temporary', `${counts} blobs of L1 block ${block.number} were read`)
    }
    let next = 0
    return slots.flatMap((slot) => {
      if (slot !== 'blob') return [slot]
      const blob = blobs[next++]
      try {
        return [decodeBlob(blob ?? new Uint8Array(0))]
      } catch (error) {
        if (!(error instanceof FormatError)) throw error
        this.#parts.counters.count('blob')
        log.warn('blob dropped', { l1Block: block.number, error })
        return []
      }
    })
  }

  /** Calldata in place, a marker for each blob, and which blobs to fetch. A blob's index counts all blobs of the block. */
  #dataSlots(
    txs: readonly L1Transaction[],
    batcher: Hex,
  ): { slots: (Uint8Array | 'blob')[]; blobHashes: IndexedBlobHash[] } {
    const slots: (Uint8Array | 'blob')[] = []
    const blobHashes: IndexedBlobHash[] = []
    let blobIndex = 0
    for (const tx of txs) {
      if (this.#isBatcherTx(tx, batcher)) {
        if (tx.type !== blobTxType) slots.push(tx.data)
        else if (tx.data.length > 0)
          this.#parts.log.warn('calldata of a blob transaction ignored', { transaction: tx.hash })
        for (const [i, hash] of tx.blobVersionedHashes.entries()) {
          blobHashes.push({ index: blobIndex + i, hash })
          slots.push('blob')
        }
      }
      blobIndex += tx.blobVersionedHashes.length
    }
    return { slots, blobHashes }
  }

  #isBatcherTx(tx: L1Transaction, batcher: Hex): boolean {
    if (tx.to !== this.#config.batchInboxAddress || !dataTxTypes.includes(tx.type)) return false
    try {
      return tx.sender() === batcher
    } catch (error) {
      if (error instanceof FormatError) return false
      throw error
    }
  }
}
