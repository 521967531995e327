import type { Hex } from '../../protocol/bytes.ts'
import type { LedgerBook } from './ledger-book.ts'
import type { LedgerEvent } from './ledger-event.ts'
import { decodeCall } from './money-contracts.ts'

/** A part of a receipt's trace that somebody asked for: what stands below a node of tree 0, linear, or 1, derived. */
export type TraceDemand = {
  readonly id: Hex
  readonly batchId: bigint
  /** Index of the receipt in its batch. */
  readonly receipt: number
  readonly tree: number
  readonly depth: number
  readonly index: number
  readonly requester: Hex
  /** Unix seconds; from then on there is no answer. */
  readonly dueAt: bigint
  /** The call that answered. */
  readonly answer?: { readonly functionName: string; readonly args: readonly unknown[] }
}

/** Demands for parts of the traces of a batch's receipts, in the order they were made. */
export function traceDemandsOf(book: LedgerBook, batchId: bigint): TraceDemand[] {
  return book.events('TraceRequested', { number: batchId }).map((event) => demandOf(book, event))
}

function demandOf(book: LedgerBook, { args }: LedgerEvent): TraceDemand {
  const { demandId: id, ...asked } = args as Omit<TraceDemand, 'id' | 'answer'> & { readonly demandId: Hex }
  const { batchId, receipt, tree, depth, index, requester, dueAt } = asked
  const demand = { id, batchId, receipt, tree, depth, index, requester, dueAt }
  const served = book.lastEvent('TraceServed', id)
  return served === undefined ? demand : { ...demand, answer: decodeCall('TraceDemands', served.args['answer'] as Hex) }
}
