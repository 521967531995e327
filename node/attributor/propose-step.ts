import type { BuiltEpoch } from '../../attribution/epochs/build-epoch.ts'
import { batchStates, lastMatureBatch } from '../../chain/ledger/batch-state.ts'
import { finalEpoch, parentState, proposedEpochs, standingEpoch } from '../../chain/ledger/epoch-state.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { MoneyCall } from '../../chain/ledger/money-contracts.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'

/** Credits that an epoch is meant to have at most: so many are built in half a minute and 2 GB. */
export const creditsAtOnce = 1_000_000n
/** Epochs that may stand unfinal, EpochLedger's limit. */
const unfinalMax = 255n
/** The attributor has the first part of a window after maturity. */
const priorityFraction = 48n
/** Place of the entries among a batch's sums. */
const entriesPlace = 3

/** An epoch that may be proposed now. */
export type Due = { readonly parent: bigint; readonly lastBatch: bigint }

/** Undefined where nothing is mature, the last epoch is too young, or too many stand unfinal. */
export function dueEpoch(book: LedgerBook, intervalSeconds: bigint): Due | undefined {
  const parent = proposedEpochs(book).at(-1)?.record.header.epoch ?? finalEpoch(book)
  if (parent - finalEpoch(book) >= unfinalMax) return undefined
  const last = parent === 0n ? undefined : standingEpoch(book, parent)?.record
  const now = book.head?.time ?? 0n
  if (last !== undefined && now < last.proposedAt + intervalSeconds) return undefined
  const taken = last?.header.lastBatch ?? 0n
  const lastBatch = epochEnd(book, taken + 1n)
  return lastBatch === undefined ? undefined : { parent, lastBatch }
}

/** The call that proposes what was built. `isLate`: by another than the configured attributor. Undefined: not yet allowed. */
export function proposal(
  book: LedgerBook,
  { header, credits, payouts }: BuiltEpoch,
  { isLate, window, bond }: { readonly isLate: boolean; readonly window: bigint; readonly bond: bigint },
): MoneyCall | undefined {
  const parent = parentState(book, header.epoch - 1n)
  if (parent === undefined) return undefined
  const args = [header, topHash(credits.top), topHash(payouts.top), parent]
  const call = { contract: 'AttributionLedger', value: bond } as const
  if (!isLate) return { ...call, functionName: 'proposeEpoch', args }
  const now = book.head?.time ?? 0n
  const old = batchStates(book, header.firstBatch, header.lastBatch).find(
    (batch) => batch.header.committedAt + window + window / priorityFraction <= now,
  )
  return old && { ...call, functionName: 'proposeLateEpoch', args: [...args, old.header] }
}

/** The last batch that an epoch from `first` on should take: one at which a maturing ended. */
function epochEnd(book: LedgerBook, first: bigint): bigint | undefined {
  let [entries, end]: [bigint, bigint | undefined] = [0n, undefined]
  for (const { header, isVoid } of batchStates(book, first, lastMatureBatch(book))) {
    if (!isVoid) entries += header.sums[entriesPlace] ?? 0n
    if (end !== undefined && entries > creditsAtOnce) return end
    if (book.endsMaturing(header.batchId)) end = header.batchId
  }
  return entries === 0n ? undefined : end
}

function topHash(row: Uint8Array): Hex {
  return bytesToHex(row.subarray(0, 32))
}
