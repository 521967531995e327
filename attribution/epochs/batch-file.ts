import { concatBytes } from '../../protocol/bytes.ts'
import { DataError } from './data-error.ts'
import { viewOf } from './epoch-rows.ts'
import { layoutBytes, offsetOf, type RowLayout } from './row-layout.ts'

/**
 * The data of a batch, MONEY §8, stored under its content hash. Sections of fixed-width rows stand one behind the other in
 * the order of {@link layouts}; a receipt's row says how many rows of the later sections are its own. The decoder checks
 * shape only: what the rows say is for `checkBatch` to judge.
 */
export type BatchFile = Readonly<Record<Section, Uint8Array>>
export type Section = keyof typeof layouts

/** Rows of each section, in the file's order. */
export const layouts = {
  receipts: [
    ['requestId', 'b32'],
    ['worker', 'b20'],
    ['tin', 'u32'],
    ['tout', 'u32'],
    ['fee', 'u128'],
    ['outputRoot', 'b32'],
    ['traceRoot', 'b32'],
    ['class', 'u8'],
    ['proofHash', 'b32'],
    ['indexSetHash', 'b32'],
    ['algoHash', 'b32'],
    ['attrRoot', 'b32'],
    ['attrEntries', 'u32'],
    ['royaltyHash', 'b32'],
    ['feeSum', 'u128'],
    ['tinSum', 'u128'],
    ['toutSum', 'u128'],
    ['entriesSum', 'u128'],
    ['platform', 'u128'],
    ['model', 'u128'],
    ['stakers', 'u128'],
    ['workerShare', 'u128'],
    ['builder', 'u128'],
    ['contributors', 'u128'],
    ['payment', 'u8'],
    ['adapters', 'u8'],
    ['promptTokens', 'u32'],
    ['outputTokens', 'u32'],
    ['entries', 'u32'],
  ],
  requests: [
    ['chainId', 'u256'],
    ['payer', 'b20'],
    ['nonce', 'u64'],
    ['modelVersion', 'b32'],
    ['templateHash', 'b32'],
    ['promptRoot', 'b32'],
    ['tempQ16', 'u32'],
    ['topK', 'u16'],
    ['topPQ16', 'u32'],
    ['maxTokens', 'u32'],
    ['stopHash', 'b32'],
    ['class', 'u8'],
    ['priceVersion', 'u32'],
    ['maxFee', 'u128'],
    ['appCode', 'b32'],
    ['deadline', 'u64'],
  ],
  adapters: [
    ['root', 'b32'],
    ['weight', 'u16'],
  ],
  vouchers: [
    ['channel', 'b32'],
    ['requestId', 'b32'],
    ['worker', 'b20'],
    ['maxFee', 'u128'],
    ['cumulativeCap', 'u128'],
    ['deadline', 'u64'],
    ['signature', 'b64'],
  ],
  cancels: [
    ['requestId', 'b32'],
    ['tout', 'u32'],
    ['outputRoot', 'b32'],
    ['signature', 'b64'],
  ],
  entries: [
    ['payee', 'b20'],
    ['id', 'u64'],
    ['class', 'u8'],
    ['evidenceHash', 'b32'],
    ['weight', 'u64'],
  ],
  tokens: [['token', 'u32']],
} as const satisfies Record<string, RowLayout>

/** How a receipt is paid: the field `payment` of its row. */
export const payments = { onChain: 0, voucher: 1, cutStream: 2 } as const

const sections = Object.keys(layouts) as readonly Section[]
/** Bytes of a row of each section. */
export const rowBytes = Object.fromEntries(sections.map((name) => [name, layoutBytes(layouts[name])])) as Readonly<
  Record<Section, number>
>

/** ASCII `OLBATCH`, then the version. */
const magic = Uint8Array.of(0x4f, 0x4c, 0x42, 0x41, 0x54, 0x43, 0x48, 0x01)
const headBytes = 12

