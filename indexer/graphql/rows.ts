import type { StateTableName } from '../store/schema.ts'
import type { Row, Value } from '../store/store.ts'
import type { QueryContext } from './context.ts'

/** A row, and the block whose state it shows; `at` undefined: the newest. */
export type Entity = { readonly row: Row; readonly at?: number | undefined }

export function entity(row: Row | undefined, at?: number): Entity | null {
  return row === undefined ? null : { row, at }
}

/** A resolver that shows a column. */
export const column = (name: string) => (entity: Entity) => entity.row[name]

/** Row of an event or content table by a unique column; those of one level of a query in one statement. */
export function rowBy(
  { store, loaders }: QueryContext,
  table: 'block' | 'tx' | 'content',
  column: string,
  key: Value | undefined,
): Promise<Row | undefined> {
  return loaders.load(`${table}.${column}`, key ?? null, (keys) => {
    const rows = store.all(
      `select * from ${table} where ${column} in (select value from json_each(?))`,
      JSON.stringify(keys),
    )
    return new Map(rows.map((row) => [row[column] ?? null, row]))
  })
}

/** Row of a state table, now or as block `at` left it. */
export function stateOf(
  { store, loaders }: QueryContext,
  table: StateTableName,
  key: Value,
  at: number | undefined,
): Promise<Row | undefined> {
  const history = `select h.* from json_each(?) k join ${table}_h h
    on h.key = k.value and h.at = (select max(at) from ${table}_h where key = k.value and at <= ?)`
  return loaders.load(`${table} at ${at}`, key, (keys) => {
    const list = JSON.stringify(keys)
    const rows =
      at === undefined
        ? store.all(`select * from ${table} where key in (select value from json_each(?))`, list)
        : store.all(history, list, at)
    return new Map(rows.map((row) => [row['key'] ?? null, row]))
  })
}

export async function transactionOf(hash: Value | undefined, context: QueryContext): Promise<Entity | null> {
  return entity(await rowBy(context, 'tx', 'hash', hash))
}
