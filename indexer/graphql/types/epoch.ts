import type { PageArguments } from '../connection.ts'
import type { QueryContext } from '../context.ts'
import { eventField, stateField, stateList } from '../lists.ts'
import { claimOf } from '../pipeline.ts'
import { column, type Entity, entity, origin, rowAt, stateColumn, stateOf, transactionOf } from '../rows.ts'
import { dataFile } from './market.ts'
import { receiptOf } from './receipt.ts'

export const Epoch = {
  id: column('key'),
  number: column('number'),
  status: column('status'),
  hash: column('hash'),
  proposer: column('proposer'),
  proposedAt: column('proposed_at'),
  bond: column('bond'),
  parentRoot: column('parent_root'),
  firstBatch: column('first_batch'),
  lastBatch: column('last_batch'),
  creditsRoot: column('credits_root'),
  creditsSum: column('credits_sum'),
  creditsCount: column('credits_count'),
  payoutRoot: column('payout_root'),
  payoutSum: column('payout_sum'),
  payoutCount: column('payout_count'),
  dataHash: column('data_hash'),
  algoHash: column('algo_hash'),
  totals: ({ row }: Entity) => ({
    receipts: row['total_receipts'],
    entries: row['total_entries'],
    payable: row['total_payable'],
    platform: row['total_platform'],
    stakers: row['total_stakers'],
  }),
  finalAt: column('final_at'),
  finalIn: ({ row }: Entity, _: unknown, context: QueryContext) =>
    row['final_tx'] === null ? null : transactionOf(row['final_tx'], context),
  winner: column('winner'),
  reward: column('reward'),
  burned: column('burned'),
  data: dataFile('epoch'),
  batches: ({ row, at }: Entity, page: PageArguments, context: QueryContext) => {
    const of = { first: row['first_batch'], last: row['last_batch'] }
    const ofSql = 'key between parent.value ->> 0 and parent.value ->> 1'
    return stateList('receipt_batch', { of, ofSql, at }, page, context)
  },
  credits: eventField('credit', ['proposal', 'idx'], (row) => ({ proposal: row['key'] })),
  // A number may have had other proposals, which paid nobody.
  claims: eventField('claim', ['block', 'idx'], (row) => ({ epoch: row['status'] === 'final' ? row['number'] : null })),
  disputes: eventField('dispute', ['block', 'idx'], (row) => ({ epoch: row['number'] })),
  demands: stateField('demand', (row) => ({ epoch: row['number'] })),
  ...origin,
}

export const Settlement = {
  credits: column('credits'),
  platform: column('platform'),
  stakers: column('stakers'),
  ...origin,
}

export const Credit = {
  payee: column('payee'),
  epoch: stateColumn('epoch', 'proposal'),
  index: column('idx'),
  amount: column('amount'),
  batchId: column('batch'),
  receiptIndex: column('receipt'),
  entryIndex: column('entry'),
  receipt: ({ row, at }: Entity, _: unknown, context: QueryContext) =>
    row['batch'] === null ? null : receiptOf(context, [row['batch'], row['receipt']], at),
  entry: async ({ row, at }: Entity, _: unknown, context: QueryContext) => {
    const place = [row['batch'], row['receipt'], row['entry']]
    return entity(await rowAt(context, 'entry', ['batch', 'receipt', 'idx'], place), at)
  },
  claim: async ({ row, at }: Entity, _: unknown, context: QueryContext) => {
    const epoch = await stateOf(context, 'epoch', row['proposal'] ?? null, at)
    return entity(await claimOf(context, row['payee'], epoch?.['number'], at), at)
  },
}