/** Throws {@link DataError} where the sections do not fit what the receipts say. */
export function encodeBatchFile(file: BatchFile): Uint8Array {
  const counts = rowCounts(file.receipts)
  for (const name of sections) {
    if (file[name].length !== counts[name] * rowBytes[name]) {
      throw new DataError('length', `${file[name].length} bytes of ${name} where the receipts say ${counts[name]} rows`)
    }
  }
  const head = new Uint8Array(headBytes)
  head.set(magic)
  viewOf(head).setUint32(8, counts.receipts)
  return concatBytes(head, ...sections.map((name) => file[name]))
}

/** Views into `bytes`. Throws {@link DataError} for anything but one whole file. */
export function decodeBatchFile(bytes: Uint8Array): BatchFile {
  if (bytes.length < headBytes) throw new DataError('length', `a batch file of ${bytes.length} bytes`)
  if (!magic.every((byte, i) => bytes[i] === byte)) throw new DataError('kind', 'not a batch file of version 1')
  const receipts = viewOf(bytes).getUint32(8)
  if (receipts === 0) throw new DataError('value', 'a batch of no receipts')
  const receiptsEnd = headBytes + receipts * rowBytes.receipts
  if (bytes.length < receiptsEnd) throw new DataError('length', `${bytes.length} bytes for ${receipts} receipts`)
  const counts = rowCounts(bytes.subarray(headBytes, receiptsEnd))
  const file: Partial<Record<Section, Uint8Array>> = {}
  let start = headBytes
  for (const name of sections) {
    const end = start + counts[name] * rowBytes[name]
    file[name] = bytes.subarray(start, end)
    start = end
  }
  if (bytes.length !== start) throw new DataError('length', `${bytes.length} bytes where the receipts say ${start}`)
  // Every section was set above.
  return file as BatchFile
}

/** Sections of which a receipt has a number of rows of its own. */
export type OwnSection = Exclude<Section, 'receipts' | 'requests'>
/** First row of every receipt in each of them, and behind the last receipt the end. Float64: sums of many u32. */
export type RowStarts = Readonly<Record<OwnSection, Float64Array>>

/** Throws {@link DataError} `value` for an unknown kind of payment. */
export function rowStarts(receipts: Uint8Array): RowStarts {
  const count = receipts.length / rowBytes.receipts
  const view = viewOf(receipts)
  const column = () => new Float64Array(count + 1)
  const starts = { adapters: column(), vouchers: column(), cancels: column(), entries: column(), tokens: column() }
  for (let i = 0; i < count; i++) {
    const row = i * rowBytes.receipts
    const payment = view.getUint8(row + offsets.payment)
    if (payment > payments.cutStream) throw new DataError('value', `payment ${payment} of receipt ${i}`)
    const own: Record<OwnSection, number> = {
      adapters: view.getUint8(row + offsets.adapters),
      vouchers: payment === payments.onChain ? 0 : 1,
      cancels: payment === payments.cutStream ? 1 : 0,
      entries: view.getUint32(row + offsets.entries),
      tokens: view.getUint32(row + offsets.promptTokens) + view.getUint32(row + offsets.outputTokens),
    }
    for (const name of ownSections) starts[name][i + 1] = (starts[name][i] ?? 0) + own[name]
  }
  return starts
}

const ownSections: readonly OwnSection[] = ['adapters', 'vouchers', 'cancels', 'entries', 'tokens']
const offsets = {
  payment: offsetOf(layouts.receipts, 'payment'),
  adapters: offsetOf(layouts.receipts, 'adapters'),
  promptTokens: offsetOf(layouts.receipts, 'promptTokens'),
  outputTokens: offsetOf(layouts.receipts, 'outputTokens'),
  entries: offsetOf(layouts.receipts, 'entries'),
}

function rowCounts(receipts: Uint8Array): Record<Section, number> {
  if (receipts.length === 0 || receipts.length % rowBytes.receipts !== 0) {
    throw new DataError('length', `${receipts.length} bytes of receipts`)
  }
  const count = receipts.length / rowBytes.receipts
  const starts = rowStarts(receipts)
  const own = (name: OwnSection) => starts[name][count] ?? 0
  return {
    receipts: count,
    requests: count,
    adapters: own('adapters'),
    vouchers: own('vouchers'),
    cancels: own('cancels'),
    entries: own('entries'),
    tokens: own('tokens'),
  }
}
