import type { Hex } from '../../protocol/bytes.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import type { LedgerBook } from './ledger-book.ts'
import type { LedgerEvent } from './ledger-event.ts'

/** A request on chain that nobody settled, and can still be. */
export type OpenRequest = {
  readonly requestId: Hex
  readonly request: InferenceRequest
  /** Block that opened it. */
  readonly block: bigint
}

/** In the order in which they were opened. */
export function openRequests(book: LedgerBook): OpenRequest[] {
  return book.openRequests(book.head?.time ?? 0n).map(openRequestOf)
}

/** `unknown` may stand in a block that was not followed yet. */
export function requestState(book: LedgerBook, requestId: Hex): 'open' | 'closed' | 'unknown' {
  const [opened] = book.events('RequestOpened', { key: requestId })
  if (opened === undefined) return 'unknown'
  const isOver = openRequestOf(opened).request.deadline < (book.head?.time ?? 0n)
  const isClosed = (['RequestSettled', 'RequestRefunded'] as const).some(
    (name) => book.lastEvent(name, requestId) !== undefined,
  )
  return isOver || isClosed ? 'closed' : 'open'
}

function openRequestOf({ args, block }: LedgerEvent): OpenRequest {
  return { requestId: args['requestId'] as Hex, request: args['request'] as InferenceRequest, block }
}
