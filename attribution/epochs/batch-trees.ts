import { bytesToHex, concatBytes, type Hex } from '../../protocol/bytes.ts'
import { receiptLeaf, receiptStructHash } from '../../protocol/inference-receipt.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import type { BatchHeader } from '../../protocol/receipt-batch.ts'
import { sumRow } from '../../protocol/sum-tree.ts'
import { paymentHash } from '../../protocol/voucher.ts'
import { type BatchFile, layouts, type RowStarts, rowBytes, rowStarts } from './batch-file.ts'
import { type BatchReceipt, batchReceipt } from './batch-rows.ts'
import { viewOf } from './epoch-rows.ts'
import type { OpenedEntry, OpenedReceipt } from './openings.ts'
import { offsetOf } from './row-layout.ts'
import { RowTree } from './row-tree.ts'

/** Rows of the receipt tree and of a receipt's entry tree: a hash and ten sums, a hash and four. */
const receiptRowBytes = 192
const entryRowBytes = 96

const entryPrefix = 0x03
const entryPools = 4
const noPayment = new Uint8Array(32)

/** A batch whose file opens its root: everything that proofs about its receipts need. */
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
    this.#tree ??= RowTree.of(
      concatBytes(...Array.from({ length: this.count }, (_, i) => receiptRow(this.receipt(i)))),
      receiptRowBytes,
    )
    return this.#tree
  }

  /** Rows of entries of receipt `i`, as the file holds them. */
  entryRows(i: number): Uint8Array {
    const { entries } = this.starts
    return this.file.entries.subarray((entries[i] ?? 0) * rowBytes.entries, (entries[i + 1] ?? 0) * rowBytes.entries)
  }

  openReceipt(i: number): OpenedReceipt {
    const { receipt, sums, payment } = this.receipt(i)
    return {
      header: this.header,
      index: i,
      receipt,
      paymentHash: bytesToHex(paymentHashOf(payment)),
      sums,
      siblings: joined(this.tree.siblings(i)),
    }
  }

  openEntry(i: number, k: number): OpenedEntry {
    const tree = entryTree(this.entryRows(i))
    const entry = this.receipt(i).entries[k]
    if (entry === undefined) throw new Error(`receipt ${i} has no entry ${k}`)
    return {
      n: tree.count,
      entry: { index: k, ...entry },
      sums: weightSums(entry.class, entry.weight),
      siblings: joined(tree.siblings(k)),
    }
  }
}

/** The tree under a receipt's `attrRoot`; `rows` as a file holds them, at least one. */
export function entryTree(rows: Uint8Array): RowTree {
  const view = viewOf(rows)
  const count = rows.length / rowBytes.entries
  const leaves = new Uint8Array(count * entryRowBytes)
  const preimage = new Uint8Array(1 + 4 + rowBytes.entries)
  preimage[0] = entryPrefix
  for (let i = 0; i < count; i++) {
    const at = i * rowBytes.entries
    viewOf(preimage).setUint32(1, i)
    preimage.set(rows.subarray(at, at + rowBytes.entries), 5)
    const weight = view.getBigUint64(at + offsets.weight)
    leaves.set(sumRow(keccak256(preimage), weightSums(view.getUint8(at + offsets.class), weight)), i * entryRowBytes)
  }
  return RowTree.of(leaves, entryRowBytes)
}

/** The weight in the place of the pool that the entry is paid from. */
function weightSums(kind: number, weight: bigint): bigint[] {
  return Array.from({ length: entryPools }, (_, pool) => (pool === Math.min(kind, entryPools - 1) ? weight : 0n))
}

/** Rows of siblings as a call takes them. */
export function joined(rows: readonly Uint8Array[]): Hex {
  return bytesToHex(concatBytes(...rows))
}

function receiptRow({ receipt, sums, payment }: BatchReceipt): Uint8Array {
  return sumRow(receiptLeaf(receiptStructHash(receipt), paymentHashOf(payment)), sums)
}

function paymentHashOf(payment: BatchReceipt['payment']): Uint8Array {
  return payment === undefined ? noPayment : paymentHash(payment.voucher, payment.cancel)
}

const offsets = { class: offsetOf(layouts.entries, 'class'), weight: offsetOf(layouts.entries, 'weight') }
