import type { StateTableName } from '../store/schema.ts'
import type { Row, Value } from '../store/store.ts'
import { connection, equals, type Filter, type Listing, type PageArguments } from './connection.ts'
import type { QueryContext } from './context.ts'
import type { Entity } from './rows.ts'

/** Values of a `where` argument. */
export type Where = Readonly<Record<string, Value>> | null | undefined
export type ListArguments = PageArguments & { readonly where?: Where }

/** Which rows: of a parent, filtered, as of a block. */
type Selection = {
  readonly of?: Listing['of']
  readonly ofSql?: Listing['ofSql']
  readonly where?: readonly Filter[]
  readonly at?: number | undefined
}

export function datanets(selection: Selection, page: PageArguments, context: QueryContext) {
  return stateList('datanet', selection, page, context)
}

export function codes(selection: Selection, page: PageArguments, context: QueryContext) {
  return stateList('code', selection, page, context)
}

export function contributions(selection: Selection, page: PageArguments, context: QueryContext) {
  return eventList('contribution', ['id'], selection, page, context)
}

export function versions(selection: Selection, page: PageArguments, context: QueryContext) {
  return eventList('version', ['datanet', 'version'], selection, page, context)
}

export function transactions(selection: Selection, page: PageArguments, context: QueryContext) {
  return eventList('tx', ['block', 'idx'], selection, page, context)
}

export function logs(selection: Selection, page: PageArguments, context: QueryContext) {
  return eventList('log', ['block', 'idx'], selection, page, context)
}

export function labels(selection: Selection, page: PageArguments, context: QueryContext) {
  return eventList('label', ['id'], selection, page, context)
}

/** Datanets that `author` had contributed to by the block. */
export function contributedBy(author: Value | undefined, at: number | undefined): readonly Filter[] {
  if (author === undefined || author === null) return []
  const until = at === undefined ? '' : ' and block <= ?'
  return [
    {
      sql: `key in (select datanet from contributor where author = ?${until})`,
      values: at === undefined ? [author] : [author, at],
    },
  ]
}

/** Contributions of a status, now or as a block left them; each by itself, which stands above its batch. */
export function statusFilter(status: Value | undefined, at: number | undefined): readonly Filter[] {
  if (status === undefined || status === null) return []
  const of = (key: string) =>
    at === undefined
      ? `(select status from decision where key = ${key})`
      : `(select status from decision_h where key = ${key} and at <= ? order by at desc limit 1)`
  const sql = `coalesce(${of("'c' || id")}, ${of("'b' || batch")}, 'pending') = ?`
  return [{ sql, values: at === undefined ? [status] : [at, at, status] }]
}

export function contributionFilter(where: Where, at: number | undefined): readonly Filter[] {
  const batch = where?.['batch']
  return [
    ...statusFilter(where?.['status'], at),
    ...equals('datanet', where?.['datanet']),
    ...equals('author', where?.['author']),
    ...equals('content_hash', where?.['contentHash']),
    // A batch has consecutive ids: the range finds them without an index of their own.
    ...equals('batch', batch),
    ...(batch === undefined || batch === null
      ? []
      : [{ sql: 'id >= ? and id < ? + (select count from batch where first_id = ?)', values: [batch, batch, batch] }]),
  ]
}

/** Which rows of tables without a block of their own a block has seen: they belong to a batch or a proposal. */
const seen: Readonly<Record<string, string>> = {
  receipt: `batch <= ${lastOf('receipt_batch')}`,
  entry: `batch <= ${lastOf('receipt_batch')}`,
  credit: `proposal <= ${lastOf('epoch')}`,
}

function lastOf(table: StateTableName): string {
  return `(select key from ${table} where block <= ? order by block desc, key desc limit 1)`
}

/** Rows of an event table, or of data files, that were there by the block. */
export function eventList(
  from: string,
  key: readonly string[],
  { of, ofSql, where = [], at }: Selection,
  page: PageArguments,
  context: QueryContext,
  toNode: (row: Row, at: number | undefined) => unknown = (row, at) => ({ row, at }),
) {
  const until = at === undefined ? [] : [{ sql: seen[from] ?? 'block <= ?', values: [at] }]
  const listing = { from, key, where: [...where, ...until], ...parentOf({ of, ofSql }) }
  return connection(context, listing, page, (row: Row) => toNode(row, at))
}

/** Rows of a state table, as the block left them. */
export function stateList(
  table: StateTableName,
  { of, ofSql, where = [], at }: Selection,
  page: PageArguments,
  context: QueryContext,
) {
  // Nothing is ever deleted, so the current table lists every key there was, in the order of the page.
  const past = `(select h.* from ${table} now join ${table}_h h
    on h.key = now.key and h.at = (select max(at) from ${table}_h where key = now.key and at <= ?))`
  const from = at === undefined ? { from: table } : { from: past, fromValues: [at] }
  const listing = { ...from, key: ['key'], where, ...parentOf({ of, ofSql }) }
  return connection(context, listing, page, (row: Row) => ({ row, at }))
}

function parentOf({ of, ofSql }: Selection): Pick<Listing, 'of' | 'ofSql'> {
  return { ...(of === undefined ? {} : { of }), ...(ofSql === undefined ? {} : { ofSql }) }
}

/** Column that an argument of `where` is compared with, by the argument's name. */
export type FilterColumns = Readonly<Record<string, string>>

export function filtersOf(where: Where, columns: FilterColumns): readonly Filter[] {
  return Object.entries(columns).flatMap(([argument, column]) => equals(column, where?.[argument]))
}

type Of = (row: Row) => Listing['of']
type Field = (node: Entity, args: ListArguments, context: QueryContext) => unknown

/** A field that lists the rows of an event table that belong to its object. */
export function eventField(table: string, key: readonly string[], of: Of, columns: FilterColumns = {}): Field {
  return ({ row, at }, { where, ...page }, context) =>
    eventList(table, key, { of: of(row), where: filtersOf(where, columns), at }, page, context)
}

/** A field that lists the rows of a state table that belong to its object. */
export function stateField(table: StateTableName, of: Of): Field {
  return ({ row, at }, { where: _where, ...page }, context) => stateList(table, { of: of(row), at }, page, context)
}
