import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { errorMessage } from '../../common/errors.ts'
import { IndexerError } from '../indexer-error.ts'
import {
  eventTables,
  type StateTableName,
  type StateTableShape,
  schemaVersion,
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

/**
 * The index in SQLite. Rows and cursor change in one transaction, so a kill at any moment leaves whole blocks.
 * Everything that writes goes through {@link BlockWriter}; everything that reads is plain SQL.
 */
export class Store {
  readonly #db: Database.Database
  readonly #statements = new Map<string, Database.Statement>()

  private constructor(db: Database.Database) {
    this.#db = db
  }

  /** Throws {@link IndexerError}. */
  static open(dataDir: string): Store {
    mkdirSync(dataDir, { recursive: true })
    const file = join(dataDir, 'index.sqlite')
    try {
      const db = new Database(file)
      db.pragma('journal_mode = WAL')
      db.pragma('synchronous = NORMAL')
      db.pragma(`wal_autocheckpoint = ${checkpointPages}`)
      // One writer: a second process fails here and not at its first write.
      db.pragma('locking_mode = EXCLUSIVE')
      db.exec('begin immediate; commit')
      const store = new Store(db)
      store.#prepareSchema(file)
      return store
    } catch (cause) {
      if (cause instanceof IndexerError) throw cause
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
      if (code.startsWith('SQLITE_BUSY')) throw new IndexerError('in-use', `another process uses ${file}`, { cause })
      if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')) {
        throw new IndexerError('corrupt', `${file} is damaged; remove it and the index is built again from the node`, {
          cause,
        })
      }
      throw new IndexerError('corrupt', `${file} cannot be opened: ${errorMessage(cause)}`, { cause })
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

  run(sql: string, ...values: readonly Value[]): void {
    this.#statement(sql).run(...values)
  }

  /** All or nothing. */
  transaction<T>(action: () => T): T {
    return this.#db.transaction(action)()
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

  /** Takes back every block above `number`. */
  rollbackTo(number: number): void {
    this.transaction(() => {
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
    this.#statements.set(sql, statement)
    return statement
  }

  #prepareSchema(file: string): void {
    const exists = this.#db.prepare("select count(*) as n from sqlite_master where name = 'meta'").get() as {
      n: number
    }
    if (exists.n === 0) {
      this.transaction(() => {
        this.#db.exec(tables)
        for (const shape of Object.values(stateTables)) this.#db.exec(stateTableSql(shape))
        this.setMeta('schema', String(schemaVersion))
      })
      return
    }
    const found = this.meta('schema')
    if (found !== String(schemaVersion)) {
      throw new IndexerError(
        'schema',
        `${file} has schema ${found}, this program writes ${schemaVersion}; remove it and the index is built again`,
      )
    }
  }
}

/** Collects what one block changes, and its digest. Used inside a transaction of the store. */
export class BlockWriter {
  readonly #store: Store
  readonly #block: number
  readonly #digest = createHash('sha256')

  constructor(store: Store, block: number, previousDigest: string) {
    this.#store = store
    this.#block = block
    this.#digest.update(previousDigest)
  }

  insert(table: string, row: Row): void {
    const names = Object.keys(row)
    this.#store.run(
      `insert into ${table} (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`,
      ...Object.values(row),
    )
    this.#record(table, row)
  }

  state(table: StateTableName, key: string | number): Row | undefined {
    return this.#store.state(table, key)
  }

  get(sql: string, ...values: readonly Value[]): Row | undefined {
    return this.#store.get(sql, ...values)
  }

  /** Sets the row of a state table; one history row a block. */
  set(table: StateTableName, key: string | number, row: Row): void {
    const names = Object.keys(stateTables[table].columns)
    this.#store.upsert(table, key, row)
    this.#store.run(
      `insert or replace into ${table}_h (key, at, ${names.join(', ')}) values (?, ?${', ?'.repeat(names.length)})`,
      key,
      this.#block,
      ...names.map((name) => row[name] ?? null),
    )
    this.#store.run('insert or ignore into touch (block, name, key) values (?, ?, ?)', this.#block, table, String(key))
    this.#record(table, { key, ...row })
  }

  /** Work for the content fetcher; belongs to no block and is no part of the digest. */
  want(kind: 'content' | 'manifest', hash: string): void {
    // Zero says that there is none.
    if (/^0x0+$/.test(hash)) return
    const column = kind === 'content' ? 'hash' : 'root'
    this.#store.run(`insert or ignore into ${kind} (${column}, state) values (?, 'missing')`, hash)
  }

  /** SHA-256 over the previous digest and every row written, in order. */
  digest(): string {
    return this.#digest.digest('hex')
  }

  #record(table: string, row: Row): void {
    const values = Object.entries(row).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    ])
    this.#digest.update(JSON.stringify([table, values]))
  }
}

function keyOf(shape: StateTableShape, key: string): string | number {
  return shape.keyType === 'integer' ? Number(key) : key
}
