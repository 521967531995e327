import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import type { Hex } from '../../protocol/bytes.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import { type EpochRecord, epochRecordHash } from '../../protocol/epoch-record.ts'
import type { CommittedBatch } from './committed-batch.ts'
import type { L2Head } from './l2-calls.ts'
import { eventsPerBlockMax, type FollowedEvent, keyOf, type LedgerEvent, numberOf } from './ledger-event.ts'
import type { MoneyContract } from './money-contracts.ts'
import { fromJson, toJson } from './wide-json.ts'

/** What came in with a stretch of blocks that ends at `head`. */
export type Followed = {
  readonly head: L2Head
  readonly events: readonly LedgerEvent[]
  /** Of every BatchCommitted. */
  readonly batches: readonly CommittedBatch[]
  /** Of every EpochProposed. */
  readonly epochs: readonly { readonly pos: number; readonly record: EpochRecord }[]
}

export type BookedEpoch = { readonly pos: number; readonly hash: Hex; readonly record: EpochRecord }

/** Of another version the file is made anew: all of it stands on chain. */
const version = 7

const schema = `
  create table meta (chain text not null);
  create table head (number integer primary key, hash text not null, time integer not null) without rowid;
  create table event (
    pos integer primary key, tx text not null, contract text not null, name text not null,
    number integer, key text, args text not null
  );
  create index event_number on event (name, number, pos);
  create index event_key on event (name, key, pos);
  create table batch (id integer primary key, block integer not null, content text not null, data text not null);
  create index batch_content on batch (content);
  create table epoch (
    pos integer primary key, number integer not null, hash text not null, content text not null, record text not null
  );
  create index epoch_content on epoch (content);
  create table claimed (payee text not null, pos integer not null, total text not null, primary key (payee, pos)) without rowid;
  create index claimed_pos on claimed (pos);
  create index epoch_number on epoch (number, pos);`

/**
 * What stands on chain about money, as far as it was followed. Events are kept as they came and states follow from them, so
 * that a reorg takes rows away and nothing else. A kill at any moment leaves whole stretches of blocks.
 */
export class LedgerBook {
  readonly #db: Database.Database
  readonly #statements = new Map<string, Database.Statement>()

  private constructor(db: Database.Database) {
    this.#db = db
  }

  /** The book of the chain whose first block has the hash `chain`; one of another chain or version is begun anew. */
  static open(file: string, chain: Hex): LedgerBook {
    mkdirSync(dirname(file), { recursive: true })
    const db = new Database(file)
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = NORMAL')
    const known = db.pragma('user_version', { simple: true }) === version
    const same = known && (db.prepare('select chain from meta').get() as { chain: string } | undefined)?.chain === chain
    if (!same) begin(db, chain)
    return new LedgerBook(db)
  }

  close(): void {
    this.#db.close()
  }

