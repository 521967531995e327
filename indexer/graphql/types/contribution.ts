import { zeroAddress } from '../../../protocol/bytes.ts'
import type { Row } from '../../store/store.ts'
import type { PageArguments } from '../connection.ts'
import { contentText } from '../content-text.ts'
import type { QueryContext } from '../context.ts'
import { contributions, eventField, labels } from '../lists.ts'
import { column, type Entity, entity, rowAt, rowBy, stateColumn, stateOf, transactionOf } from '../rows.ts'

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
  announcedSize: column('size'),
  metaHash: column('meta_hash'),
  metadata: ({ row }: Entity, _: unknown, context: QueryContext) => contentText(row['meta_hash'], context),
  kind: async (node: Entity, _: unknown, context: QueryContext) =>
    contributionKinds[Number((await parentRow(node, context))?.['kind'] ?? 0)],
  parent: async (node: Entity, _: unknown, context: QueryContext) => {
    const parent = (await parentRow(node, context))?.['parent']
    return parent === undefined ? null : entity(await rowBy(context, 'contribution', 'id', parent), node.at)
  },
  annotations: ({ row, at }: Entity, page: PageArguments, context: QueryContext) => {
    const sql = 'id in (select id from contribution_parent where parent = ?)'
    return contributions({ where: [{ sql, values: [row['id'] ?? null] }], at }, page, context)
  },
  holds: async ({ row, at }: Entity, _: unknown, context: QueryContext) =>
    (await stateOf(context, 'contribution_hold', row['id'] ?? null, at))?.['holds'] ?? 0,
  redirectedTo: async ({ row, at }: Entity, _: unknown, context: QueryContext) => {
    const payee = (await stateOf(context, 'redirect', row['id'] ?? null, at))?.['payee']
    return payee === undefined || payee === zeroAddress ? null : payee
  },
  slash: async (node: Entity, _: unknown, context: QueryContext) => seen(node, 'contribution_slash', context),
  fault: async (node: Entity, _: unknown, context: QueryContext) => seen(node, 'contribution_fault', context),
  shownSignature: stateColumn('shown_signature', 'id'),
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

export const ContributionSlash = {
  rewardTo: column('reward_to'),
  amount: column('amount'),
  burned: column('burned'),
  blockNumber: column('block'),
}

export const ContributionFault = {
  by: column('by'),
  fault: column('fault'),
  bond: column('bond'),
  blockNumber: column('block'),
}

const contributionKinds = ['item', 'label', 'curation'] as const

function parentRow({ row }: Entity, context: QueryContext): Promise<Row | undefined> {
  return rowAt(context, 'contribution_parent', ['id'], [row['id']])
}

/** What happened to a contribution by the block that is asked for. */
async function seen({ row, at }: Entity, table: string, context: QueryContext): Promise<Entity | null> {
  const found = await rowAt(context, table, ['id'], [row['id']])
  return at !== undefined && Number(found?.['block']) > at ? null : entity(found, at)
}

/** What was decided of a contribution: by itself, which stands above what was decided of its batch. */
async function decision({ row, at }: Entity, context: QueryContext): Promise<Row | undefined> {
  const [own, ofBatch] = await Promise.all([
    stateOf(context, 'decision', `c${row['id']}`, at),
    row['batch'] === null ? undefined : stateOf(context, 'decision', `b${row['batch']}`, at),
  ])
  return own ?? ofBatch
}
