import type { Row } from '../../store/store.ts'
import type { PageArguments } from '../connection.ts'
import { contentText } from '../content-text.ts'
import type { QueryContext } from '../context.ts'
import { eventField, labels } from '../lists.ts'
import { column, type Entity, entity, rowBy, stateOf, transactionOf } from '../rows.ts'

export const Contribution = {
  id: column('id'),
  datanet: async ({ row, at }: Entity, _: unknown, context: QueryContext) =>
    entity(await stateOf(context, 'datanet', row['datanet'] ?? null, at), at),
  author: column('author'),
  contentHash: column('content_hash'),
  simHash: column('sim_hash'),
  consent: column('consent'),
  bond: column('bond'),
  status: async (node: Entity, _: unknown, context: QueryContext) =>
    (await decision(node, context))?.['status'] ?? 'pending',
  score: async (node: Entity, _: unknown, context: QueryContext) => (await decision(node, context))?.['score'] ?? 0,
  batch: column('batch'),
  blockNumber: column('block'),
  transaction: ({ row }: Entity, _: unknown, context: QueryContext) => transactionOf(row['tx_hash'], context),
  size: async ({ row }: Entity, _: unknown, context: QueryContext) =>
    (await rowBy(context, 'content', 'hash', row['content_hash']))?.['size'] ?? null,
  preview: async ({ row }: Entity, _: unknown, context: QueryContext) =>
    (await rowBy(context, 'content', 'hash', row['content_hash']))?.['preview'] ?? null,
  text: ({ row }: Entity, _: unknown, context: QueryContext) => contentText(row['content_hash'], context),
  entries: eventField('entry', ['batch', 'receipt', 'idx'], (row) => ({ contribution: row['id'] })),
  labels: ({ row }: Entity, page: PageArguments, context: QueryContext) =>
    labels({ of: { tx_hash: row['tx_hash'] } }, page, context),
}

/** What was decided of a contribution: by itself, which stands above what was decided of its batch. */
async function decision({ row, at }: Entity, context: QueryContext): Promise<Row | undefined> {
  const [own, ofBatch] = await Promise.all([
    stateOf(context, 'decision', `c${row['id']}`, at),
    row['batch'] === null ? undefined : stateOf(context, 'decision', `b${row['batch']}`, at),
  ])
  return own ?? ofBatch
}
