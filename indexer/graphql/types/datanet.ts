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
  statusFilter,
  versions,
} from '../lists.ts'
import { column, type Entity, entity, flag, rowAt, stateColumn, stateEntity, transactionOf } from '../rows.ts'

export const Datanet = {
  id: column('key'),
  owner: column('owner'),
  mediaType: column('media_type'),
  visibility: column('visibility'),
  governed: flag('governed'),
  parameters: ({ row, at }: Entity, _: unknown, context: QueryContext) => parametersOf(Number(row['key']), at, context),
  reviewQueue: ({ row, at }: Entity, page: PageArguments, context: QueryContext) =>
    contributions({ of: { datanet: row['key'] }, where: statusFilter('pending', at), at }, page, context),
  licence: column('licence_id'),
  licenceTerms: stateColumn('licence', 'licence_id'),
  status: column('status'),
  version: column('version'),
  metaHash: column('meta_hash'),
  meta: ({ row }: Entity, _: unknown, context: QueryContext) => contentText(row['meta_hash'], context),
  createdAtBlock: column('created_block'),
  createdIn: ({ row }: Entity, _: unknown, context: QueryContext) => transactionOf(row['created_tx'], context),
  contributions: ({ row, at }: Entity, { where, ...page }: ListArguments, context: QueryContext) =>
    contributions({ of: { datanet: row['key'] }, where: contributionFilter(where, at), at }, page, context),
  versions: ({ row, at }: Entity, page: PageArguments, context: QueryContext) =>
    versions({ of: { datanet: row['key'] }, at }, page, context),
  labels: ({ row, at }: Entity, page: PageArguments, context: QueryContext) =>
    labels({ of: { datanet_id: String(row['key']) }, at }, page, context),
  pool: ({ row, at }: Entity, _: unknown, context: QueryContext) =>
    stateEntity(context, 'pool', poolPayee(payeePools.units, BigInt(Number(row['key']))), at),
  units: stateField('version_units', (row) => ({ datanet: row['key'] })),
  unitBalances: stateField('unit_balance', (row) => ({ datanet: row['key'] })),
  unitIncome: eventField('unit_income', ['block', 'idx'], (row) => ({ datanet: row['key'] })),
  proposals: stateField('unit_proposal', (row) => ({ datanet: row['key'] })),
  offers: stateField('access_offer', (row) => ({ datanet: row['key'] })),
  accessRequests: stateField('access_request', (row) => ({ datanet: row['key'] })),
  accessGrants: stateField('access_grant', (row) => ({ datanet: row['key'] })),
  gate: ({ row, at }: Entity, _: unknown, context: QueryContext) =>
    stateEntity(context, 'datanet_gate', Number(row['key']), at),
  credentials: stateField('shown_credential', (row) => ({ datanet: row['key'] })),
  countedReputations: stateField('counted_reputation', (row) => ({ datanet: row['key'] })),
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
  statementHash: column('statement_hash'),
  statement: ({ row }: Entity, _: unknown, context: QueryContext) => contentText(row['statement_hash'], context),
  diff: (node: Entity, _: unknown, context: QueryContext) => ofVersion(node, 'version_diff', context),
  gapHours: async (node: Entity, _: unknown, context: QueryContext) =>
    (await ofVersion(node, 'live_gap', context))?.row['hours'] ?? 0,
  voidFor: async (node: Entity, _: unknown, context: QueryContext) =>
    (await ofVersion(node, 'version_void', context))?.row['fault'] ?? null,
  croissant: ({ row }: Entity, _: unknown, context: QueryContext) => contentText(row['croissant_hash'], context),
  blockNumber: column('block'),
  transaction: ({ row }: Entity, _: unknown, context: QueryContext) => transactionOf(row['tx_hash'], context),
}

export const VersionDiff = {
  previousRoot: column('previous_root'),
  addedRoot: column('added_root'),
  removedRoot: column('removed_root'),
  itemCount: column('item_count'),
  added: column('added'),
  removed: column('removed'),
  addedBytes: column('added_bytes'),
  fee: column('fee'),
}

export const DatanetParameter = { key: column('parameter'), value: column('value') }

/** A Datanet has a dozen parameters at most. */
async function parametersOf(datanet: number, at: number | undefined, { store }: QueryContext): Promise<Entity[]> {
  const now = 'select * from datanet_parameter where datanet = ? order by parameter'
  const past = `select h.* from datanet_parameter_h h where h.datanet = ? and h.at =
    (select max(at) from datanet_parameter_h where key = h.key and at <= ?) order by h.parameter`
  const rows = at === undefined ? store.all(now, datanet) : store.all(past, datanet, at)
  return rows.map((row) => ({ row, at }))
}

/** What is known of a version besides, by the block that is asked for. */
async function ofVersion({ row, at }: Entity, table: string, context: QueryContext): Promise<Entity | null> {
  const found = await rowAt(context, table, ['datanet', 'version'], [row['datanet'], row['version']])
  return at !== undefined && Number(found?.['block']) > at ? null : entity(found, at)
}
