import { bytesToHex } from '../../protocol/bytes.ts'
import { committedBatch } from '../../protocol/commit-batch.ts'
import { batchHash, type Segment } from '../../protocol/receipt-batch.ts'
import type { BlockWriter } from '../store/block-writer.ts'
import type { Row } from '../store/store.ts'
import { change, contractHandlers, type EventContext, type EventHandler, noChange } from './event.ts'
import { debit, marketChannels } from './market-channels.ts'
import { marketRequests } from './market-requests.ts'
import { changeWorker, cover } from './worker-registry.ts'

/** Index of the InferenceMarket's events. */
export const inferenceMarket = new Map([
  ...marketChannels,
  ...marketRequests,
  ...contractHandlers({
    'BatchCommitted(uint64,address,uint128)': (event, context) =>
      commit(event.topicNumber(1), event.topicAddress(2), context),
    'BatchHeld(uint64,uint32)': (event, { writer }) =>
      change(writer, 'receipt_batch', event.topicNumber(1), { holds: event.number(0) }),
    'ReceiptVoided(uint64,uint32,address,bytes32,bytes32,uint128)': (event, { block, tx, writer }) => {
      const batch = event.topicNumber(1)
      writer.insert('void_receipt', {
        batch,
        receipt: event.topicNumber(2),
        channel: event.word(0),
        request_id: event.word(1),
        fee: event.decimal(2),
        block,
        tx_hash: tx.hash,
      })
      change(writer, 'receipt_batch', batch, { voided: Number(batchRow(writer, batch)['voided']) + 1 })
    },
    'BatchVoided(uint64,address,uint128)': (event, { block, writer }) => {
      const batch = event.topicNumber(1)
      uncover(writer, batch)
      change(writer, 'receipt_batch', batch, { status: 'void', settled_block: block })
    },
    'BatchMatured(uint64,address,bool)': (event, context) =>
      mature(event.topicNumber(1), event.number(0) === 1, context),
    'FeesSplit(uint64,uint128,uint128,uint128,uint128,uint128,uint128)': (event, { writer }) => {
      const [platform, model, stakers, worker, builder, contributors] = [0, 1, 2, 3, 4, 5].map((i) => event.decimal(i))
      const live = JSON.stringify({ platform, model, stakers, worker, builder, contributors })
      change(writer, 'receipt_batch', event.topicNumber(1), { live })
    },
    'EpochPaid(uint128,uint128,uint128)': (event, { block, tx, writer }) => {
      writer.owe('market', -(event.uint(0) + event.uint(1) + event.uint(2)))
      writer.owe('vault', event.uint(0))
      writer.insert('settlement', {
        block,
        idx: event.index,
        credits: event.decimal(0),
        platform: event.decimal(1),
        stakers: event.decimal(2),
        tx_hash: tx.hash,
      })
    },
    'StakeSet(address,uint128)': (event, { writer }) =>
      changeWorker(writer, event.topicAddress(1), { free: event.decimal(0) }),
    'Initialized(uint64)': noChange,
  } satisfies Record<string, EventHandler>),
])

/** The event names the batch; what it is stands in the transaction's calldata, which is of `commitBatch` alone. */
function commit(batch: number, worker: string, { block, timestamp, tx, writer }: EventContext): void {
  const place = { batchId: BigInt(batch), worker: tx.from, committedAt: BigInt(timestamp), l2Block: BigInt(block) }
  const { header, segments } = committedBatch(tx.input, place)
  const [fee = 0n] = header.sums
  writer.set('receipt_batch', batch, {
    worker,
    committed_at: timestamp,
    receipt_root: header.receiptRoot,
    count: header.count,
    sums: JSON.stringify(header.sums.map(String)),
    class: header.class,
    data_hash: header.dataHash,
    segments_hash: header.segmentsHash,
    hash: bytesToHex(batchHash(header)),
    segments: segments.length,
    status: 'committed',
    holds: 0,
    voided: 0,
    receipts_before: null,
    live: null,
    settled_block: null,
    block,
    tx_hash: tx.hash,
  })
  let first = 0
  for (const [idx, segment] of segments.entries()) {
    writer.insert('segment', segmentRow(batch, idx, first, segment, block))
    if (!/^0x0+$/.test(segment.channel)) debit(writer, segment.channel, segment.fee)
    first += segment.count
  }
  writer.owe('market', fee)
  cover(writer, worker, header.class, fee, 1)
  writer.wantFile('batch', batch, header.dataHash)
}

function mature(batch: number, isVoid: boolean, { block, writer }: EventContext): void {
  if (isVoid) return
  uncover(writer, batch)
  const last = writer.get(
    'select receipts_before + count as next from receipt_batch where receipts_before is not null order by receipts_before desc limit 1',
  )
  change(writer, 'receipt_batch', batch, {
    status: 'mature',
    receipts_before: Number(last?.['next'] ?? 0),
    settled_block: block,
  })
}

/** Once: a batch that is void at its maturity says both. */
function uncover(writer: BlockWriter, batch: number): void {
  const row = batchRow(writer, batch)
  if (row['status'] !== 'committed') return
  const [fee = '0'] = JSON.parse(String(row['sums'])) as string[]
  cover(writer, String(row['worker']), Number(row['class']), BigInt(fee), -1)
}

function batchRow(writer: BlockWriter, batch: number): Row {
  const row = writer.state('receipt_batch', batch)
  if (row === undefined) throw new Error(`event of batch ${batch}, which was never committed`)
  return row
}

function segmentRow(batch: number, idx: number, first: number, segment: Segment, block: number): Row {
  return {
    batch,
    idx,
    channel: segment.channel,
    first,
    count: segment.count,
    fee: String(segment.fee),
    request_id: segment.requestId,
    max_fee: String(segment.maxFee),
    cumulative_cap: String(segment.cumulativeCap),
    deadline: String(segment.deadline),
    r: segment.r,
    vs: segment.vs,
    block,
  }
}
