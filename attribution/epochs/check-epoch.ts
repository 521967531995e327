import { bytesToHex, equalBytes, FormatError, type Hex } from '../../protocol/bytes.ts'
import type { EpochRecord } from '../../protocol/epoch-record.ts'
import type { EpochHeader } from '../../protocol/payout-epoch.ts'
import { challenge, demand, right, type Verdict } from './challenge.ts'
import { DataError } from './data-error.ts'
import { decodeEpochFile, type EpochFile } from './epoch-file.ts'
import { EpochReceipts, entryCredit } from './epoch-receipts.ts'
import {
  compareKeys,
  creditAt,
  creditBytes,
  creditTree,
  payeeBytes,
  payoutAt,
  payoutBytes,
  payoutTree,
} from './epoch-rows.ts'
import type { EpochParent, EpochProgress } from './epoch-task.ts'
import { type EpochTrees, epochTrees, type Rows } from './epoch-trees.ts'
import type { EpochFacts } from './mature-batch.ts'
import { creditCut, openCredit, openPayout, payoutCut } from './opened-rows.ts'
import type { RowTree } from './row-tree.ts'

/** Bytes of a credit that order it: payee, receipt, entry. */
const creditKeyBytes = 28

/**
 * Judges an epoch that the ledger accepted. Builds the canonical one from `facts` and compares; where it differs, finds in the
 * published rows what is provably wrong. `file`: the bytes found under the header's `dataHash`, if any; they count only as
 * far as they open the header's roots. Throws EpochError where the facts allow no epoch.
 */
export function checkEpoch(
  record: EpochRecord,
  file: Uint8Array | undefined,
  facts: EpochFacts,
  report: (progress: EpochProgress) => void = () => {},
): Verdict {
  const { header } = record
  const canonical = epochTrees(facts, report)
  if (isUnder(header.creditsRoot, canonical.credits) && isUnder(header.payoutRoot, canonical.payouts)) return right
  const { credits, payouts } = knownRows(header, file, canonical)
  if (credits === undefined) return demand('requestCredit', record, header.creditsCount - 1)
  const wrongCredit = creditFault(record, credits, new EpochReceipts(facts.batches))
  if (wrongCredit !== undefined) return wrongCredit
  if (payouts === undefined) return demand('requestPayout', record, header.payoutCount - 1)
  return payoutFault(record, credits, payouts, facts.parent) ?? right
}

/** The rows under each root of the header, where they are known: the canonical ones, or published. */
function knownRows(header: EpochHeader, file: Uint8Array | undefined, canonical: EpochTrees): Partial<EpochTrees> {
  const published = file && decoded(file)
  const under = (root: Hex, known: Rows, rows: Uint8Array | undefined, treeOf: (rows: Uint8Array) => RowTree) =>
    [known, withTree(rows, treeOf)].find((candidate) => candidate && isUnder(root, candidate))
  const credits = under(header.creditsRoot, canonical.credits, published?.credits, creditTree)
  const payouts = under(header.payoutRoot, canonical.payouts, published?.payouts, payoutTree)
  return { ...(credits && { credits }), ...(payouts && { payouts }) }
}

function isUnder(root: Hex, { tree }: Rows): boolean {
  return bytesToHex(tree.root) === root
}

/** Undefined for bytes that are no epoch file. */
function decoded(file: Uint8Array): EpochFile | undefined {
  try {
    return decodeEpochFile(file)
  } catch (error) {
    if (error instanceof DataError) return undefined
    throw error
  }
}

/** Undefined where the rows' sum is beyond u128: no root has such a tree. */
function withTree(rows: Uint8Array | undefined, treeOf: (rows: Uint8Array) => RowTree): Rows | undefined {
  try {
    return rows && { rows, tree: treeOf(rows) }
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}

/** The first credit that is out of order, or that is not its entry's. */
function creditFault(record: EpochRecord, credits: Rows, receipts: EpochReceipts): Verdict | undefined {
  const { rows, tree } = credits
  for (let k = 0; k < tree.count; k++) {
    const at = k * creditBytes
    if (k > 0 && compareKeys(key(rows, at - creditBytes, creditKeyBytes), key(rows, at, creditKeyBytes)) >= 0) {
      return challenge('creditsUnsorted', record, openCredit(credits, k - 1), openCredit(credits, k))
    }
    const { payee, receipt, entry, amount } = creditAt(rows, k)
    const place = receipts.at(receipt)
    if (place === undefined) return challenge('badCreditReceipt', record, openCredit(credits, k))
    const { batch, index } = place
    if (place.isVoid) return challenge('badVoidCredit', record, openCredit(credits, k), batch.header.batchId)
    const earned = entryCredit(place, entry)
    if (earned === undefined) {
      return challenge('badCreditEntry', record, openCredit(credits, k), batch.openReceipt(index))
    }
    if (amount !== earned.amount || payee !== bytesToHex(earned.payee)) {
      const evidence = [openCredit(credits, k), batch.openReceipt(index), batch.openEntry(index, entry)]
      return challenge('badAmount', record, ...evidence)
    }
  }
  return undefined
}

/** The first payout that is out of order, or not the parent's plus the payee's credits, which are right. */
function payoutFault(record: EpochRecord, credits: Rows, payouts: Rows, parent: EpochParent): Verdict | undefined {
  const former = parent.payouts.length > 0 ? { rows: parent.payouts, tree: payoutTree(parent.payouts) } : undefined
  let [p, c] = [0, 0]
  for (let k = 0; k < payouts.tree.count; k++) {
    const at = k * payoutBytes
    const payee = key(payouts.rows, at, payeeBytes)
    if (k > 0 && compareKeys(key(payouts.rows, at - payoutBytes, payeeBytes), payee) >= 0) {
      return challenge('payoutUnsorted', record, openPayout(payouts, k - 1), openPayout(payouts, k))
    }
    // Both stand at the first row whose payee is not below this one.
    while (p < parent.payouts.length && compareKeys(key(parent.payouts, p, payeeBytes), payee) < 0) p += payoutBytes
    while (c < credits.rows.length && compareKeys(key(credits.rows, c, payeeBytes), payee) < 0) c += creditBytes
    const wasPaid = p < parent.payouts.length && equalBytes(key(parent.payouts, p, payeeBytes), payee)
    let cumulative = wasPaid ? payoutAt(parent.payouts, p / payoutBytes).cumulative : 0n
    let listed = wasPaid
    for (; c < credits.rows.length && equalBytes(key(credits.rows, c, payeeBytes), payee); c += creditBytes) {
      cumulative += creditAt(credits.rows, c / creditBytes).amount
      listed = true
    }
    if (!listed || cumulative !== payoutAt(payouts.rows, k).cumulative) {
      const cuts = [creditCut(credits, payee, 'before'), creditCut(credits, payee, 'behind')]
      return challenge('badCumulative', record, openPayout(payouts, k), payoutCut(former, payee), ...cuts)
    }
  }
  return undefined
}

function key(rows: Uint8Array, at: number, bytes: number): Uint8Array {
  return rows.subarray(at, at + bytes)
}
