import { weightTotal } from '../../protocol/fee.ts'
import { layouts, rowBytes } from './batch-file.ts'
import { creditBytes, payeeBytes, setU128, u128At, viewOf } from './epoch-rows.ts'
import { type EpochBatch, EpochError } from './epoch-task.ts'
import { sortedOrder } from './radix-sort.ts'
import { offsetOf } from './row-layout.ts'

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
/** Units of a receipt whose weights are right. */
const wholeUnits: readonly bigint[] = pools.map(() => BigInt(weightTotal))

/**
 * Rows of a credit for every entry of every live receipt in their order, MONEY §4 and §6. Throws {@link EpochError} `empty` or
 * `overflow`.
 */
export function epochCredits(batches: readonly EpochBatch[], onBatch: (done: number) => void = () => {}): Uint8Array {
  const rows = new Uint8Array(liveEntries(batches) * creditBytes)
  const view = viewOf(rows)
  let [firstReceipt, at] = [0, 0]
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
      const units = weightUnits(entries, entryAt, next)
      for (let entry = 0; entry < listed; entry++, entryAt += rowBytes.entries, at += creditBytes) {
        rows.set(file.entries.subarray(entryAt, entryAt + payeeBytes), at)
        view.setUint32(at + 20, firstReceipt + i)
        view.setUint32(at + 24, entry)
        setU128(view, at + 28, amountOf(receipts, receiptAt, entries, entryAt, units))
      }
    }
    firstReceipt += count
    if (firstReceipt > receiptsMax) throw new EpochError('overflow', `${firstReceipt} receipts in one epoch`)
    onBatch(done + 1)
  }
  return rows
}

/** Credits by (payee, receipt, entry). They come in order of (receipt, entry), so that a stable order by payee is enough. */
export function sortCredits(rows: Uint8Array): Uint8Array {
  const sorted = new Uint8Array(rows.length)
  for (const [i, row] of sortedOrder(rows, creditBytes, payeeBytes).entries()) {
    sorted.set(rows.subarray(row * creditBytes, (row + 1) * creditBytes), i * creditBytes)
  }
  return sorted
}

/**
 * What the weights of each pool are divided by, of a receipt whose entries stand from byte `from` up to `to`: their sum, and no
 * less than 1,000,000.
 */
export function weightUnits(entries: DataView, from: number, to: number): readonly bigint[] {
  const sums = [0, 0, 0, 0]
  for (let at = from; at < to; at += rowBytes.entries) {
    const weight = entries.getUint32(at + offsets.weight) * 2 ** 32 + entries.getUint32(at + offsets.weight + 4)
    sums[poolAt(entries, at)] = (sums[poolAt(entries, at)] ?? 0) + weight
  }
  // A sum that a number cannot hold is above the unit all the same.
  if (sums.every((sum) => sum <= weightTotal)) return wholeUnits
  const units = pools.map(() => 0n)
  for (let at = from; at < to; at += rowBytes.entries) {
    const pool = poolAt(entries, at)
    units[pool] = (units[pool] ?? 0n) + entries.getBigUint64(at + offsets.weight)
  }
  return units.map((sum, pool) => (sum > weightTotal ? sum : (wholeUnits[pool] ?? sum)))
}

/** wei that one entry earns. `receiptAt`, `entryAt`: where their rows begin; `units`: of its receipt. */
export function amountOf(
  receipts: DataView,
  receiptAt: number,
  entries: DataView,
  entryAt: number,
  units: readonly bigint[],
): bigint {
  const pool = poolAt(entries, entryAt)
  const weight = entries.getBigUint64(entryAt + offsets.weight)
  return (u128At(receipts, receiptAt + (pools[pool] ?? 0)) * weight) / (units[pool] ?? 1n)
}

function poolAt(entries: DataView, entryAt: number): number {
  return Math.min(entries.getUint8(entryAt + offsets.class), pools.length - 1)
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
