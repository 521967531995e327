import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { errorMessage } from '../../common/errors.ts'
import { IndexerError } from '../indexer-error.ts'
import { fileTables } from './money-tables.ts'
import {
  eventTables,
  type StateTableName,
  type StateTableShape,
  schemaVersion,
  stateIndexes,
  stateTableSql,
  stateTables,
  tables,
} from './schema.ts'

export type Value = string | number | null | Uint8Array
export type Row = Readonly<Record<string, Value>>

/** What the index follows: the last block it holds. */
export type Cursor = { readonly number: number; readonly hash: string; readonly digest: string }

/** Pages of the write-ahead log before a checkpoint: ten times SQLite's default, half again as fast in live mode. */
const checkpointPages = 10_000
/** How long another process, which may just be ending, is waited for to let go of the file, milliseconds: nothing else runs then. */
const lockWaitMs = 1_000
/** Prepared statements kept: more than the writer and the usual queries have. */
const statementsMax = 1000

/**
 * The index in SQLite. Rows and cursor change in one transaction, so a kill at any moment leaves whole blocks.
 * Everything that writes goes through `BlockWriter`; everything that reads is plain SQL.
 */
export class Store {
  readonly #db: Database.Database
  readonly #file: string
  readonly #statements = new Map<string, Database.Statement>()

  private constructor(db: Database.Database, file: string) {
    this.#db = db
    this.#file = file
  }

  /** Throws {@link IndexerError}. */
  static open(dataDir: string): Store {
    mkdirSync(dataDir, { recursive: true })
    const file = join(dataDir, 'index.sqlite')
    let db: Database.Database | undefined
    try {
      db = new Database(file, { timeout: lockWaitMs })
      db.pragma('journal_mode = WAL')
      db.pragma('synchronous = NORMAL')
      db.pragma(`wal_autocheckpoint = ${checkpointPages}`)
      // One writer: a second process fails here and not at its first write.
      db.pragma('locking_mode = EXCLUSIVE')
      db.exec('begin immediate; commit')
      const store = new Store(db, file)
      store.#prepareSchema()
      return store
    } catch (cause) {
      db?.close()
      throw (
        storeError(cause, file) ??
        new IndexerError('corrupt', `${file} cannot be opened: ${errorMessage(cause)}`, { cause })
      )
    }
  }

  close(): void {
    this.#db.close()
  }

  all(sql: string, ...values: readonly Value[]): Row[] {
    return this.#statement(sql).all(...values) as Row[]
  }

  get(sql: string, ...values: readonly Value[]): Row | undefined {
    return this.#statement(sql).get(...values) as Row | undefined
  }

