import { bytesToHex, concatBytes, type Hex, uintBytes } from '../../protocol/bytes.ts'
import { receiptLeaf, receiptStructHash } from '../../protocol/inference-receipt.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import type { BatchHeader } from '../../protocol/receipt-batch.ts'
import { sumRow } from '../../protocol/sum-tree.ts'
import { paymentHash } from '../../protocol/voucher.ts'
import type { ShownEntry } from './batch-data.ts'
import { type BatchFile, layouts, type RowStarts, rowBytes, rowStarts } from './batch-file.ts'
import { type BatchReceipt, batchReceipt } from './batch-rows.ts'
import { viewOf } from './epoch-rows.ts'
import { encodeRow, offsetOf } from './row-layout.ts'
import { type Padding, RowTree } from './row-tree.ts'

/** Rows of the receipt tree and of a receipt's entry tree: a hash and ten sums, a hash and four. */
const receiptRowBytes = 192
const entryRowBytes = 96

const entryPrefix = Uint8Array.of(0x03)
const entryPools = 4
const noPayment = new Uint8Array(32)

/** A batch's file with the places of its rows. */
export class OpenBatch {
  readonly header: BatchHeader
  readonly file: BatchFile
  readonly starts: RowStarts
  readonly count: number
  #tree: RowTree | undefined

  constructor(header: BatchHeader, file: BatchFile) {
    this.header = header
    this.file = file
    this.starts = rowStarts(file.receipts)
    this.count = file.receipts.length / rowBytes.receipts
  }

  receipt(i: number): BatchReceipt {
    return batchReceipt(this.file, this.starts, i)
  }

  /** The tree over the receipts of the file. */
  get tree(): RowTree {
    this.#tree ??= this.treeWith()
    return this.#tree
  }

  /** The same, with rows behind its last leaf. Throws FormatError where a sum overflows u128. */
  treeWith(padding?: Padding): RowTree {
    const leaves = new Uint8Array(this.count * receiptRowBytes)
    for (let i = 0; i < this.count; i++) leaves.set(receiptRow(this.receipt(i)), i * receiptRowBytes)
    return RowTree.of(leaves, receiptRowBytes, padding)
  }

  /** Rows of entries of receipt `i`, as the file holds them. */
  entryRows(i: number): Uint8Array {
    const { entries } = this.starts
    return this.file.entries.subarray((entries[i] ?? 0) * rowBytes.entries, (entries[i + 1] ?? 0) * rowBytes.entries)
  }
}

/** The tree under a receipt's `attrRoot`; `rows` as a file holds them, at least one. */
export function entryTree(rows: Uint8Array, padding?: Padding): RowTree {
  const view = viewOf(rows)
  const count = rows.length / rowBytes.entries
  const leaves = new Uint8Array(count * entryRowBytes)
  for (let i = 0; i < count; i++) {
    const at = i * rowBytes.entries
    const sums = weightSums(view.getUint8(at + offsets.class), view.getBigUint64(at + offsets.weight))
    leaves.set(entryRow(i, rows.subarray(at, at + rowBytes.entries), sums), i * entryRowBytes)
  }
  return RowTree.of(leaves, entryRowBytes, padding)
}

/** The row of an entry with the sums that it was shown with, right or wrong. */
export function shownEntryRow({ index, entry, sums }: Pick<ShownEntry, 'index' | 'entry' | 'sums'>): Uint8Array {
  return entryRow(index, encodeRow(layouts.entries, entry), sums)
}

/** `row` as a file holds it. */
function entryRow(index: number, row: Uint8Array, sums: readonly bigint[]): Uint8Array {
  return sumRow(keccak256(concatBytes(entryPrefix, uintBytes(index, 4), row)), sums)
}

/** The weight in the place of the pool that the entry is paid from. */
export function weightSums(kind: number, weight: bigint): bigint[] {
  return Array.from({ length: entryPools }, (_, pool) => (pool === Math.min(kind, entryPools - 1) ? weight : 0n))
}

/** Rows of siblings as a call takes them. */
export function joined(rows: readonly Uint8Array[]): Hex {
  return bytesToHex(concatBytes(...rows))
}

export function receiptRow({ receipt, sums, payment }: Pick<BatchReceipt, 'receipt' | 'sums' | 'payment'>): Uint8Array {
  return sumRow(receiptLeaf(receiptStructHash(receipt), paymentHashOf(payment)), sums)
}

export function paymentHashOf(payment: BatchReceipt['payment']): Uint8Array {
  return payment === undefined ? noPayment : paymentHash(payment.voucher, payment.cancel)
}

const offsets = { class: offsetOf(layouts.entries, 'class'), weight: offsetOf(layouts.entries, 'weight') }
