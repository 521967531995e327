import type { Hex } from '../../protocol/bytes.ts'
import type { LedgerBook } from './ledger-book.ts'

/** A leaf of a receipt's fingerprint that somebody asked for. */
export type FingerprintDemand = {
  readonly id: Hex
  /** Index of the receipt in its batch, and of the leaf. */
  readonly receipt: number
  readonly index: number
  /** Unix seconds; from then on there is no answer. */
  readonly dueAt: bigint
  readonly isServed: boolean
}

/** Demands for fingerprints of a batch's receipts, in the order they were made. */
export function fingerprintDemandsOf(book: LedgerBook, batchId: bigint): FingerprintDemand[] {
  return book.events('FingerprintRequested', { number: batchId }).map(({ args }) => {
    const { demandId: id, receipt, index, dueAt } = args as Omit<FingerprintDemand, 'id'> & { readonly demandId: Hex }
    return { id, receipt, index, dueAt, isServed: book.lastEvent('FingerprintServed', id) !== undefined }
  })
}
