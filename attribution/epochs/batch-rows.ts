import { concatBytes } from '../../protocol/bytes.ts'
import type { InferenceReceipt } from '../../protocol/inference-receipt.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import type { Cancel, Signed, Voucher } from '../../protocol/voucher.ts'
import { type BatchFile, layouts, type OwnSection, payments, type RowStarts, rowBytes } from './batch-file.ts'
import { viewOf } from './epoch-rows.ts'
import { decodeRow, encodeRow, type RowLayout, type RowOf } from './row-layout.ts'

/** One receipt of a batch with all that it stands on. */
export type BatchReceipt = {
  readonly receipt: InferenceReceipt
  /** Sums of its row in the receipt tree, as `receiptSumNames` orders them. */
  readonly sums: readonly bigint[]
  readonly request: InferenceRequest
  /** Undefined: the request was opened on chain. */
  readonly payment: BatchPayment | undefined
  readonly entries: readonly BatchEntry[]
  readonly prompt: Uint32Array
  readonly output: Uint32Array
}

/** The payer's word; of a cut stream also the cancel. */
export type BatchPayment = { readonly voucher: Signed<Voucher>; readonly cancel?: Signed<Cancel> | undefined }

/** An attribution entry as it stands in a file, whatever its class and weight. */
export type BatchEntry = RowOf<typeof layouts.entries>

/** Sections of a file. */
export function batchFileOf(receipts: readonly BatchReceipt[]): BatchFile {
  const payments = receipts.flatMap(({ payment }) => (payment === undefined ? [] : [payment]))
  const cancels = payments.flatMap(({ cancel }) => (cancel === undefined ? [] : [cancel]))
  return {
    receipts: encodeRows(layouts.receipts, receipts.map(receiptRow)),
    requests: encodeRows(
      layouts.requests,
      receipts.map(({ request }) => ({ ...request, ...request.sampling })),
    ),
    adapters: encodeRows(
      layouts.adapters,
      receipts.flatMap(({ request }) => request.adapters),
    ),
    vouchers: encodeRows(
      layouts.vouchers,
      payments.map(({ voucher: { value, signature } }) => ({ ...value, signature })),
    ),
    cancels: encodeRows(
      layouts.cancels,
      cancels.map(({ value, signature }) => ({ ...value, signature })),
    ),
    entries: encodeRows(
      layouts.entries,
      receipts.flatMap(({ entries }) => entries),
    ),
    tokens: concatBytes(...receipts.flatMap(({ prompt, output }) => [tokenBytes(prompt), tokenBytes(output)])),
  }
}

/** Receipt `i` of a file. */
export function batchReceipt(file: BatchFile, starts: RowStarts, i: number): BatchReceipt {
  const row = decodeRow(layouts.receipts, file.receipts, i * rowBytes.receipts)
  const request = decodeRow(layouts.requests, file.requests, i * rowBytes.requests)
  const own = <L extends RowLayout>(section: OwnSection, layout: L) => ownRows(file, starts, i, section, layout)
  const [voucher] = own('vouchers', layouts.vouchers)
  const [cancel] = own('cancels', layouts.cancels)
  const tokens = tokensOf(file.tokens, starts.tokens[i] ?? 0, row.promptTokens + row.outputTokens)
  const { tempQ16, topK, topPQ16, maxTokens, stopHash } = request
  return {
    receipt: row,
    sums: [
      ...[row.feeSum, row.tinSum, row.toutSum, row.entriesSum, row.platform],
      ...[row.model, row.stakers, row.workerShare, row.builder, row.contributors],
    ],
    request: {
      ...request,
      adapters: own('adapters', layouts.adapters),
      sampling: { tempQ16, topK, topPQ16, maxTokens, stopHash },
    },
    payment: voucher && { voucher: signed(voucher), cancel: cancel && signed(cancel) },
    entries: own('entries', layouts.entries),
    prompt: tokens.subarray(0, row.promptTokens),
    output: tokens.subarray(row.promptTokens),
  }
}

function receiptRow({ receipt, sums, request, payment, entries, prompt, output }: BatchReceipt) {
  const [feeSum = 0n, tinSum = 0n, toutSum = 0n, entriesSum = 0n, platform = 0n, ...shares] = sums
  const [model = 0n, stakers = 0n, workerShare = 0n, builder = 0n, contributors = 0n] = shares
  const kind = payment === undefined ? 'onChain' : payment.cancel === undefined ? 'voucher' : 'cutStream'
  return {
    ...receipt,
    ...{ feeSum, tinSum, toutSum, entriesSum, platform, model, stakers, workerShare, builder, contributors },
    payment: payments[kind],
    adapters: request.adapters.length,
    promptTokens: prompt.length,
    outputTokens: output.length,
    entries: entries.length,
  }
}

/** Entries of rows as a file holds them. */
export function entriesOf(rows: Uint8Array): BatchEntry[] {
  return Array.from({ length: rows.length / rowBytes.entries }, (_, k) =>
    decodeRow(layouts.entries, rows, k * rowBytes.entries),
  )
}

/** Rows of one layout, one behind the other. */
export function encodeRows<L extends RowLayout>(layout: L, rows: readonly RowOf<L>[]): Uint8Array {
  return concatBytes(...rows.map((row) => encodeRow(layout, row)))
}

function ownRows<L extends RowLayout>(
  file: BatchFile,
  starts: RowStarts,
  i: number,
  section: OwnSection,
  layout: L,
): RowOf<L>[] {
  const [first, end] = [starts[section][i] ?? 0, starts[section][i + 1] ?? 0]
  return Array.from({ length: end - first }, (_, k) =>
    decodeRow(layout, file[section], (first + k) * rowBytes[section]),
  )
}

function signed<T extends { readonly signature: Uint8Array }>(row: T): Signed<T> {
  return { value: row, signature: row.signature }
}

function tokenBytes(tokens: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(4 * tokens.length)
  const view = viewOf(bytes)
  for (const [i, token] of tokens.entries()) view.setUint32(4 * i, token)
  return bytes
}

function tokensOf(bytes: Uint8Array, first: number, count: number): Uint32Array {
  const view = viewOf(bytes)
  return new Uint32Array(count).map((_, i) => view.getUint32(4 * (first + i)))
}
