import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { contentHash } from '../../protocol/content-hash.ts'
import { receiptSumNames } from '../../protocol/fee.ts'
import { type BatchHeader, type Segment, segmentsHash } from '../../protocol/receipt-batch.ts'
import { encodeBatchFile } from './batch-file.ts'
import { type BatchReceipt, batchFileOf } from './batch-rows.ts'
import { OpenBatch } from './batch-trees.ts'
import { ReceiptError } from './receipt-error.ts'

/** `BatchInput` of `commitBatch`. */
export type BatchInput = {
  readonly topHash: Hex
  readonly count: number
  readonly sums: readonly bigint[]
  readonly class: number
  readonly dataHash: Hex
  readonly notAfter: bigint
}

export type PackedBatch = {
  /** In the batch's order. */
  readonly receipts: readonly BatchReceipt[]
  readonly input: BatchInput
  readonly segments: readonly Segment[]
  /** The bytes under `dataHash`. */
  readonly file: Uint8Array
  /** The header that a commit now would have. */
  readonly header: BatchHeader
}

/** Where and when the batch is to be committed. */
export type CommitPlace = Pick<BatchHeader, 'batchId' | 'worker' | 'committedAt' | 'l2Block'> & {
  readonly notAfter: bigint
}

/**
 * Packs receipts of one proof class: those of a channel together under its last voucher, requests opened on chain one by one.
 * docs/MONEY.md §5 and §8. Throws {@link ReceiptError} `batch` for receipts that no batch can hold together.
 */
export function packBatch(unordered: readonly BatchReceipt[], place: CommitPlace): PackedBatch {
  const receipts = [...unordered].sort(byChannel)
  const [first] = receipts
  if (first === undefined) throw new ReceiptError('batch', 'a batch needs a receipt')
  const proofClass = first.receipt.class
  for (const { receipt } of receipts) {
    if (receipt.class !== proofClass)
      throw new ReceiptError('batch', 'the receipts are of several proof classes: make a batch of each')
    if (receipt.worker !== place.worker) throw new ReceiptError('batch', `a receipt is of the worker ${receipt.worker}`)
  }
  const segments = segmentsOf(receipts)
  const { notAfter, ...committed } = place
  const file = batchFileOf(receipts)
  const bytes = encodeBatchFile(file)
  const terms = {
    count: receipts.length,
    sums: receiptSumNames.map((_, i) => receipts.reduce((sum, { sums }) => sum + (sums[i] ?? 0n), 0n)),
    class: proofClass,
    dataHash: contentHash(bytes),
  }
  const unrooted = { ...committed, ...terms, segmentsHash: bytesToHex(segmentsHash(segments)), receiptRoot: zeroHash }
  // Its tree does not depend on the header.
  const { tree } = new OpenBatch(unrooted, file)
  const input = { topHash: bytesToHex(tree.top.subarray(0, 32)), ...terms, notAfter }
  return { receipts, input, segments, file: bytes, header: { ...unrooted, receiptRoot: bytesToHex(tree.root) } }
}

/** Receipts of a channel in the order of its vouchers; requests opened on chain last. */
function byChannel({ payment: a }: BatchReceipt, { payment: b }: BatchReceipt): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
  const [x, y] = [a.voucher.value, b.voucher.value]
  if (x.channel !== y.channel) return x.channel < y.channel ? -1 : 1
  return x.cumulativeCap < y.cumulativeCap ? -1 : x.cumulativeCap > y.cumulativeCap ? 1 : 0
}

function segmentsOf(receipts: readonly BatchReceipt[]): Segment[] {
  const segments: Segment[] = []
  for (const { receipt, payment } of receipts) {
    const before = segments.at(-1)
    const { fee, requestId } = receipt
    if (payment === undefined) {
      segments.push({ ...noVoucher, requestId, count: 1, fee })
      continue
    }
    const { value, signature } = payment.voucher
    const isSame = before?.channel === value.channel
    if (isSame) segments.pop()
    const { channel, maxFee, cumulativeCap, deadline } = value
    segments.push({
      ...{ channel, requestId, maxFee, cumulativeCap, deadline },
      count: (isSame ? before.count : 0) + 1,
      fee: (isSame ? before.fee : 0n) + fee,
      r: bytesToHex(signature.subarray(0, 32)),
      vs: bytesToHex(signature.subarray(32)),
    })
  }
  return segments
}

const noVoucher = { channel: zeroHash, maxFee: 0n, cumulativeCap: 0n, deadline: 0n, r: zeroHash, vs: zeroHash }
