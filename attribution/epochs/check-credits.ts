import { bytesToHex } from '../../protocol/bytes.ts'
import type { EpochRecord } from '../../protocol/epoch-record.ts'
import { challenge, type Verdict } from './challenge.ts'
import { type EpochReceipts, entryCredit } from './epoch-receipts.ts'
import { compareKeys, creditAt, creditBytes } from './epoch-rows.ts'
import type { Rows } from './epoch-trees.ts'
import { openCredit, servedCredit } from './opened-rows.ts'
import type { OpenedCredit } from './openings.ts'
import type { ServedLeaf } from './served-leaves.ts'

/** Bytes of a credit that order it: payee, receipt, entry. */
export const creditKeyBytes = 28

/** The first credit that is out of order, or that is not its entry's. */
export function checkCredits(record: EpochRecord, credits: Rows, receipts: EpochReceipts): Verdict | undefined {
  const { rows, tree } = credits
  for (let k = 0; k < tree.count; k++) {
    if (k > 0 && compareKeys(creditKey(rows, k - 1), creditKey(rows, k)) >= 0) {
      return challenge('creditsUnsorted', record, openCredit(credits, k - 1), openCredit(credits, k))
    }
    const wrong = wrongCredit(record, rows, k, receipts, () => openCredit(credits, k))
    if (wrong !== undefined) return wrong
  }
  return undefined
}

/** The same of credits that were shown one by one, by their number ascending. */
export function checkServedCredits(
  record: EpochRecord,
  served: readonly ServedLeaf[],
  receipts: EpochReceipts,
): Verdict | undefined {
  for (const [i, leaf] of served.entries()) {
    const before = served[i - 1]
    if (before?.index === leaf.index - 1 && compareKeys(creditKey(before.row, 0), creditKey(leaf.row, 0)) >= 0) {
      return challenge('creditsUnsorted', record, servedCredit(before), servedCredit(leaf))
    }
    const wrong = wrongCredit(record, leaf.row, 0, receipts, () => servedCredit(leaf))
    if (wrong !== undefined) return wrong
  }
  return undefined
}

export function creditKey(rows: Uint8Array, k: number): Uint8Array {
  return rows.subarray(k * creditBytes, k * creditBytes + creditKeyBytes)
}

/** What is wrong with row `k` by itself. */
function wrongCredit(
  record: EpochRecord,
  rows: Uint8Array,
  k: number,
  receipts: EpochReceipts,
  open: () => OpenedCredit,
): Verdict | undefined {
  const { payee, receipt, entry, amount } = creditAt(rows, k)
  const place = receipts.at(receipt)
  if (place === undefined) return challenge('badCreditReceipt', record, open())
  const { known, index, isVoid } = place
  if (isVoid) return challenge('badVoidCredit', record, open(), known.header.batchId)
  const earned = entryCredit(place, entry)
  if (earned === undefined) return challenge('badCreditEntry', record, open(), known.openReceipt(index))
  if (amount === earned.amount && payee === bytesToHex(earned.payee)) return undefined
  return challenge('badAmount', record, open(), known.openReceipt(index), known.openEntry(index, entry))
}
