import type { CommittedBatch } from './committed-batch.ts'
import type { LedgerBook } from './ledger-book.ts'

/** Where a batch stands. */
export type BatchState = CommittedBatch & {
  readonly isMature: boolean
  /** Voided whole, before it was mature or when it became so. */
  readonly isVoid: boolean
  /** Numbers of receipts that were voided one by one, ascending. */
  readonly voided: readonly number[]
  /** Open data requests. */
  readonly holds: number
}

/** Undefined where no batch of that id was followed yet. */
export function batchState(book: LedgerBook, id: bigint): BatchState | undefined {
  const batch = book.batch(id)
  if (batch === undefined) return undefined
  const about = { number: id }
  const voided = book.events('ReceiptVoided', about).map(({ args }) => Number(args['index']))
  return {
    ...batch,
    isMature: book.events('BatchMatured', about).length > 0,
    isVoid: book.events('BatchVoided', about).length > 0,
    voided: voided.toSorted((a, b) => a - b),
    holds: Number(book.events('BatchHeld', about).at(-1)?.args['holds'] ?? 0),
  }
}

/** Batches `first` to `last` in order, as far as they were followed. */
export function batchStates(book: LedgerBook, first: bigint, last: bigint): BatchState[] {
  const states: BatchState[] = []
  for (let id = first; id <= last; id++) {
    const state = batchState(book, id)
    if (state === undefined) break
    states.push(state)
  }
  return states
}

/** Batches mature in order of id; at the last one a `matureBatches` ended, so that an epoch may go up to it. */
export function lastMatureBatch(book: LedgerBook): bigint {
  return book.highest('BatchMatured')
}