  /** The last block whose events are all here. */
  get head(): L2Head | undefined {
    return headOf(this.#get('select * from head order by number desc limit 1'))
  }

  /** The newest known block below `number`: where a reorg may have left the chain as it was. */
  headBelow(number: bigint): L2Head | undefined {
    return headOf(this.#get('select * from head where number < ? order by number desc limit 1', number))
  }

  append({ head, events, batches, epochs }: Followed): void {
    this.#db.transaction(() => {
      for (const event of events) {
        const { pos, txHash, contract, name, args } = event
        const [number, key] = [numberOf(event) ?? null, keyOf(event) ?? null]
        this.#run(
          'insert into event values (?, ?, ?, ?, ?, ?, ?)',
          pos,
          txHash,
          contract,
          name,
          number,
          key,
          toJson(args),
        )
      }
      for (const { name, args, pos } of events) {
        if (name === 'Claimed') this.#addClaimed(args['payee'] as Hex, pos, args['amount'] as bigint)
      }
      for (const batch of batches) {
        const { batchId, l2Block, dataHash } = batch.header
        this.#run('insert into batch values (?, ?, ?, ?)', batchId, l2Block, dataHash, toJson(batch))
      }
      for (const { pos, record } of epochs) {
        const hash = bytesToHex(epochRecordHash(record))
        const { epoch, dataHash } = record.header
        this.#run('insert into epoch values (?, ?, ?, ?, ?)', pos, epoch, hash, dataHash, toJson(record))
      }
      this.#run('insert into head values (?, ?, ?)', head.number, head.hash, head.time)
    })()
  }

  /** Takes back all above block `number`; without a number, everything. */
  rollback(number = -1n): void {
    const pos = (number + 1n) * BigInt(eventsPerBlockMax)
    this.#db.transaction(() => {
      this.#run('delete from event where pos >= ?', pos)
      this.#run('delete from epoch where pos >= ?', pos)
      this.#run('delete from claimed where pos >= ?', pos)
      this.#run('delete from batch where block > ?', number)
      this.#run('delete from head where number > ?', number)
    })()
  }

  /** Forgets block hashes that no reorg goes below. */
  pruneHeads(finalized: bigint): void {
    const sql = 'delete from head where number < (select max(number) from head where number <= ?)'
    this.#run(sql, finalized)
  }

  batch(id: bigint): CommittedBatch | undefined {
    const row = this.#get('select data from batch where id = ?', id)
    return row && (fromJson(String(row['data'])) as CommittedBatch)
  }

  get lastBatch(): bigint {
    return BigInt(Number(this.#get('select max(id) as id from batch')?.['id'] ?? 0))
  }

  /** True where a batch or an epoch names its data by this hash. */
  namesContent(hash: Hex): boolean {
    const sql = 'select 1 from batch where content = ? union all select 1 from epoch where content = ? limit 1'
    return this.#get(sql, hash, hash) !== undefined
  }

  /** The proposals of that number, the last one first. */
  proposals(epoch: bigint): BookedEpoch[] {
    return this.#all('select * from epoch where number = ? order by pos desc', epoch).map(epochOf)
  }

  /** The last proposal of every number from `first` on, in order. */
  latestProposals(first: bigint): BookedEpoch[] {
    const sql = 'select * from epoch e where number >= ? and pos = (select max(pos) from epoch where number = e.number)'
    return this.#all(`${sql} order by number`, first).map(epochOf)
  }

  /** The proposal whose record has that hash. */
  epochByHash(hash: Hex): BookedEpoch | undefined {
    const row = this.#get('select * from epoch where hash = ? order by pos desc limit 1', hash)
    return row && epochOf(row)
  }

  /** Events of a name in order, all or those about one batch, epoch or key. */
  events(name: FollowedEvent, about: { readonly number?: bigint; readonly key?: Hex } = {}): LedgerEvent[] {
    const { number, key } = about
    if (number !== undefined) {
      return this.#all('select * from event where name = ? and number = ? order by pos', name, number).map(eventOf)
    }
    if (key !== undefined) {
      return this.#all('select * from event where name = ? and key = ? order by pos', name, key).map(eventOf)
    }
    return this.#all('select * from event where name = ? order by pos', name).map(eventOf)
  }

  /** Events of these contracts behind the place `pos`, in order, `limit` of them at most. */
  eventsBehind(contracts: readonly MoneyContract[], pos: number, limit: number): LedgerEvent[] {
    const names = contracts.map(() => '?').join(', ')
    const sql = `select * from event where pos > ? and contract in (${names}) order by pos limit ?`
    return this.#all(sql, pos, ...contracts, limit).map(eventOf)
  }

  /** The last event of a name, of all or of one key. */
  lastEvent(name: FollowedEvent, key?: Hex): LedgerEvent | undefined {
    const row =
      key === undefined
        ? this.#get('select * from event where name = ? order by pos desc limit 1', name)
        : this.#get('select * from event where name = ? and key = ? order by pos desc limit 1', name, key)
    return row && eventOf(row)
  }

  /** Events of a name about numbers up to `number`, behind the place `pos`; the first one alone. */
  firstAfter(name: FollowedEvent, pos: number, number: bigint): LedgerEvent | undefined {
    const sql = 'select * from event where name = ? and number <= ? and pos > ? order by pos limit 1'
    const row = this.#get(sql, name, number, pos)
    return row && eventOf(row)
  }

  /** The greatest number that events of a name were about; 0 where there was none. */
  highest(name: FollowedEvent): bigint {
    return BigInt(Number(this.#get('select max(number) as number from event where name = ?', name)?.['number'] ?? 0))
  }

  /** True where a `matureBatches` ended at this batch, so that an epoch may go up to it. */
  endsMaturing(batchId: bigint): boolean {
    const sql = `select count(*) as n from event one join event next on next.name = one.name and next.number = one.number + 1
      and next.tx = one.tx where one.name = 'BatchMatured' and one.number = ?`
    return Number(this.#get(sql, batchId)?.['n']) === 0
  }

  /** wei that the vault paid an account on its credits. */
  paidOf(payee: Hex): bigint {
    const row = this.#get('select total from claimed where payee = ? order by pos desc limit 1', payee)
    return BigInt(String(row?.['total'] ?? 0))
  }

  /** Requests for data after which nothing was said about them. */
  unanswered(): LedgerEvent[] {
    const sql = `select * from event asked where name = 'DataRequested' and not exists (
      select 1 from event where key = asked.key and pos > asked.pos
      and name in ('DataServed', 'DataMissing', 'DataRequestDropped')) order by pos`
    return this.#all(sql).map(eventOf)
  }

  /** `RequestOpened` of requests whose deadline is `now` or later, and that were neither settled nor refunded. */
  openRequests(now: bigint): LedgerEvent[] {
    const sql = `select * from event opened where name = 'RequestOpened' and number >= ? and not exists (
      select 1 from event where key = opened.key and name in ('RequestSettled', 'RequestRefunded')) order by pos`
    return this.#all(sql, now).map(eventOf)
  }

  #addClaimed(payee: Hex, pos: number, amount: bigint): void {
    this.#run('insert into claimed values (?, ?, ?)', payee, pos, String(this.paidOf(payee) + amount))
  }

  #get(sql: string, ...values: readonly Value[]): Row | undefined {
    return this.#statement(sql).get(...values) as Row | undefined
  }

  #all(sql: string, ...values: readonly Value[]): Row[] {
    return this.#statement(sql).all(...values) as Row[]
  }

  #run(sql: string, ...values: readonly Value[]): void {
    this.#statement(sql).run(...values)
  }

  #statement(sql: string): Database.Statement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}

type Value = string | number | bigint | null
type Row = Readonly<Record<string, string | number | null>>

function begin(db: Database.Database, chain: Hex): void {
  const tables = db.prepare("select name from sqlite_master where type = 'table'").all() as { name: string }[]
  db.transaction(() => {
    for (const { name } of tables) db.exec(`drop table "${name}"`)
    db.exec(schema)
    db.prepare('insert into meta values (?)').run(chain)
    db.pragma(`user_version = ${version}`)
  })()
}

function headOf(row: Row | undefined): L2Head | undefined {
  if (row === undefined) return undefined
  return { number: BigInt(Number(row['number'])), hash: row['hash'] as Hex, time: BigInt(Number(row['time'])) }
}

function epochOf(row: Row): BookedEpoch {
  const record = fromJson(String(row['record'])) as EpochRecord
  return { pos: Number(row['pos']), hash: row['hash'] as Hex, record }
}

function eventOf(row: Row): LedgerEvent {
  const pos = Number(row['pos'])
  return {
    pos,
    block: BigInt(Math.floor(pos / eventsPerBlockMax)),
    txHash: row['tx'] as Hex,
    contract: row['contract'] as LedgerEvent['contract'],
    name: String(row['name']),
    args: fromJson(String(row['args'])) as LedgerEvent['args'],
  }
}
