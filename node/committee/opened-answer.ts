import { decodeBatchFile, rowStarts } from '../../attribution/epochs/batch-file.ts'
import { batchReceipt } from '../../attribution/epochs/batch-rows.ts'
import { joined, OpenBatch, paymentHashOf } from '../../attribution/epochs/batch-trees.ts'
import type { OpenedReceipt } from '../../attribution/epochs/openings.ts'
import { type BatchState, batchState } from '../../chain/ledger/batch-state.ts'
import type { Content } from '../../chain/ledger/content.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import type { Segment } from '../../protocol/receipt-batch.ts'

/** A receipt as the contracts open it, with its batch's segments. */
export type OpenedAnswer = { readonly opened: OpenedReceipt; readonly segments: readonly Segment[] }

/** Undefined where the batch or its file is not here. Throws DataError for a file that is not the batch's. */
export async function openAnswer(
  book: LedgerBook,
  files: Pick<Content, 'get'>,
  { batchId, index }: { readonly batchId: bigint; readonly index: number },
  signal: AbortSignal,
): Promise<OpenedAnswer | undefined> {
  const state = batchState(book, batchId)
  const bytes = state && (await files.get(state.header.dataHash, signal))
  if (state === undefined || bytes === undefined) return undefined
  return openReceipt(state, bytes, index)
}

/** Of a batch by its file. Throws DataError for a file that is not the batch's. */
export function openReceipt(
  { header, segments }: Pick<BatchState, 'header' | 'segments'>,
  bytes: Uint8Array,
  index: number,
): OpenedAnswer {
  const file = decodeBatchFile(bytes)
  const { receipt, payment, sums } = batchReceipt(file, rowStarts(file.receipts), index)
  const batch = new OpenBatch(header, file)
  const siblings = joined(batch.tree.siblings(index))
  return {
    opened: { header, index, receipt, paymentHash: bytesToHex(paymentHashOf(payment)), sums, siblings },
    segments,
  }
}
