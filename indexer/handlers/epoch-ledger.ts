import { bytesToHex } from '../../protocol/bytes.ts'
import { type EpochRecord, epochRecordHash } from '../../protocol/epoch-record.ts'
import type { BlockWriter } from '../store/block-writer.ts'
import type { Row } from '../store/store.ts'
import { change, contractHandlers, type EventReader } from './event.ts'

/**
 * Epochs of the AttributionLedger, a row each proposal. `proposed` until it is `final`, `reverted` or, where one before it was
 * reverted, `orphan` and then `released`.
 */
export const epochLedger = contractHandlers({
  'EpochProposed(uint64,address,(uint64,bytes32,uint64,uint64,bytes32,uint128,uint32,bytes32,uint128,uint32,bytes32,bytes32),uint128,(uint64,uint64,uint128,uint128,uint128))':
    (event, { block, timestamp, tx, writer }) => {
      const record = recordOf(event, timestamp)
      const key = Number(writer.get('select max(key) as last from epoch')?.['last'] ?? 0) + 1
      writer.set('epoch', key, { ...recordRow(record), block, tx_hash: tx.hash })
      writer.wantFile('epoch', key, record.header.dataHash)
    },
  'EpochFinalized(uint64,bytes32)': (event, { block, timestamp, tx, writer }) =>
    change(writer, 'epoch', standing(writer, event.topicNumber(1), 'proposed'), {
      status: 'final',
      final_block: block,
      final_at: timestamp,
      final_tx: tx.hash,
    }),
  'EpochReverted(uint64,uint64,address,uint256,uint256)': (event, { block, writer }) => {
    const number = event.topicNumber(1)
    const later = "select key from epoch where number > ? and status = 'proposed' order by key"
    for (const { key } of writer.all(later, number))
      change(writer, 'epoch', Number(key), { status: 'orphan', gone_block: block })
    change(writer, 'epoch', standing(writer, number, 'proposed'), {
      status: 'reverted',
      gone_block: block,
      winner: event.topicAddress(2),
      reward: event.decimal(1),
      burned: event.decimal(2),
    })
  },
  'EpochOrphaned(uint64,address,uint256)': (event, { writer }) =>
    change(writer, 'epoch', standing(writer, event.topicNumber(1), 'orphan'), { status: 'released' }),
  'AttributorSet(address)': (event, { writer }) => writer.set('setting', 'attributor', { value: event.address(0) }),
})

/** The one proposal of a number in a status: a place of the ledger holds one. */
function standing(writer: BlockWriter, number: number, status: 'proposed' | 'orphan'): number {
  const row = writer.get('select key from epoch where number = ? and status = ?', number, status)
  if (row === undefined) throw new Error(`event of epoch ${number}, which is not ${status}`)
  return Number(row['key'])
}

function recordOf(event: EventReader, timestamp: number): EpochRecord {
  return {
    header: {
      epoch: event.uint(0),
      parentRoot: event.word(1),
      firstBatch: event.uint(2),
      lastBatch: event.uint(3),
      creditsRoot: event.word(4),
      creditsSum: event.uint(5),
      creditsCount: event.number(6),
      payoutRoot: event.word(7),
      payoutSum: event.uint(8),
      payoutCount: event.number(9),
      dataHash: event.word(10),
      algoHash: event.word(11),
    },
    proposer: event.topicAddress(2),
    proposedAt: BigInt(timestamp),
    bond: event.uint(12),
    totals: {
      receipts: event.uint(13),
      entries: event.uint(14),
      payable_: event.uint(15),
      platform: event.uint(16),
      stakers: event.uint(17),
    },
  }
}

function recordRow(record: EpochRecord): Row {
  const { header, proposer, proposedAt, bond, totals } = record
  return {
    number: Number(header.epoch),
    status: 'proposed',
    hash: bytesToHex(epochRecordHash(record)),
    proposer,
    proposed_at: Number(proposedAt),
    bond: String(bond),
    parent_root: header.parentRoot,
    first_batch: Number(header.firstBatch),
    last_batch: Number(header.lastBatch),
    credits_root: header.creditsRoot,
    credits_sum: String(header.creditsSum),
    credits_count: header.creditsCount,
    payout_root: header.payoutRoot,
    payout_sum: String(header.payoutSum),
    payout_count: header.payoutCount,
    data_hash: header.dataHash,
    algo_hash: header.algoHash,
    total_receipts: String(totals.receipts),
    total_entries: String(totals.entries),
    total_payable: String(totals.payable_),
    total_platform: String(totals.platform),
    total_stakers: String(totals.stakers),
    winner: null,
    reward: null,
    burned: null,
    final_block: null,
    final_at: null,
    final_tx: null,
    gone_block: null,
  }
}
