import { decodeBatchFile, rowStarts } from '../../attribution/epochs/batch-file.ts'
import { type BatchReceipt, batchReceipt } from '../../attribution/epochs/batch-rows.ts'
import { DataError } from '../../attribution/epochs/data-error.ts'
import { batchState } from '../../chain/ledger/batch-state.ts'
import type { Content } from '../../chain/ledger/content.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { requestIdOf } from '../../protocol/inference-request.ts'

/** An answer that its worker committed to be paid for. */
export type SettledAnswer = BatchReceipt & {
  readonly batchId: bigint
  readonly index: number
  /** Unix seconds. */
  readonly committedAt: bigint
  /** Of its commit. */
  readonly l2Block: bigint
}

/** Batches whose file nobody has are looked for again at each look, so many at a time. */
const batchesPerLook = 16

/** The answers in the files of batches that can still be disputed, by worker and request. */
export class SettledAnswers {
  readonly #book: LedgerBook
  readonly #files: Pick<Content, 'get'>
  readonly #answers = new Map<string, SettledAnswer>()
  readonly #read = new Set<bigint>()
  /** The batch that was looked for last: the next look goes on behind it, so that no missing files keep others from being read. */
  #lastLooked = 0n

  constructor(book: LedgerBook, files: Pick<Content, 'get'>) {
    this.#book = book
    this.#files = files
  }

  get(worker: Hex, requestId: Hex): SettledAnswer | undefined {
    return this.#answers.get(key(worker, requestId))
  }

  all(): SettledAnswer[] {
    return [...this.#answers.values()]
  }

  /** Reads the files of batches that came, and forgets those that are over. */
  async look(signal: AbortSignal): Promise<void> {
    const last = this.#book.highest('BatchCommitted')
    for (const [name, { batchId }] of this.#answers) if (!this.#isOpen(batchId)) this.#answers.delete(name)
    for (const id of this.#read) if (!this.#isOpen(id)) this.#read.delete(id)
    const unread: bigint[] = []
    for (let id = this.#book.highest('BatchMatured') + 1n; id <= last; id++) {
      if (!this.#read.has(id) && this.#isOpen(id)) unread.push(id)
    }
    const behind = unread.filter((id) => id > this.#lastLooked)
    const before = unread.filter((id) => id <= this.#lastLooked)
    for (const id of [...behind, ...before].slice(0, batchesPerLook)) {
      if (signal.aborted) return
      this.#lastLooked = id
      await this.#readBatch(id, signal)
    }
  }

  async #readBatch(id: bigint, signal: AbortSignal): Promise<void> {
    const batch = this.#book.batch(id)
    const file = batch === undefined ? undefined : await this.#files.get(batch.header.dataHash, signal)
    if (batch === undefined || file === undefined) return
    this.#read.add(id)
    for (const [index, answer] of receiptsOf(file).entries()) {
      // The file may say anything: a request counts where its hash is the receipt's id, which the payer signed.
      const { requestId, worker } = answer.receipt
      const isOwn = worker === batch.header.worker && requestIdOf(answer.request) === requestId
      const { committedAt, l2Block } = batch.header
      if (isOwn) this.#answers.set(key(worker, requestId), { ...answer, batchId: id, index, committedAt, l2Block })
    }
  }

  #isOpen(id: bigint): boolean {
    const state = batchState(this.#book, id)
    return state !== undefined && !state.isMature && !state.isVoid
  }
}

const key = (worker: Hex, requestId: Hex): string => `${worker}/${requestId}`

/** None of a file that is no batch: then its leaves are demanded on chain, which is the watcher's. */
function receiptsOf(bytes: Uint8Array): BatchReceipt[] {
  try {
    const file = decodeBatchFile(bytes)
    const starts = rowStarts(file.receipts)
    return Array.from({ length: starts.tokens.length - 1 }, (_, i) => batchReceipt(file, starts, i))
  } catch (error) {
    if (error instanceof DataError) return []
    throw error
  }
}
