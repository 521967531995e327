import { type BatchFile, decodeBatchFile, encodeBatchFile, rowStarts } from '../../attribution/epochs/batch-file.ts'
import { type BatchReceipt, batchFileOf, batchReceipt } from '../../attribution/epochs/batch-rows.ts'
import { entryTree, OpenBatch } from '../../attribution/epochs/batch-trees.ts'
import { u128At, viewOf } from '../../attribution/epochs/epoch-rows.ts'
import type { Padding } from '../../attribution/epochs/row-tree.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { contentHash } from '../../protocol/content-hash.ts'
import type { Segment } from '../../protocol/receipt-batch.ts'

/** What a worker commits who wants the rows of a file paid, whatever they say. */
export type FileBatch = {
  readonly input: Readonly<Record<string, unknown>>
  readonly segments: readonly Segment[]
  readonly file: Uint8Array
  /** Row of a receipt in the tree. */
  readonly leaf: (i: number) => Uint8Array
}

/** The batch of a file as it is: roots, sums and the fees of its segments follow from its rows. */
export function fileBatch(
  file: Uint8Array,
  segments: readonly Segment[],
  more: { readonly class: number; readonly notAfter: bigint; readonly padding?: Padding },
): FileBatch {
  const data: BatchFile = decodeBatchFile(file)
  // The header plays no part in the tree.
  const tree = new OpenBatch({} as OpenBatch['header'], data).treeWith(more.padding)
  const sums = Array.from({ length: 10 }, (_, i) => u128At(viewOf(tree.totals), 16 * i))
  const fees = receiptsOf(file).map((each) => each.sums[0] ?? 0n)
  let start = 0
  const charged = segments.map((segment) => {
    const fee = fees.slice(start, start + segment.count).reduce((sum, each) => sum + each, 0n)
    start += segment.count
    return { ...segment, fee }
  })
  const top = bytesToHex(tree.top.subarray(0, 32))
  const input = { topHash: top, count: tree.count, sums, class: more.class, notAfter: more.notAfter }
  return { input: { ...input, dataHash: contentHash(file) }, segments: charged, file, leaf: (i) => tree.row(0, i) }
}

export function receiptsOf(file: Uint8Array): BatchReceipt[] {
  const data = decodeBatchFile(file)
  const starts = rowStarts(data.receipts)
  return Array.from({ length: new OpenBatch({} as OpenBatch['header'], data).count }, (_, i) =>
    batchReceipt(data, starts, i),
  )
}

/** The file with receipts changed, the first `count` of them. */
export function fileWith(
  file: Uint8Array,
  change: (receipt: BatchReceipt, i: number) => BatchReceipt,
  count?: number,
): Uint8Array {
  return encodeBatchFile(batchFileOf(receiptsOf(file).slice(0, count).map(change)))
}

/** A receipt over entries as they are. */
export function withEntries(one: BatchReceipt, entries: BatchReceipt['entries']): BatchReceipt {
  const attrRoot: Hex = bytesToHex(entryTree(batchFileOf([{ ...one, entries }]).entries).root)
  const sums = one.sums.map((sum, place) => (place === 3 ? BigInt(entries.length) : sum))
  return { ...one, entries, sums, receipt: { ...one.receipt, attrRoot, attrEntries: entries.length } }
}
