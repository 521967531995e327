import { decodeBatchFile, rowStarts } from '../../attribution/epochs/batch-file.ts'
import { entryTree, OpenBatch } from '../../attribution/epochs/batch-trees.ts'
import { DataError } from '../../attribution/epochs/data-error.ts'
import { decodeEpochFile } from '../../attribution/epochs/epoch-file.ts'
import {
  compareKeys,
  creditBytes,
  creditTree,
  payeeBytes,
  payoutBytes,
  payoutTree,
} from '../../attribution/epochs/epoch-rows.ts'
import { bytesToHex, FormatError, type Hex } from '../../protocol/bytes.ts'
import type { BatchHeader } from '../../protocol/receipt-batch.ts'

/** What the chain says of a data file: a file that opens anything else counts for nothing. docs/MONEY.md §8. */
export type FileRoots =
  | { readonly kind: 'batch'; readonly receiptRoot: Hex }
  | {
      readonly kind: 'epoch'
      readonly epoch: bigint
      readonly parentRoot: Hex
      readonly firstBatch: bigint
      readonly lastBatch: bigint
      readonly creditsRoot: Hex
      readonly payoutRoot: Hex
    }

/** Why a file does not open its roots; undefined where it does. Seconds of work for a million rows. */
export function rootsProblem(bytes: Uint8Array, roots: FileRoots): string | undefined {
  try {
    return roots.kind === 'batch' ? batchProblem(bytes, roots) : epochProblem(bytes, roots)
  } catch (error) {
    // Rows of no tree: none, or sums that do not fit.
    if (error instanceof DataError || error instanceof FormatError) return error.message
    throw error
  }
}

function batchProblem(bytes: Uint8Array, { receiptRoot }: FileRoots & { kind: 'batch' }): string | undefined {
  const file = decodeBatchFile(bytes)
  // The tree needs nothing of the header.
  const batch = new OpenBatch({} as BatchHeader, file)
  if (bytesToHex(batch.tree.root) !== receiptRoot) return 'the receipts do not open the root of the batch'
  const { entries } = rowStarts(file.receipts)
  for (let i = 0; i < batch.count; i++) {
    if (entries[i] === entries[i + 1]) return `receipt ${i} has no entries`
    const { attrRoot } = batch.receipt(i).receipt
    if (bytesToHex(entryTree(batch.entryRows(i)).root) !== attrRoot)
      return `the entries of receipt ${i} do not open its root`
  }
  return undefined
}

function epochProblem(bytes: Uint8Array, roots: FileRoots & { kind: 'epoch' }): string | undefined {
  const file = decodeEpochFile(bytes)
  const { epoch, parentRoot, firstBatch, lastBatch } = roots
  const isOther =
    file.epoch !== epoch ||
    file.parentRoot !== parentRoot ||
    file.firstBatch !== firstBatch ||
    file.lastBatch !== lastBatch
  if (isOther) return 'the file is of another epoch'
  if (bytesToHex(creditTree(file.credits).root) !== roots.creditsRoot) return 'the credits do not open their root'
  if (bytesToHex(payoutTree(file.payouts).root) !== roots.payoutRoot) return 'the payouts do not open their root'
  // Nobody can look up a payee in lists without an order.
  if (!isAscending(file.credits, creditBytes, false)) return 'the credits are not in order of payees'
  if (!isAscending(file.payouts, payoutBytes, true)) return 'the payouts are not in order of payees'
  return undefined
}

function isAscending(rows: Uint8Array, bytes: number, isStrict: boolean): boolean {
  for (let at = bytes; at < rows.length; at += bytes) {
    const order = compareKeys(rows.subarray(at - bytes, at - bytes + payeeBytes), rows.subarray(at, at + payeeBytes))
    if (order > 0 || (isStrict && order === 0)) return false
  }
  return true
}
