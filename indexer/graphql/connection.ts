import type { Row, Value } from '../store/store.ts'
import type { QueryContext } from './context.ts'
import { cursorTag, decodeCursor, encodeCursor } from './cursor.ts'
import { queryError } from './query-error.ts'

/** Nodes of one page, at most and by default. */
export const pageNodesMax = 100
export const pageNodesDefault = 20
/** Where `totalCount` stops: a count reads every row it counts. */
export const totalCountMax = 100_000

export type PageArguments = {
  readonly first?: number | null
  readonly after?: string | null
  readonly last?: number | null
  readonly before?: string | null
  readonly orderDirection?: 'asc' | 'desc' | null
}

export type Filter = { readonly sql: string; readonly values: readonly Value[] }

export type Parent = Readonly<Record<string, Value | undefined>>

/** Rows in an order that their key columns make total. */
export type Listing = {
  /** A table, or a select in brackets whose parameters are `fromValues`. */
  readonly from: string
  readonly fromValues?: readonly Value[]
  /** Joined by `and`. */
  readonly where: readonly Filter[]
  readonly key: readonly string[]
  /** Columns that name the parent whose rows these are: the pages of many parents are read in one statement. */
  readonly of?: Parent
  /** How a row belongs to its parent, where not by columns equal to `of`; its values are `parent.value ->> i`. */
  readonly ofSql?: string
}

/**
 * A Relay connection by keyset: a page costs what it shows, however far into the list. Counts only when asked. Throws
 * BAD_INPUT.
 */
export async function connection<Node>(
  context: QueryContext,
  listing: Listing,
  page: PageArguments,
  toNode: (row: Row) => Node,
) {
  const { size, isBackward, isDescending } = pageShape(page)
  const tag = cursorTag([listing.from, listing.fromValues, listing.where, listing.of, page.orderDirection === 'desc'])
  const bound = (name: 'after' | 'before', sign: string): readonly Filter[] => {
    const cursor = page[name]
    if (cursor === undefined || cursor === null) return []
    const values = decodeCursor(cursor, name, tag, listing.key.length)
    return [{ sql: `(${listing.key.join(', ')}) ${sign} (${values.map(() => '?').join(', ')})`, values }]
  }
  const [behind, ahead] = page.orderDirection === 'desc' ? ['<', '>'] : ['>', '<']
  const where = [...listing.where, ...bound('after', behind), ...bound('before', ahead)]
  const rows = await pageRows(context, { ...listing, where }, isDescending, size + 1)
  const hasMore = rows.length > size
  const shown = isBackward ? rows.slice(0, size).reverse() : rows.slice(0, size)
  const cursor = (row: Row | undefined) => (row === undefined ? null : encodeCursor(row, listing.key, tag))
  const isSet = (cursor: string | null | undefined) => cursor !== undefined && cursor !== null
  return {
    // Made where they are asked for: most queries want the nodes alone.
    edges: () => shown.map((row) => ({ cursor: cursor(row), node: toNode(row) })),
    nodes: () => shown.map(toNode),
    pageInfo: () => ({
      hasNextPage: isBackward ? isSet(page.before) : hasMore,
      hasPreviousPage: isBackward ? hasMore : isSet(page.after),
      startCursor: cursor(shown[0]),
      endCursor: cursor(shown.at(-1)),
    }),
    totalCount: () => totalCount(context, listing),
  }
}

/** A filter on equality, or none where the value is not given. */
export function equals(column: string, value: Value | undefined): readonly Filter[] {
  return value === undefined || value === null ? [] : [{ sql: `${column} = ?`, values: [value] }]
}

function pageShape({ first, last, orderDirection }: PageArguments) {
  const isGiven = (size: number | null | undefined): size is number => size !== undefined && size !== null
  if (isGiven(first) && isGiven(last)) throw queryError('BAD_INPUT', 'give either first or last')
  const [name, size] = isGiven(last) ? ['last', last] : ['first', first ?? pageNodesDefault]
  if (size < 1 || size > pageNodesMax)
    throw queryError('BAD_INPUT', `${name} must be 1 to ${pageNodesMax}, got ${size}`)
  const isBackward = isGiven(last)
  return { size, isBackward, isDescending: (orderDirection === 'desc') !== isBackward }
}

async function pageRows(
  { store, loaders }: QueryContext,
  { from, fromValues = [], where, key, of, ofSql }: Listing,
  isDescending: boolean,
  limit: number,
): Promise<readonly Row[]> {
  const direction = isDescending ? 'desc' : 'asc'
  const order = (prefix: string) => `order by ${key.map((column) => `${prefix}${column} ${direction}`).join(', ')}`
  const values = where.flatMap((filter) => filter.values)
  if (of === undefined)
    return store.all(`select * from ${from}${whereSql(where)} ${order('')} limit ?`, ...fromValues, ...values, limit)
  const keys = (prefix: string) => key.map((column) => `${prefix}${column}`).join(', ')
  // The keys of each parent's page first, then their rows: one seek a row, whatever the length of the lists.
  const sql = `select parent.key as parent_index, row.* from json_each(?) parent join ${from} row
    on (${keys('row.')}) in (select ${keys('')} from ${from}${whereSql([ofParent(of, ofSql), ...where])} ${order('')} limit ?)
    ${order('row.')}`
  const pages = await loaders.load(
    JSON.stringify(['page', sql, values, fromValues, limit]),
    parentKey(of),
    (parents) => {
      const read = store.all(sql, `[${parents.join()}]`, ...fromValues, ...fromValues, ...values, limit)
      const byParent = new Map<Value, Row[]>(parents.map((parent) => [parent, []]))
      for (const row of read) byParent.get(parents[Number(row['parent_index'])] ?? null)?.push(row)
      return byParent
    },
  )
  return pages ?? []
}

async function totalCount({ store, loaders }: QueryContext, listing: Listing): Promise<number> {
  const { from, fromValues = [], where, of, ofSql } = listing
  const values = [...fromValues, ...where.flatMap((filter) => filter.values), totalCountMax]
  const counted = (filters: readonly Filter[]) =>
    `(select count(*) from (select 1 from ${from}${whereSql(filters)} limit ?))`
  if (of === undefined) return Number(store.get(`select ${counted(where)} as n`, ...values)?.['n'])
  const sql = `select ${counted([ofParent(of, ofSql), ...where])} as n from json_each(?) parent order by parent.key`
  const count = await loaders.load(JSON.stringify(['count', sql, values]), parentKey(of), (parents) => {
    const rows = store.all(sql, ...values, `[${parents.join()}]`)
    return new Map(parents.map((parent, i) => [parent, Number(rows[i]?.['n'])]))
  })
  return count ?? 0
}

/** A parent as an element of the JSON list that `parent` reads in SQL. */
function parentKey(of: Parent): string {
  return JSON.stringify(Object.values(of))
}

function ofParent(of: Parent, ofSql: string | undefined): Filter {
  if (ofSql !== undefined) return { sql: ofSql, values: [] }
  const columns = Object.keys(of).map((name, i) => `${name} = parent.value ->> ${i}`)
  return { sql: columns.join(' and '), values: [] }
}

function whereSql(filters: readonly Filter[]): string {
  return filters.length === 0 ? '' : ` where ${filters.map((filter) => filter.sql).join(' and ')}`
}
