import { type BatchState, batchState, lastMatureBatch } from '../../chain/ledger/batch-state.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { MoneyCall } from '../../chain/ledger/money-contracts.ts'

/** Batches of one `matureBatches`: about 80,000 gas each. */
export const maturedAtOnceMax = 64

type Parts = {
  readonly book: LedgerBook
  /** W in seconds. */
  readonly window: bigint
  /** Whether the batch's data is here: one that nobody could pay out is not made mature. */
  readonly isHere: (batch: BatchState) => Promise<boolean>
}

/** The next batches whose window is over, in order; none where the next one has to wait. */
export async function maturing({ book, window, isHere }: Parts): Promise<MoneyCall | undefined> {
  const now = book.head?.time ?? 0n
  const ready: BatchState[] = []
  for (let id = lastMatureBatch(book) + 1n; ready.length < maturedAtOnceMax; id++) {
    const batch = batchState(book, id)
    if (batch === undefined || !(batch.isVoid || (isOver(batch, window, now) && (await isHere(batch))))) break
    ready.push(batch)
  }
  if (ready.length === 0) return undefined
  return { contract: 'InferenceMarket', functionName: 'matureBatches', args: [ready.map(({ header }) => header)] }
}

function isOver({ header, holds }: BatchState, window: bigint, now: bigint): boolean {
  return header.committedAt + window <= now && holds === 0
}
