import type { QueryContext } from '../context.ts'
import { codeEarnings } from '../leaderboards.ts'
import { eventList, type ListArguments } from '../lists.ts'
import { column, type Entity } from '../rows.ts'

export const Code = {
  code: column('code'),
  owner: column('owner'),
  payout: column('payout'),
  uri: column('uri'),
  registeredAtBlock: column('block'),
  earnings: ({ row, at }: Entity, _: unknown, context: QueryContext) => codeEarnings(context, String(row['key']), at),
  entries: ({ row, at }: Entity, page: ListArguments, context: QueryContext) => {
    const ofCode = 'class = ? and (batch, receipt) in (select batch, idx from receipt where app_code = ?)'
    const where = [{ sql: ofCode, values: ['A', row['key'] ?? null] }]
    return eventList('entry', ['batch', 'receipt', 'idx'], { where, at }, page, context)
  },
}
