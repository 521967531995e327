import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import type { Answer } from '../../protocol/answer.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { Signed } from '../../protocol/voucher.ts'

/** What workers did so far, as far as this payer saw or heard. */
export type WorkerHistory = { readonly answered: number; readonly failed: number; readonly wrong: number }

const schema = `
  create table meta (chain text not null, payer text not null);
  create table spent (day integer primary key, wei text not null) without rowid;
  create table channel (channel text primary key, cap text not null) without rowid;
  create table worker (worker text primary key, answered integer not null, failed integer not null, wrong integer not null) without rowid;`

/** Of the file's second version: final answers that workers signed. */
const answerTable = `
  create table answer (
    request_id text not null, worker text not null, output_root text not null, signature blob not null, at integer not null,
    primary key (request_id, worker)
  ) without rowid;
  create index answer_at on answer (at);`

const daySeconds = 86_400
/** Answers are kept for as long as a request may be asked again. */
const answerSeconds = 7 * daySeconds

/** What this endpoint promised and to whom, durably: a voucher is counted before it leaves the process. */
export class PayerBook {
  readonly #db: Database.Database
  readonly #dailyCap: bigint

  private constructor(db: Database.Database, dailyCap: bigint) {
    this.#db = db
    this.#dailyCap = dailyCap
  }

  /** `dailyCap`: wei that vouchers may promise in a UTC day. Throws for a file of another chain or payer. */
  static open(file: string, chain: Hex, payer: Hex, dailyCap: bigint): PayerBook {
    mkdirSync(dirname(file), { recursive: true })
    const db = new Database(file)
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    if (db.pragma('user_version', { simple: true }) === 0) {
      db.exec(schema)
      db.prepare('insert into meta values (?, ?)').run(chain, payer)
      db.pragma('user_version = 1')
    }
    if (db.pragma('user_version', { simple: true }) === 1) {
      db.exec(answerTable)
      db.pragma('user_version = 2')
    }
    const meta = db.prepare('select chain, payer from meta').get() as { chain: Hex; payer: Hex }
    if (meta.chain !== chain || meta.payer !== payer) {
      db.close()
      throw new Error(`${file} is of payer ${meta.payer} on the chain ${meta.chain}: name another directory`)
    }
    return new PayerBook(db, dailyCap)
  }

  close(): void {
    this.#db.close()
  }

  /** wei that can still be promised today. */
  leftToday(nowSeconds: number): bigint {
    const left = this.#dailyCap - this.#spentOn(dayOf(nowSeconds))
    return left > 0n ? left : 0n
  }

  /** Counts `maxFee` on the day and the channel; the channel's new cumulative cap. Undefined where the day's cap is reached. */
  promise(channel: Hex, maxFee: bigint, spentOnChain: bigint, nowSeconds: number): bigint | undefined {
    return this.#db.transaction(() => {
      const day = dayOf(nowSeconds)
      const spent = this.#spentOn(day) + maxFee
      if (spent > this.#dailyCap) return undefined
      const row = this.#db.prepare('select cap from channel where channel = ?').get(channel) as
        | { cap: string }
        | undefined
      const before = row === undefined || BigInt(row.cap) < spentOnChain ? spentOnChain : BigInt(row.cap)
      const cap = before + maxFee
      this.#db.prepare('insert or replace into spent values (?, ?)').run(day, String(spent))
      this.#db.prepare('insert or replace into channel values (?, ?)').run(channel, String(cap))
      return cap
    })()
  }

  /** The answer cost less: what is left of the promise counts for the day no more. */
  settle(unused: bigint, nowSeconds: number): void {
    const day = dayOf(nowSeconds)
    const spent = this.#spentOn(day) - unused
    this.#db.prepare('insert or replace into spent values (?, ?)').run(day, String(spent > 0n ? spent : 0n))
  }

  /** Keeps a final answer that a worker signed; an earlier one to the same request where that is another. */
  keepAnswer(worker: Hex, { value, signature }: Signed<Answer>, nowSeconds: number): Signed<Answer> | undefined {
    const { requestId, outputRoot } = value
    return this.#db.transaction(() => {
      this.#db.prepare('delete from answer where at < ?').run(nowSeconds - answerSeconds)
      const first = this.#db
        .prepare('select output_root, signature from answer where request_id = ? and worker = ?')
        .get(requestId, worker) as { output_root: Hex; signature: Buffer } | undefined
      if (first === undefined) {
        const row = [requestId, worker, outputRoot, signature, nowSeconds]
        this.#db.prepare('insert into answer values (?, ?, ?, ?, ?)').run(...row)
        return undefined
      }
      if (first.output_root === outputRoot) return undefined
      return { value: { ...value, outputRoot: first.output_root }, signature: new Uint8Array(first.signature) }
    })()
  }

  history(worker: Hex): WorkerHistory {
    const row = this.#db.prepare('select answered, failed, wrong from worker where worker = ?').get(worker)
    return (row as WorkerHistory | undefined) ?? { answered: 0, failed: 0, wrong: 0 }
  }

  count(worker: Hex, what: keyof WorkerHistory): void {
    this.#db.prepare('insert or ignore into worker values (?, 0, 0, 0)').run(worker)
    this.#db.prepare(`update worker set ${what} = ${what} + 1 where worker = ?`).run(worker)
  }

  #spentOn(day: number): bigint {
    const row = this.#db.prepare('select wei from spent where day = ?').get(day) as { wei: string } | undefined
    return BigInt(row?.wei ?? 0)
  }
}

const dayOf = (seconds: number): number => Math.floor(seconds / daySeconds)
