import type { QueryContext } from '../context.ts'
import { standingCredits } from '../earnings.ts'
import { eventField, eventList, type ListArguments } from '../lists.ts'
import { creditOf, epochOfBatch, receiptPipeline } from '../pipeline.ts'
import { column, type Entity, entity, rowAt, rowBy, stateColumn, stateEntity, stateOf } from '../rows.ts'

const ofReceipt = (row: Entity['row']) => ({ batch: row['batch'], receipt: row['idx'] })

export const Receipt = {
  batch: stateColumn('receipt_batch', 'batch'),
  index: column('idx'),
  requestId: column('request_id'),
  payer: column('payer'),
  worker: column('worker'),
  model: stateColumn('model', 'model'),
  modelVersion: column('model_version'),
  version: async ({ row, at }: Entity, _: unknown, context: QueryContext) =>
    entity(await rowAt(context, 'model_version', ['model', 'version'], [row['model'], row['model_version']]), at),
  price: async ({ row, at }: Entity, _: unknown, context: QueryContext) => entity(await priceOf(context, row), at),
  request: async ({ row, at }: Entity, _: unknown, context: QueryContext) =>
    row['payment'] === 'onChain' ? stateEntity(context, 'request', row['request_id'], at) : null,
  class: column('class'),
  tin: column('tin'),
  tout: column('tout'),
  fee: column('fee'),
  parts: ({ row }: Entity) => ({
    platform: row['platform'],
    model: row['model_share'],
    stakers: row['stakers'],
    worker: row['worker_share'],
    builder: row['builder'],
    contributors: row['contributors'],
  }),
  payment: column('payment'),
  appCode: column('app_code'),
  outputRoot: column('output_root'),
  attrRoot: column('attr_root'),
  isVoid: async ({ row, at }: Entity, _: unknown, context: QueryContext) => {
    const [batch, own] = await Promise.all([
      stateOf(context, 'receipt_batch', row['batch'] ?? null, at),
      rowAt(context, 'void_receipt', ['batch', 'receipt'], [row['batch'], row['idx']]),
    ])
    const voided = own !== undefined && Number(own['block']) <= (at ?? Number.POSITIVE_INFINITY)
    return voided || batch?.['status'] === 'void'
  },
  entries: eventField('entry', ['batch', 'receipt', 'idx'], ofReceipt),
  credits: ({ row, at }: Entity, page: ListArguments, context: QueryContext) =>
    eventList('credit', ['proposal', 'idx'], { of: ofReceipt(row), where: standingCredits(at), at }, page, context),
  epoch: ({ row, at }: Entity, _: unknown, context: QueryContext) => epochOfBatch(context, row['batch'], at),
  pipeline: ({ row, at }: Entity, _: unknown, context: QueryContext) => receiptPipeline(context, row, at),
}

/** The price that a receipt names, which is where it names one. */
export function priceOf(context: QueryContext, row: Entity['row']): Promise<Entity['row'] | undefined> {
  const columns = ['model', 'version', 'class', 'price_version']
  return rowAt(context, 'price', columns, [row['model'], row['model_version'], row['class'], row['price_version']])
}

export const Entry = {
  receipt: ({ row, at }: Entity, _: unknown, context: QueryContext) =>
    receiptOf(context, [row['batch'], row['receipt']], at),
  index: column('idx'),
  class: column('class'),
  id: column('id'),
  payee: column('payee'),
  evidenceHash: column('evidence_hash'),
  weight: column('weight'),
  amount: column('amount'),
  contribution: async ({ row, at }: Entity, _: unknown, context: QueryContext) =>
    row['contribution'] === null ? null : entity(await rowBy(context, 'contribution', 'id', row['contribution']), at),
  datanet: ({ row, at }: Entity, _: unknown, context: QueryContext) =>
    row['class'] === 'U' ? stateEntity(context, 'datanet', Number(row['id']), at) : null,
  credit: async ({ row, at }: Entity, _: unknown, context: QueryContext) =>
    entity(await creditOf(context, [row['batch'], row['receipt'], row['idx']], at), at),
}

/** The receipt at a place in a batch; null where the data of the batch is not there. */
export async function receiptOf(
  context: QueryContext,
  place: readonly (Entity['row'][string] | undefined)[],
  at: number | undefined,
): Promise<Entity | null> {
  return entity(await rowAt(context, 'receipt', ['batch', 'idx'], place), at)
}
