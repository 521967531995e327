import type { QueryContext } from '../context.ts'
import { eventField, stateField } from '../lists.ts'
import { batchPipeline, epochOfBatch } from '../pipeline.ts'
import { column, type Entity, entity, origin, rowAt, stateColumn, stateEntity } from '../rows.ts'

export const Channel = {
  id: column('key'),
  payer: column('payer'),
  worker: column('worker'),
  balance: column('balance'),
  spent: column('spent'),
  withdrawal: column('withdrawal'),
  withdrawalAt: column('withdrawal_at'),
  segments: eventField('segment', ['batch', 'idx'], (row) => ({ channel: row['key'] })),
  blockNumber: column('block'),
}

export const Request = {
  id: column('key'),
  payer: column('payer'),
  model: stateColumn('model', 'model'),
  modelVersion: column('model_version'),
  class: column('class'),
  priceVersion: column('price_version'),
  maxFee: column('max_fee'),
  nonce: column('nonce'),
  promptRoot: column('prompt_root'),
  appCode: column('app_code'),
  maxTokens: column('max_tokens'),
  deadline: column('deadline'),
  status: column('status'),
  batch: stateColumn('receipt_batch', 'batch'),
  fee: column('fee'),
  refunded: column('refunded'),
  receipt: async ({ row, at }: Entity, _: unknown, context: QueryContext) =>
    row['batch'] === null
      ? null
      : entity(await rowAt(context, 'receipt', ['batch', 'request_id'], [row['batch'], row['key']]), at),
  ...origin,
}

const ofBatch = (row: Entity['row']) => ({ batch: row['key'] })

export const Batch = {
  id: column('key'),
  worker: column('worker'),
  committedAt: column('committed_at'),
  l2Block: column('block'),
  receiptRoot: column('receipt_root'),
  count: column('count'),
  sums: ({ row }: Entity) => {
    const [fee, tin, tout, entries, platform, model, stakers, worker, builder, contributors] = JSON.parse(
      String(row['sums']),
    ) as string[]
    return { fee, tin, tout, entries, platform, model, stakers, worker, builder, contributors }
  },
  class: column('class'),
  dataHash: column('data_hash'),
  segmentsHash: column('segments_hash'),
  hash: column('hash'),
  status: column('status'),
  holds: column('holds'),
  voidedReceipts: column('voided'),
  live: ({ row }: Entity) => (row['live'] === null ? null : (JSON.parse(String(row['live'])) as unknown)),
  data: dataFile('batch'),
  segments: eventField('segment', ['batch', 'idx'], ofBatch),
  receipts: eventField('receipt', ['batch', 'idx'], ofBatch),
  epoch: ({ row, at }: Entity, _: unknown, context: QueryContext) => epochOfBatch(context, row['key'], at),
  pipeline: ({ row, at }: Entity, _: unknown, context: QueryContext) => batchPipeline(context, row, at),
  voids: eventField('void_receipt', ['batch', 'receipt'], ofBatch),
  disputes: eventField('dispute', ['block', 'idx'], ofBatch),
  demands: stateField('demand', ofBatch),
  ...origin,
}

export const Segment = {
  batch: stateColumn('receipt_batch', 'batch'),
  index: column('idx'),
  channel: column('channel'),
  payer: async ({ row, at }: Entity, _: unknown, context: QueryContext) =>
    (await stateEntity(context, 'channel', row['channel'], at))?.row['payer'] ?? null,
  first: column('first'),
  count: column('count'),
  fee: column('fee'),
  requestId: column('request_id'),
  maxFee: column('max_fee'),
  cumulativeCap: column('cumulative_cap'),
  deadline: column('deadline'),
  r: column('r'),
  vs: column('vs'),
}

export const VoidReceipt = {
  index: column('receipt'),
  channel: column('channel'),
  requestId: column('request_id'),
  fee: column('fee'),
  ...origin,
}

/** What was found of the data of a batch or a proposal. */
export function dataFile(kind: 'batch' | 'epoch') {
  return async ({ row }: Entity, _: unknown, context: QueryContext) => {
    const found = await rowAt(context, 'ledger_file', ['kind', 'key'], [kind, row['key']])
    return { hash: row['data_hash'], state: found?.['state'] ?? 'missing', problem: found?.['problem'] ?? null }
  }
}
