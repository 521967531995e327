import { createHash } from 'node:crypto'
import type { Row, Store, Value } from '../store/store.ts'
import { queryError } from './query-error.ts'

/** Nodes of one page, at most and by default. */
export const pageNodesMax = 100
export const pageNodesDefault = 20

export type PageArguments = {
  readonly first?: number | null
  readonly after?: string | null
  readonly orderDirection?: 'asc' | 'desc' | null
}

/** Rows in an order that their key columns make total. */
export type Listing = {
  readonly from: string
  /** `sql` without `where`; joined by `and`. */
  readonly where: readonly { readonly sql: string; readonly values: readonly Value[] }[]
  readonly key: readonly string[]
}

/** A Relay connection by keyset: a page costs what it shows, however far into the list. Counts only when asked. */
export function connection<Node>(store: Store, listing: Listing, page: PageArguments, toNode: (row: Row) => Node) {
  const first = page.first ?? pageNodesDefault
  if (first < 1 || first > pageNodesMax)
    throw queryError('BAD_INPUT', `first must be 1 to ${pageNodesMax}, got ${first}`)
  const descending = page.orderDirection === 'desc'
  const tag = cursorTag(listing, descending)
  const filters = [...listing.where]
  const after =
    page.after === undefined || page.after === null ? undefined : decodeCursor(page.after, tag, listing.key.length)
  if (after !== undefined) {
    const marks = after.map(() => '?').join(', ')
    filters.push({ sql: `(${listing.key.join(', ')}) ${descending ? '<' : '>'} (${marks})`, values: after })
  }
  const order = listing.key.map((column) => `${column} ${descending ? 'desc' : 'asc'}`).join(', ')
  const sql = `select * from ${listing.from}${whereSql(filters)} order by ${order} limit ?`
  const rows = store.all(sql, ...filters.flatMap((filter) => filter.values), first + 1)
  const shown = rows.slice(0, first)
  const edges = shown.map((row) => ({ cursor: encodeCursor(row, listing.key, tag), node: toNode(row) }))
  return {
    edges,
    nodes: edges.map((edge) => edge.node),
    pageInfo: {
      hasNextPage: rows.length > first,
      hasPreviousPage: after !== undefined,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
    totalCount: () => {
      const count = store.get(
        `select count(*) as n from ${listing.from}${whereSql(listing.where)}`,
        ...listing.where.flatMap((filter) => filter.values),
      )
      return Number(count?.['n'] ?? 0)
    },
  }
}

/** A filter on equality, or none where the value is not given. */
export function equals(column: string, value: Value | undefined): Listing['where'] {
  return value === undefined || value === null ? [] : [{ sql: `${column} = ?`, values: [value] }]
}

function whereSql(filters: Listing['where']): string {
  return filters.length === 0 ? '' : ` where ${filters.map((filter) => filter.sql).join(' and ')}`
}

/** Binds a cursor to its list: used on another it is refused instead of giving a wrong page. */
function cursorTag(listing: Listing, descending: boolean): string {
  const text = JSON.stringify([listing.from, listing.where, descending], (_, value) =>
    value instanceof Uint8Array ? [...value] : value,
  )
  return createHash('sha256').update(text).digest('base64url').slice(0, 8)
}

function encodeCursor(row: Row, key: readonly string[], tag: string): string {
  const values = key.map((column) => row[column.split('.').at(-1) ?? column])
  return Buffer.from(JSON.stringify([tag, ...values])).toString('base64url')
}

function decodeCursor(cursor: string, tag: string, length: number): Value[] {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    parts = undefined
  }
  const isValid =
    Array.isArray(parts) &&
    parts.length === length + 1 &&
    parts.every((part) => typeof part === 'string' || typeof part === 'number')
  if (!isValid || !Array.isArray(parts)) throw queryError('BAD_INPUT', 'after is no cursor of this list')
  if (parts[0] !== tag) throw queryError('BAD_INPUT', 'after belongs to a list with another filter or order')
  return parts.slice(1) as Value[]
}
