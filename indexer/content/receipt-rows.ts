import { decodeBatchFile, layouts, payments, rowBytes, rowStarts } from '../../attribution/epochs/batch-file.ts'
import { amountOf, weightUnits } from '../../attribution/epochs/epoch-credits.ts'
import { viewOf } from '../../attribution/epochs/epoch-rows.ts'
import { decodeRow } from '../../attribution/epochs/row-layout.ts'
import { entryLetters } from '../../protocol/attribution-entry.ts'
import { type Hex, hexToBytes } from '../../protocol/bytes.ts'
import type { Store, Value } from '../store/store.ts'

/** Classes whose id is a contribution's. */
const ofContributions: readonly string[] = ['S', 'G', 'R']
const paymentNames = Object.fromEntries(Object.entries(payments).map(([name, number]) => [number, name]))

/** Writes the receipts of a batch with their entries, one receipt a call; how many rows that were, 0 at the end. */
export function receiptWriter(store: Store, batch: number, bytes: Uint8Array): () => number {
  const file = decodeBatchFile(bytes)
  const count = file.receipts.length / rowBytes.receipts
  const { entries: starts } = rowStarts(file.receipts)
  const [receiptView, entryView] = [viewOf(file.receipts), viewOf(file.entries)]
  let i = 0
  return () => {
    if (i === count) return 0
    const receiptAt = i * rowBytes.receipts
    const [first, end] = [starts[i] ?? 0, starts[i + 1] ?? 0]
    const receipt = decodeRow(layouts.receipts, file.receipts, receiptAt)
    const request = decodeRow(layouts.requests, file.requests, i * rowBytes.requests)
    store.run(
      `insert or replace into receipt values (${Array(23).fill('?').join(', ')})`,
      ...[batch, i, receipt.requestId, request.payer, receipt.worker, ...modelVersion(request.modelVersion)],
      ...[receipt.class, receipt.tin, receipt.tout, String(receipt.fee), String(receipt.platform)],
      ...[String(receipt.model), String(receipt.stakers), String(receipt.workerShare), String(receipt.builder)],
      ...[String(receipt.contributors), paymentNames[receipt.payment] ?? '', request.appCode, receipt.outputRoot],
      ...[receipt.attrRoot, end - first, request.priceVersion],
    )
    const units = weightUnits(entryView, first * rowBytes.entries, end * rowBytes.entries)
    for (let k = first; k < end; k++) {
      const at = k * rowBytes.entries
      const entry = decodeRow(layouts.entries, file.entries, at)
      const name = entryLetters[entry.class] ?? String(entry.class)
      const isContribution = ofContributions.includes(name) && entry.id <= BigInt(Number.MAX_SAFE_INTEGER)
      store.run(
        'insert or replace into entry values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        ...[batch, i, k - first, name, String(entry.id), entry.payee, entry.evidenceHash, String(entry.weight)],
        String(amountOf(receiptView, receiptAt, entryView, at, units)),
        isContribution ? Number(entry.id) : null,
      )
    }
    i++
    return 1 + end - first
  }
}

/** Model and version by number; null where a worker wrote what names none. */
function modelVersion(hash: Hex): readonly [Value, Value] {
  const bytes = hexToBytes(hash)
  const view = viewOf(bytes)
  const model = view.getBigUint64(20)
  const isOne = bytes.subarray(0, 20).every((byte) => byte === 0) && model <= BigInt(Number.MAX_SAFE_INTEGER)
  return isOne ? [Number(model), view.getUint32(28)] : [null, null]
}
