import { createHash } from 'node:crypto'
import { type Escrow, obligations } from './escrows.ts'
import { type StateTableName, stateTables } from './schema.ts'
import type { Row, Store, Value } from './store.ts'

/** Collects what one block changes, and its digest. Used inside a transaction of the store. */
export class BlockWriter {
  readonly #store: Store
  readonly #block: number
  readonly #digest = createHash('sha256')
  /** wei that the block adds to what is owed. */
  readonly #owed = new Map<Escrow, bigint>()

  constructor(store: Store, block: number, previousDigest: string) {
    this.#store = store
    this.#block = block
    this.#digest.update(previousDigest)
  }

  insert(table: string, row: Row): void {
    this.#store.run(insertSql(table, row), ...Object.values(row))
    this.#record(table, row)
  }

  state(table: StateTableName, key: string | number): Row | undefined {
    return this.#store.state(table, key)
  }

  get(sql: string, ...values: readonly Value[]): Row | undefined {
    return this.#store.get(sql, ...values)
  }

  all(sql: string, ...values: readonly Value[]): Row[] {
    return this.#store.all(sql, ...values)
  }

  /** Sets the row of a state table; one history row a block. */
  set(table: StateTableName, key: string | number, row: Row): void {
    const names = Object.keys(stateTables[table].columns)
    const [escrow, owedIn] = obligations[table] ?? []
    if (escrow !== undefined && owedIn !== undefined) {
      this.owe(escrow, owedIn(row) - owedIn(this.#store.state(table, key) ?? {}))
    }
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

  /** Adds to what a contract owes; what rows of state tables say is added by themselves. */
  owe(escrow: Escrow, wei: bigint): void {
    this.#owed.set(escrow, (this.#owed.get(escrow) ?? 0n) + wei)
  }

  /** Says that `author` contributed to the Datanet; the first block that does so counts. No part of the digest. */
  contributor(author: string, datanet: number): void {
    const sql = 'insert or ignore into contributor (author, datanet, block) values (?, ?, ?)'
    this.#store.run(sql, author, datanet, this.#block)
  }

  /** A content for the fetcher to look for; no part of the digest. */
  wantContent(hash: string): void {
    // Zero says that there is none.
    if (/^0x0+$/.test(hash)) return
    this.#store.run("insert or ignore into content (hash, block, state) values (?, ?, 'missing')", hash, this.#block)
  }

  /** The list of a batch, for the fetcher to look for; no part of the digest. */
  wantManifest(firstId: number, root: string): void {
    const sql = "insert into manifest (first_id, root, block, state) values (?, ?, ?, 'missing')"
    this.#store.run(sql, firstId, root, this.#block)
  }

  /** The data file of a batch or a proposed epoch, for the fetcher to look for; no part of the digest. */
  wantFile(kind: 'batch' | 'epoch', key: number, hash: string): void {
    const sql = "insert into ledger_file (kind, key, hash, block, state) values (?, ?, ?, ?, 'missing')"
    this.#store.run(sql, kind, key, hash, this.#block)
  }

  /** Ends the block. Returns the SHA-256 over the previous digest and every row written, in order. */
  finish(): string {
    for (const [escrow, wei] of this.#owed) {
      if (wei === 0n) continue
      const before = BigInt(String(this.#store.state('escrow', escrow)?.['owed'] ?? 0))
      this.set('escrow', escrow, { owed: String(before + wei) })
    }
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

const insertSqls = new Map<string, string>()

/** Made once a table: its rows always have the same columns in the same order. */
function insertSql(table: string, row: Row): string {
  const known = insertSqls.get(table)
  if (known !== undefined) return known
  const names = Object.keys(row)
  const sql = `insert into ${table} (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`
  insertSqls.set(table, sql)
  return sql
}
