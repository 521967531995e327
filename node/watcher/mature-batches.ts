import { decodeBatchFile } from '../../attribution/epochs/batch-file.ts'
import type { BatchThread } from '../../attribution/epochs/batch-thread.ts'
import type { MatureBatch } from '../../attribution/epochs/mature-batch.ts'
import { type BatchState, batchStates } from '../../chain/ledger/batch-state.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import { LruCache } from '../../common/lru-cache.ts'
import type { BatchSource } from './batch-source.ts'

/** Batches whose reading is remembered. */
const readMax = 100_000

/** Mature batches with what epochs are built from, as far as their files hold it. */
export class MatureBatches {
  readonly #book: LedgerBook
  readonly #source: BatchSource
  readonly #thread: BatchThread
  /** Batches whose files were read whole, by root. */
  readonly #whole = new LruCache<string, true>(readMax)

  constructor(book: LedgerBook, source: BatchSource, thread: BatchThread) {
    this.#book = book
    this.#source = source
    this.#thread = thread
  }

  /** Live batches `first` to `last`; the number of the first one whose file nobody has whole. */
  async between(first: bigint, last: bigint): Promise<readonly MatureBatch[] | bigint> {
    const states = batchStates(this.#book, first, last)
    if (BigInt(states.length) !== last - first + 1n) return first + BigInt(states.length)
    const batches: MatureBatch[] = []
    for (const state of states) {
      if (state.isVoid) continue
      const batch = await this.#read(state)
      if (batch === undefined) return state.header.batchId
      batches.push(batch)
    }
    return batches
  }

  async #read(state: BatchState): Promise<MatureBatch | undefined> {
    const { header, voided } = state
    const batch = await this.#source.batchOf(state)
    const { file, receipts = [], entries = [] } = batch.data
    if (file === undefined) return undefined
    const key = `${header.batchId} ${header.receiptRoot} ${voided.length}`
    if (this.#whole.get(key) === undefined) {
      if (!(await this.#thread.read(batch)).isWhole) return undefined
      this.#whole.set(key, true)
    }
    return { batchId: header.batchId, header, file: decodeBatchFile(file), voided, shown: { receipts, entries } }
  }
}
