import { bytesToHex } from '../../protocol/bytes.ts'
import type { BatchHeader, Segment } from '../../protocol/receipt-batch.ts'
import type { BatchFacts } from './batch-facts.ts'
import { decodeBatchFile } from './batch-file.ts'
import { joined, OpenBatch } from './batch-trees.ts'
import { challenge, demand, type Verdict } from './challenge.ts'
import { checkEntries } from './check-entries.ts'
import { checkReceipt } from './check-receipt.ts'
import { DataError } from './data-error.ts'
import type { OpenedReceipt } from './openings.ts'

/**
 * Judges a committed batch: a verdict for every receipt that has to go, or one for the whole batch; none where it is right.
 * `file`: the bytes found under the header's `dataHash`, if any; they count only where they open the header's root, and else
 * every receipt is demanded. Texts and answers are not judged here: that needs indexes and the model.
 */
export async function checkBatch(
  header: BatchHeader,
  segments: readonly Segment[],
  file: Uint8Array | undefined,
  facts: BatchFacts,
): Promise<Verdict[]> {
  const batch = opened(header, file)
  if (batch === undefined) {
    return Array.from({ length: header.count }, (_, index) => demand('requestReceipt', header, index))
  }
  const wrongSegment = segmentFault(batch, segments)
  if (wrongSegment !== undefined) return [wrongSegment]
  const verdicts: Verdict[] = []
  const settled = new Map<string, OpenedReceipt>()
  for (let i = 0; i < batch.count; i++) {
    const verdict = await receiptVerdict(batch, segments, i, settled, facts)
    if (verdict !== undefined) verdicts.push(verdict)
    else settled.set(batch.receipt(i).receipt.requestId, batch.openReceipt(i))
  }
  return verdicts
}

/** Undefined where the file is none, or of another batch. */
function opened(header: BatchHeader, file: Uint8Array | undefined): OpenBatch | undefined {
  if (file === undefined) return undefined
  try {
    const batch = new OpenBatch(header, decodeBatchFile(file))
    return batch.count === header.count && bytesToHex(batch.tree.root) === header.receiptRoot ? batch : undefined
  } catch (error) {
    if (error instanceof DataError) return undefined
    throw error
  }
}

/** The first segment that debited another sum than its receipts' fees. */
function segmentFault(batch: OpenBatch, segments: readonly Segment[]): Verdict | undefined {
  let start = 0
  for (const [k, { count, fee }] of segments.entries()) {
    const end = start + count
    let due = 0n
    for (let i = start; i < end; i++) due += batch.receipt(i).sums[0] ?? 0n
    if (due !== fee) {
      const rows = [receiptRow(batch, start), receiptRow(batch, end - 1)]
      return challenge('badSegment', batch.header, segments, BigInt(k), ...rows)
    }
    start = end
  }
  return undefined
}

/** A receipt's row where its content does not matter. */
function receiptRow(batch: OpenBatch, i: number) {
  const hash = bytesToHex(batch.tree.row(0, i).subarray(0, 32))
  return { hash, sums: batch.receipt(i).sums, siblings: joined(batch.tree.siblings(i)) }
}

async function receiptVerdict(
  batch: OpenBatch,
  segments: readonly Segment[],
  i: number,
  settled: ReadonlyMap<string, OpenedReceipt>,
  facts: BatchFacts,
): Promise<Verdict | undefined> {
  const wrong = await checkReceipt(batch, segments, i, facts)
  if (wrong !== undefined) return wrong
  const { requestId, worker } = batch.receipt(i).receipt
  const earlier = settled.get(requestId) ?? (await facts.earlierReceipt(worker, requestId, batch.header.batchId))
  if (earlier !== undefined) return challenge('duplicateRequest', batch.openReceipt(i), segments, earlier)
  return await checkEntries(batch, segments, i, facts)
}
