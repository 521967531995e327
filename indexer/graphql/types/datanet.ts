import { payeePools, poolPayee } from '../../../protocol/attribution-entry.ts'
import type { PageArguments } from '../connection.ts'
import { contentText } from '../content-text.ts'
import type { QueryContext } from '../context.ts'
import {
  contributionFilter,
  contributions,
  eventField,
  type ListArguments,
  labels,
  stateField,
  versions,
} from '../lists.ts'
import { column, type Entity, stateEntity, transactionOf } from '../rows.ts'

export const Datanet = {
  id: column('key'),
  owner: column('owner'),
  mediaType: column('media_type'),
  licence: column('licence_id'),
  status: column('status'),
  version: column('version'),
  metaHash: column('meta_hash'),
  meta: ({ row }: Entity, _: unknown, context: QueryContext) => contentText(row['meta_hash'], context),
  createdAtBlock: column('created_block'),
  createdIn: ({ row }: Entity, _: unknown, context: QueryContext) => transactionOf(row['created_tx'], context),
  contributions: ({ row, at }: Entity, { where, ...page }: ListArguments, context: QueryContext) =>
    contributions({ of: { datanet: row['key'] }, where: contributionFilter(where), at }, page, context),
  versions: ({ row, at }: Entity, page: PageArguments, context: QueryContext) =>
    versions({ of: { datanet: row['key'] }, at }, page, context),
  labels: ({ row, at }: Entity, page: PageArguments, context: QueryContext) =>
    labels({ of: { datanet_id: String(row['key']) }, at }, page, context),
  pool: ({ row, at }: Entity, _: unknown, context: QueryContext) =>
    stateEntity(context, 'pool', poolPayee(payeePools.units, BigInt(Number(row['key']))), at),
  indexes: stateField('text_index', (row) => ({ datanet: row['key'] })),
  models: eventField('model_datanet', ['block', 'idx'], (row) => ({ datanet: row['key'] })),
}

export const DatanetVersion = {
  version: column('version'),
  itemsRoot: column('items_root'),
  tokenRoot: column('token_root'),
  suffixRoot: column('suffix_root'),
  tokenCount: column('token_count'),
  croissantHash: column('croissant_hash'),
  croissant: ({ row }: Entity, _: unknown, context: QueryContext) => contentText(row['croissant_hash'], context),
  blockNumber: column('block'),
  transaction: ({ row }: Entity, _: unknown, context: QueryContext) => transactionOf(row['tx_hash'], context),
}
