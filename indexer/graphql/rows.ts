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
  table: 'block' | 'tx' | 'content' | 'contribution',
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

/** Row of a table by several columns that name it; those of one level of a query in one statement. */
export function rowAt(
  { store, loaders }: QueryContext,
  table: string,
  columns: readonly string[],
  values: readonly (Value | undefined)[],
): Promise<Row | undefined> {
  return loaders.load(`${table} by ${columns.join()}`, JSON.stringify(values), (places) => {
    const on = columns.map((column, i) => `t.${column} = k.value ->> ${i}`).join(' and ')
    const sql = `select k.key as place_index, t.* from json_each(?) k join ${table} t on ${on}`
    const rows = store.all(sql, `[${places.join()}]`)
    return new Map(rows.map((row) => [places[Number(row['place_index'])] ?? null, row]))
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

/** The object that a column names; null where it names none. */
export async function stateEntity(
  context: QueryContext,
  table: StateTableName,
  key: Value | undefined,
  at: number | undefined,
): Promise<Entity | null> {
  return key === null || key === undefined ? null : entity(await stateOf(context, table, key, at), at)
}

/** A resolver that shows the object whose key stands in a column. */
export const stateColumn =
  (table: StateTableName, name: string) =>
  ({ row, at }: Entity, _: unknown, context: QueryContext) =>
    stateEntity(context, table, row[name], at)

/** A resolver that shows a column of 0 or 1. */
export const flag = (name: string) => (entity: Entity) => entity.row[name] === 1

/** Where a row came from. */
export const origin = {
  blockNumber: column('block'),
  transaction: ({ row }: Entity, _: unknown, context: QueryContext) => transactionOf(row['tx_hash'], context),
}
