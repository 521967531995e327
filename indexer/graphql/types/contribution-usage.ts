import { type AtBlock, atBlock } from '../at-block.ts'
import type { QueryContext } from '../context.ts'
import { column } from '../rows.ts'

const daySeconds = 86_400

type Arguments = AtBlock & { readonly author: string; readonly day?: number | null }

/** Files and bytes of an author on a day, added up from what was contributed: the contract's counts, replayed. */
export function contributionUsage(_: unknown, { author, day, block }: Arguments, context: QueryContext) {
  const { store } = context
  const at = atBlock({ block }, context) ?? Number.MAX_SAFE_INTEGER
  const newest = Number(store.get('select max(timestamp) as t from block where number <= ?', at)?.['t'] ?? 0)
  const wanted = day ?? Math.floor(newest / daySeconds)
  const files = (table: string, alone: string) =>
    `select size from ${table} join block on block.number = ${table}.block
     where author = ? and ${alone} ${table}.block <= ? and timestamp / ${daySeconds} = ?`
  const sql = `select count(*) as files, coalesce(sum(size), 0) as bytes from
    (${files('contribution', 'contribution.batch is null and')} union all ${files('batch', '')})`
  const row = store.get(sql, author, at, wanted, author, at, wanted)
  return { row: { author, day: wanted, files: row?.['files'] ?? 0, bytes: String(row?.['bytes'] ?? 0) } }
}

export const ContributionUsage = {
  author: column('author'),
  day: column('day'),
  files: column('files'),
  bytes: column('bytes'),
}
