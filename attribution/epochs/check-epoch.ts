import { bytesToHex, FormatError, type Hex } from '../../protocol/bytes.ts'
import type { EpochRecord } from '../../protocol/epoch-record.ts'
import { creditRow, payoutRow } from '../../protocol/payout-epoch.ts'
import { challenge, demandAll, right, type Verdict } from './challenge.ts'
import { checkCredits, checkServedCredits, creditKey } from './check-credits.ts'
import { checkPayouts, checkServedPayouts, type PayoutSources, payeeAt } from './check-payouts.ts'
import { DataError } from './data-error.ts'
import { decodeEpochFile, type EpochFile } from './epoch-file.ts'
import { EpochReceipts } from './epoch-receipts.ts'
import { creditBytes, creditTree, payoutBytes, payoutTree } from './epoch-rows.ts'
import type { EpochProgress } from './epoch-task.ts'
import { epochTrees, type Rows } from './epoch-trees.ts'
import { checkHiddenTree, type HiddenTree } from './hidden-tree.ts'
import type { EpochFacts } from './mature-batch.ts'
import { placeOf, servedCredit, servedPayout } from './opened-rows.ts'
import type { Padding, RowTree } from './row-tree.ts'
import { paddingOf, paddingSum, type ServedLeaf } from './served-leaves.ts'

/** What is known of a proposed epoch's leaves; it counts only as far as it opens the header's roots. */
export type EpochData = {
  /** The bytes found under the header's `dataHash`. */
  readonly file?: Uint8Array | undefined
  /** Leaves that the proposer showed when asked on chain. */
  readonly credits?: readonly ServedLeaf[]
  readonly payouts?: readonly ServedLeaf[]
}

/**
 * Judges an epoch that the ledger accepted: builds the canonical one from `facts` and compares; where it differs, finds in the
 * rows that are known what is provably wrong, or the leaf to ask for. Every answer brings a demanded leaf nearer: about
 * log₂ n of them find what a proposer hides, as many as there are leaves where it also left out rows of nothing. Throws
 * EpochError where the facts allow no epoch.
 */
export function checkEpoch(
  record: EpochRecord,
  data: EpochData,
  facts: EpochFacts,
  report: (progress: EpochProgress) => void = () => {},
): Verdict {
  const { header } = record
  const canonical = epochTrees(facts, report)
  if (isUnder(header.creditsRoot, canonical.credits) && isUnder(header.payoutRoot, canonical.payouts)) return right
  const published = data.file && decoded(data.file)
  const receipts = new EpochReceipts(facts.batches)
  const credits = known(header.creditsRoot, header.creditsCount, data.credits, creditTree, [
    canonical.credits.rows,
    published?.credits,
  ])
  if (credits.tree === undefined) {
    const tree = hiddenCredits(record, credits, canonical.credits.rows, receipts)
    // As many leaves as the canonical tree and another root: there is a difference to find.
    return checkHiddenTree(tree) ?? tree.ask(header.creditsCount - 1)
  }
  const wrongCredit = checkCredits(record, credits, receipts)
  if (wrongCredit !== undefined) return wrongCredit

  const { payouts: before } = facts.parent
  const parent = before.length > 0 ? { rows: before, tree: payoutTree(before) } : undefined
  const sources: PayoutSources = { credits, parent, canonical: canonical.payouts.rows }
  const payouts = known(header.payoutRoot, header.payoutCount, data.payouts, payoutTree, [
    canonical.payouts.rows,
    published?.payouts,
  ])
  if (payouts.tree === undefined) return checkHiddenTree(hiddenPayouts(record, payouts, sources)) ?? right
  return checkPayouts(record, payouts, sources) ?? right
}

type TreeOf = (rows: Uint8Array, padding?: Padding) => RowTree
/** Leaves that were shown, and all rows where they are known. */
type Known = Shown & (Rows | { readonly rows?: undefined; readonly tree?: undefined })
type Shown = { readonly count: number; readonly served: readonly ServedLeaf[]; readonly padding: Padding | undefined }

/** Finds the rows under a root among the candidates, with what the padding was seen to hold. */
function known(
  root: Hex,
  count: number,
  shown: readonly ServedLeaf[] = [],
  treeOf: TreeOf,
  candidates: readonly (Uint8Array | undefined)[],
): Known {
  const served = [...shown].sort((a, b) => a.index - b.index)
  const padding = paddingOf(count, served)
  if (padding !== undefined && paddingSum(padding) > 0n) return { count, served, padding }
  for (const rows of candidates) {
    const tree = rows && treeUnder(root, rows, treeOf, padding)
    if (rows !== undefined && tree !== undefined) return { count, served, padding, rows, tree }
  }
  return { count, served, padding }
}

/** Undefined also where the rows' sum is beyond u128: no root has such a tree. */
function treeUnder(root: Hex, rows: Uint8Array, treeOf: TreeOf, padding: Padding | undefined): RowTree | undefined {
  try {
    const tree = treeOf(rows, padding)
    return bytesToHex(tree.root) === root ? tree : undefined
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}

function hiddenCredits(record: EpochRecord, shown: Shown, canonical: Uint8Array, receipts: EpochReceipts): HiddenTree {
  return {
    ...shown,
    canonical: (padding) => creditTree(canonical, padding),
    rankOf: (row) => placeOf(canonical, creditBytes, creditKey(row, 0), 'before'),
    ask: (...indexes) => demandAll('requestCredit', record, indexes),
    badTotal: (last) => {
      const { credit, siblings } = servedCredit(last)
      return challenge('badCreditsTotal', record, hashOf(creditRow(credit.index, credit)), credit.amount, siblings)
    },
    fault: () => checkServedCredits(record, shown.served, receipts),
  }
}

function hiddenPayouts(record: EpochRecord, shown: Shown, sources: PayoutSources): HiddenTree {
  const rankOf = (row: Uint8Array) => placeOf(sources.canonical, payoutBytes, payeeAt(row, 0), 'before')
  return {
    ...shown,
    canonical: (padding) => payoutTree(sources.canonical, padding),
    rankOf,
    ask: (...indexes) => demandAll('requestPayout', record, indexes),
    badTotal: (last) => {
      const { payout, siblings } = servedPayout(last)
      return challenge('badPayoutsTotal', record, hashOf(payoutRow(payout.index, payout)), payout.cumulative, siblings)
    },
    fault: () => checkServedPayouts(record, shown.served, sources, rankOf),
  }
}

function isUnder(root: Hex, { tree }: Rows): boolean {
  return bytesToHex(tree.root) === root
}

function hashOf(row: Uint8Array): Hex {
  return bytesToHex(row.subarray(0, 32))
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