  /** Throws {@link IndexerError} where the disk is full or the file damaged. */
  run(sql: string, ...values: readonly Value[]): void {
    try {
      this.#statement(sql).run(...values)
    } catch (cause) {
      throw storeError(cause, this.#file) ?? cause
    }
  }

  /** All or nothing. Throws {@link IndexerError} as {@link run}. */
  transaction<T>(action: () => T): T {
    try {
      return this.#db.transaction(action)()
    } catch (cause) {
      throw storeError(cause, this.#file) ?? cause
    }
  }

  meta(key: string): string | undefined {
    return this.get('select value from meta where key = ?', key)?.['value'] as string | undefined
  }

  setMeta(key: string, value: string): void {
    this.run(
      'insert into meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value',
      key,
      value,
    )
  }

  cursor(): Cursor | undefined {
    return this.get('select number, hash, digest from block order by number desc limit 1') as Cursor | undefined
  }

  blockHash(number: number): string | undefined {
    return this.get('select hash from block where number = ?', number)?.['hash'] as string | undefined
  }

  /** Row of a state table, now or as block `at` left it. */
  state(table: StateTableName, key: string | number, at?: number): Row | undefined {
    if (at === undefined) return this.get(`select * from ${table} where key = ?`, key)
    return this.get(`select * from ${table}_h where key = ? and at <= ? order by at desc limit 1`, key, at)
  }

  /** Texts, manifests and data files that the chain names and the content store does not have whole. */
  missingContents(): number {
    const counts = this.get(`select
      (select count(*) from content where state in ('missing', 'damaged')) +
      (select count(*) from manifest where state in ('missing', 'damaged')) +
      (select count(*) from ledger_file where state in ('missing', 'damaged')) as n`)
    return Number(counts?.['n'])
  }

  /** Takes back every block above `number`. */
  rollbackTo(number: number): void {
    this.transaction(() => {
      for (const { name, parent, by } of fileTables)
        this.run(`delete from ${name} where ${by} in (select key from ${parent} where block > ?)`, number)
      const touched = this.all('select distinct name, key from touch where block > ?', number)
      for (const { name, key } of touched) this.#restore(String(name) as StateTableName, String(key), number)
      for (const name of Object.keys(stateTables)) this.run(`delete from ${name}_h where at > ?`, number)
      for (const name of eventTables) this.run(`delete from ${name} where block > ?`, number)
      this.run('delete from touch where block > ?', number)
      this.run('delete from block where number > ?', number)
    })
  }

  /** Touch records at or below a final block are needed no more. History stays. */
  pruneTouched(finalized: number): void {
    this.run('delete from touch where block <= ?', finalized)
  }

  #restore(table: StateTableName, key: string, number: number): void {
    const columns = Object.keys(stateTables[table].columns)
    const before = this.state(table, keyOf(stateTables[table], key), number)
    if (before === undefined) this.run(`delete from ${table} where key = ?`, keyOf(stateTables[table], key))
    else
      this.upsert(
        table,
        keyOf(stateTables[table], key),
        Object.fromEntries(columns.map((name) => [name, before[name] ?? null])),
      )
  }

  /** Replaces the current row of a state table. */
  upsert(table: StateTableName, key: string | number, row: Row): void {
    const names = Object.keys(stateTables[table].columns)
    const updates = names.map((name) => `${name} = excluded.${name}`).join(', ')
    const sql = `insert into ${table} (key, ${names.join(', ')}) values (?${', ?'.repeat(names.length)}) on conflict (key) do update set ${updates}`
    this.run(sql, key, ...names.map((name) => row[name] ?? null))
  }

  #statement(sql: string): Database.Statement {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#db.prepare(sql)
    // All go at once: it does not happen but to one who asks for every combination of filters.
    if (this.#statements.size >= statementsMax) this.#statements.clear()
    this.#statements.set(sql, statement)
    return statement
  }

  #prepareSchema(): void {
    const exists = this.#db.prepare("select count(*) as n from sqlite_master where name = 'meta'").get() as {
      n: number
    }
    if (exists.n === 0) {
      this.transaction(() => {
        this.#db.exec(tables)
        for (const shape of Object.values(stateTables)) this.#db.exec(stateTableSql(shape))
        this.#db.exec(stateIndexes)
        this.setMeta('schema', String(schemaVersion))
      })
      return
    }
    const found = this.meta('schema')
    if (found !== String(schemaVersion)) {
      throw new IndexerError(
        'schema',
        `${this.#file} has schema ${found}, this program writes ${schemaVersion}; remove it and the index is built again`,
      )
    }
  }
}

/** What a failure of SQLite means to the index; undefined where it means nothing of its own. */
function storeError(cause: unknown, file: string): IndexerError | undefined {
  if (cause instanceof IndexerError) return cause
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (code.startsWith('SQLITE_BUSY')) return new IndexerError('in-use', `another process uses ${file}`, { cause })
  if (code.startsWith('SQLITE_FULL'))
    return new IndexerError('disk-full', `no space left to write ${file}; free some, nothing is lost`, { cause })
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')) {
    const what = `${file} is damaged; remove it and the index is built again from the node`
    return new IndexerError('corrupt', what, { cause })
  }
  return undefined
}

function keyOf(shape: StateTableShape, key: string): string | number {
  return shape.keyType === 'integer' ? Number(key) : key
}
