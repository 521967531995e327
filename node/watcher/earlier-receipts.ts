import type { ReceiptRef } from '../../attribution/epochs/batch-jobs.ts'
import { batchState } from '../../chain/ledger/batch-state.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { BatchSource } from './batch-source.ts'
import type { SettledRequests } from './settled-requests.ts'

/** A live receipt of the worker for this request in a batch before `batchId`; undefined where none is known. */
export async function earlierReceipt(
  {
    book,
    settled,
    source,
  }: { readonly book: LedgerBook; readonly settled: SettledRequests; readonly source: BatchSource },
  worker: Hex,
  requestId: Hex,
  batchId: bigint,
): Promise<ReceiptRef | undefined> {
  const rootOf = (id: bigint) => book.batch(id)?.header.receiptRoot
  for (const place of settled.before(requestId, batchId, rootOf)) {
    const state = batchState(book, place.batchId)
    const isLive = state !== undefined && !state.isVoid && !state.voided.includes(place.index)
    if (isLive && state.header.worker === worker) return { ...(await source.batchOf(state)), index: place.index }
  }
  return undefined
}
