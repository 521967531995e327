import { bytesToHex } from '../../protocol/bytes.ts'
import type { BatchHeader, Segment } from '../../protocol/receipt-batch.ts'
import type { BatchData } from './batch-data.ts'
import type { BatchFacts } from './batch-facts.ts'
import { joined } from './batch-trees.ts'
import { challenge, type Verdict } from './challenge.ts'
import { checkEntries, wantedEntries } from './check-entries.ts'
import { checkReceipt, isRequestOf, wantedReceipt } from './check-receipt.ts'
import { type Asking, chosen, type Wanted } from './demand-order.ts'
import { u128At, viewOf } from './epoch-rows.ts'
import { KnownBatch, type KnownReceipt } from './known-batch.ts'
import { type OpenedRow, sumsBeside } from './partial-tree.ts'

/** Sums of a receipt's row. */
const sumPlaces = 10

/**
 * Judges a committed batch: a challenge for every receipt that has to go, or one for the whole batch; and a demand for leaves
 * that nobody knows, most telling first. Nothing where the batch is right. All is judged that is under the header's root:
 * what was shown on chain, and of the file what siblings of shown leaves confirm, or the whole of it. Texts and answers are
 * not judged here: that needs indexes and the model.
 */
export async function checkBatch(
  header: BatchHeader,
  segments: readonly Segment[],
  data: BatchData,
  facts: BatchFacts,
  asking: Asking,
): Promise<Verdict[]> {
  const batch = KnownBatch.of(header, segments, data)
  const wrong = totalFault(batch) ?? segmentFault(batch)
  if (wrong !== undefined) return [wrong]
  const edges = unknownEdges(batch)
  const settled = new Map<string, number>()
  const challenges: Verdict[] = []
  const wanted: Wanted[] = []
  for (let i = 0; i < header.count; i++) {
    const one = batch.receipt(i)
    if (one === undefined) {
      if (edges.has(i) || data.voided?.has(i) !== true) wanted.push(wantedReceipt(batch, i, edges.has(i)))
      continue
    }
    if (data.voided?.has(i) === true) continue
    const found = await judge(batch, i, one, settled, facts, asking.seed)
    if ('kind' in found) {
      challenges.push(found)
      continue
    }
    settled.set(one.receipt.requestId, i)
    wanted.push(...found)
  }
  const open = wanted.filter(({ leaf }) => !batch.isDemanded(leaf))
  return [...challenges, ...chosen(open, asking)]
}

/** What is wrong with receipt `i`, or what of it is not known. */
async function judge(
  batch: KnownBatch,
  i: number,
  one: KnownReceipt,
  settled: ReadonlyMap<string, number>,
  facts: BatchFacts,
  seed: Uint8Array,
): Promise<Verdict | readonly Wanted[]> {
  const missing = await checkReceipt(batch, i, one, facts, seed)
  if ('kind' in missing) return missing
  const { requestId, worker, attrRoot } = one.receipt
  const twin = settled.get(requestId)
  const earlier =
    twin === undefined ? await facts.earlierReceipt(worker, requestId, batch.header.batchId) : batch.openReceipt(twin)
  if (earlier !== undefined) return challenge('duplicateRequest', batch.openReceipt(i), batch.segments, earlier)
  // Payees of the app and the model follow from the request.
  const entries = isRequestOf(one, facts.chainId)
    ? await checkEntries(batch, i, one, facts)
    : wantedEntries(batch, i, batch.entries(i, one.receipt), attrRoot)
  return 'kind' in entries ? entries : [...missing, ...entries]
}

/** Rows behind the last receipt that carry any of its sums. */
function totalFault({ header, segments, tree }: KnownBatch): Verdict | undefined {
  const last = tree.opened(header.count - 1)
  if (last === undefined) return undefined
  const hidden = sumsBeside(last, header.count - 1, 'behind', sumPlaces)
  return hidden.some((sum) => sum > 0n) ? challenge('badBatchTotal', header, segments, receiptRow(last)) : undefined
}

/** The first segment that is known to have debited another sum than its receipts' fees. */
function segmentFault({ header, segments, tree }: KnownBatch): Verdict | undefined {
  let start = 0
  for (const [k, { count, fee }] of segments.entries()) {
    const end = start + count - 1
    const [first, last] = [tree.opened(start), tree.opened(end)]
    if (first !== undefined && last !== undefined) {
      const due = feesBefore(last, end) + feeOf(last) - feesBefore(first, start)
      if (due !== fee) {
        return challenge('badSegment', header, segments, BigInt(k), receiptRow(first), receiptRow(last))
      }
    }
    start += count
  }
  return undefined
}

/** The leaves that show what the padding holds and where the segments' fees begin and end, as far as nobody has shown them. */
function unknownEdges({ header, segments, tree }: KnownBatch): ReadonlySet<number> {
  const edges = [header.count - 1]
  let start = 0
  // One segment is the whole batch, whose fees the market compared.
  for (const { count } of segments.length > 1 ? segments : []) {
    edges.push(start, start + count - 1)
    start += count
  }
  return new Set(edges.filter((i) => tree.opened(i) === undefined))
}

function feesBefore(opened: OpenedRow, i: number): bigint {
  return sumsBeside(opened, i, 'before', 1)[0] ?? 0n
}

function feeOf({ row }: OpenedRow): bigint {
  return u128At(viewOf(row), 32)
}

/** A receipt's row where its content does not matter. */
function receiptRow({ row, siblings }: OpenedRow) {
  const view = viewOf(row)
  const sums = Array.from({ length: sumPlaces }, (_, place) => u128At(view, 32 + 16 * place))
  return { hash: bytesToHex(row.subarray(0, 32)), sums, siblings: joined(siblings) }
}
