import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { bytesToHex, type Hex, hexToBytes } from '../../protocol/bytes.ts'

/** Where a receipt stands. */
export type ReceiptPlace = { readonly batchId: bigint; readonly index: number }

/** Of another version the file is made anew, from the batches. */
const version = 1

const schema = `
  create table batch (id integer primary key, root blob not null);
  create table settled (request blob not null, batch integer not null, place integer not null, primary key (request, batch, place))
    without rowid;
  create index settled_batch on settled (batch);`

/**
 * Which receipts settled a request, of all batches that were read: contracts know no requests of a batch, and a request settled
 * twice is one that an earlier batch has. It holds as long as the chain does, 60 bytes a receipt on disk.
 */
export class SettledRequests {
  readonly #db: Database.Database

  private constructor(db: Database.Database) {
    this.#db = db
  }

  static open(file: string): SettledRequests {
    mkdirSync(dirname(file), { recursive: true })
    const db = new Database(file)
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = NORMAL')
    if (db.pragma('user_version', { simple: true }) !== version) {
      db.exec('drop table if exists settled; drop table if exists batch')
      db.exec(schema)
      db.pragma(`user_version = ${version}`)
    }
    return new SettledRequests(db)
  }

  close(): void {
    this.#db.close()
  }

  /** Keeps the requests of a batch by receipt, as far as they are known; what was kept of that id before is forgotten. */
  keep(batchId: bigint, receiptRoot: Hex, requests: readonly (Hex | undefined)[]): void {
    const insert = this.#db.prepare('insert into settled values (?, ?, ?)')
    this.#db.transaction(() => {
      this.#db.prepare('delete from settled where batch = ?').run(batchId)
      this.#db.prepare('insert or replace into batch values (?, ?)').run(batchId, hexToBytes(receiptRoot))
      for (const [i, request] of requests.entries())
        if (request !== undefined) insert.run(hexToBytes(request), batchId, i)
    })()
  }

  /** How many receipts of that batch are kept. */
  knows(batchId: bigint, receiptRoot: Hex): number {
    if (!this.#isOf(batchId, receiptRoot)) return 0
    return (this.#db.prepare('select count(*) as n from settled where batch = ?').get(batchId) as { n: number }).n
  }

  /** Receipts that settled a request in batches before `batchId`, the earliest first. `rootOf`: of the batch that stands now. */
  before(request: Hex, batchId: bigint, rootOf: (batchId: bigint) => Hex | undefined): ReceiptPlace[] {
    const rows = this.#db
      .prepare('select batch, place from settled where request = ? and batch < ? order by batch, place')
      .all(hexToBytes(request), batchId) as { batch: number; place: number }[]
    return rows.flatMap(({ batch, place }) => {
      const id = BigInt(batch)
      const root = rootOf(id)
      return root !== undefined && this.#isOf(id, root) ? [{ batchId: id, index: place }] : []
    })
  }

  #isOf(batchId: bigint, receiptRoot: Hex): boolean {
    const row = this.#db.prepare('select root from batch where id = ?').get(batchId) as { root: Uint8Array } | undefined
    return row !== undefined && bytesToHex(row.root) === receiptRoot
  }
}
