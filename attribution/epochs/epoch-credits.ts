import { weightTotal } from '../../protocol/fee.ts'
import { layouts, rowBytes } from './batch-file.ts'
import { creditBytes, payeeBytes, setU128, u128At, viewOf } from './epoch-rows.ts'
import { type EpochBatch, EpochError } from './epoch-task.ts'
import { sortedOrder } from './radix-sort.ts'
import { offsetOf } from './row-layout.ts'

const weightUnit = BigInt(weightTotal)
const receiptsMax = 2 ** 32

const offsets = {
  listed: offsetOf(layouts.receipts, 'entries'),
  class: offsetOf(layouts.entries, 'class'),
  weight: offsetOf(layouts.entries, 'weight'),
}
/** Where the shares stand in a receipt's row that entries draw on: model, worker, builder, contributors. */
const pools = (['model', 'workerShare', 'builder', 'contributors'] as const).map((name) =>
  offsetOf(layouts.receipts, name),
)

export type EpochCredits = {
  /** Rows of credits in the order of receipts and entries. */
  readonly rows: Uint8Array
  /** wei: the shares of all live receipts that credits may draw on. */
  readonly payable: bigint
}

/**
 * A credit for every entry of every live receipt, `⌊pool · weight / 1,000,000⌋` wei, MONEY §4 and §6. Throws
 * {@link EpochError} `empty` or `overflow`.
 */
export function epochCredits(batches: readonly EpochBatch[], onBatch: (done: number) => void = () => {}): EpochCredits {
  const rows = new Uint8Array(liveEntries(batches) * creditBytes)
  const view = viewOf(rows)
  let [payable, firstReceipt, at] = [0n, 0, 0]
  for (const [done, { file, voided }] of batches.entries()) {
    const isVoid = new Set(voided)
    const [receipts, entries] = [viewOf(file.receipts), viewOf(file.entries)]
    const count = file.receipts.length / rowBytes.receipts
    for (let i = 0, entryAt = 0; i < count; i++) {
      const receiptAt = i * rowBytes.receipts
      const listed = receipts.getUint32(receiptAt + offsets.listed)
      const next = entryAt + listed * rowBytes.entries
      if (isVoid.has(i)) {
        entryAt = next
        continue
      }
      for (const pool of pools) payable += u128At(receipts, receiptAt + pool)
      for (let entry = 0; entry < listed; entry++, entryAt += rowBytes.entries, at += creditBytes) {
        rows.set(file.entries.subarray(entryAt, entryAt + payeeBytes), at)
        view.setUint32(at + 20, firstReceipt + i)
        view.setUint32(at + 24, entry)
        setU128(view, at + 28, amountOf(receipts, receiptAt, entries, entryAt))
      }
    }
    firstReceipt += count
    if (firstReceipt > receiptsMax) throw new EpochError('overflow', `${firstReceipt} receipts in one epoch`)
    onBatch(done + 1)
  }
  return { rows, payable }
}

/** Credits by (payee, receipt, entry). They come in order of (receipt, entry), so that a stable order by payee is enough. */
export function sortCredits(rows: Uint8Array): Uint8Array {
  const sorted = new Uint8Array(rows.length)
  for (const [i, row] of sortedOrder(rows, creditBytes, payeeBytes).entries()) {
    sorted.set(rows.subarray(row * creditBytes, (row + 1) * creditBytes), i * creditBytes)
  }
  return sorted
}

/** wei that one entry earns, cut to u128 as the contract does. `receiptAt`, `entryAt`: where their rows begin. */
export function amountOf(receipts: DataView, receiptAt: number, entries: DataView, entryAt: number): bigint {
  const pool = pools[Math.min(entries.getUint8(entryAt + offsets.class), pools.length - 1)] ?? 0
  const weight = entries.getBigUint64(entryAt + offsets.weight)
  const share = u128At(receipts, receiptAt + pool)
  return BigInt.asUintN(128, (share * weight) / weightUnit)
}

function liveEntries(batches: readonly EpochBatch[]): number {
  let live = 0
  for (const { file, voided } of batches) {
    const view = viewOf(file.receipts)
    live += file.entries.length / rowBytes.entries
    for (const i of new Set(voided)) live -= view.getUint32(i * rowBytes.receipts + offsets.listed)
  }
  if (live === 0) throw new EpochError('empty', 'no live receipt in these batches')
  if (live >= receiptsMax) throw new EpochError('overflow', `${live} credits in one epoch`)
  return live
}
