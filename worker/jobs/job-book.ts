import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { decodeBatchFile, encodeBatchFile, rowStarts } from '../../attribution/epochs/batch-file.ts'
import { type BatchReceipt, batchFileOf, batchReceipt } from '../../attribution/epochs/batch-rows.ts'
import { bytesToHex, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { type InferenceReceipt, receiptTypes } from '../../protocol/inference-receipt.ts'

/**
 * `waiting`: answered, and to be attributed before there is a receipt. `made`: to be settled. `committing`: in a batch that is on its
 * way. `committed`: on chain. `dropped`: cannot be settled any more.
 */
export type JobState = 'waiting' | 'made' | 'committing' | 'committed' | 'dropped'

export type BookedJob = {
  readonly requestId: Hex
  readonly state: JobState
  /** Of the batch that is on its way or on chain. */
  readonly dataHash: Hex | undefined
  /** While the job waits, its entries, sums and what follows from them are empty, and the fee is the greatest one. */
  readonly receipt: BatchReceipt
  /** What the receipt's signature is over is in `receipt`; `r ‖ vs`. Undefined where it was never attributed. */
  readonly signature: Uint8Array | undefined
  readonly answerSignature: Uint8Array
}

/** What vouchers of one channel have to pay for and was not settled yet, in wei; `jobs` are those of it that are on their way. */
export type Unsettled = { readonly fees: bigint; readonly jobs: number }

type Row = {
  request_id: Hex
  state: JobState
  data_hash: Hex | null
  receipt: Buffer
  signature: Buffer
  answer_signature: Buffer
}

/** Of another version the file is refused: what it says cannot be found out again. */
const version = 1

const schema = `
  create table meta (chain text not null, worker text not null);
  create table job (
    request_id text primary key, output_root text not null, state text not null, class integer not null,
    channel text not null, fee text not null, deadline integer not null, made_at integer not null, data_hash text,
    receipt blob not null, signature blob not null, answer_signature blob not null
  ) without rowid;
  create index job_state on job (state, class, deadline);
  create index job_channel on job (channel, state);`

/** Of requests that have some; the chain has their hash alone. */
const stopsSchema =
  'create table if not exists stops (request_id text primary key, strings text not null) without rowid'

/** Of answers by float engines, which give no second time the same one. */
const fingerprintSchema =
  'create table if not exists fingerprint (request_id text primary key, file blob not null) without rowid'

/**
 * What a worker answered, durably: an answer is here before its signature leaves the process, and no request has two. Kept until
 * nobody can dispute the receipt any more, because traces and data are shown from it.
 */
export class JobBook {
  readonly #db: Database.Database

  private constructor(db: Database.Database) {
    this.#db = db
  }

  /** Throws for a file of another chain, worker or version: two workers must not share one. */
  static open(file: string, chain: Hex, worker: Hex): JobBook {
    mkdirSync(dirname(file), { recursive: true })
    const db = new Database(file)
    db.pragma('journal_mode = WAL')
    // A signature leaves the process behind each write.
    db.pragma('synchronous = FULL')
    const known = db.pragma('user_version', { simple: true })
    if (known === 0) {
      db.exec(schema)
      db.prepare('insert into meta values (?, ?)').run(chain, worker)
      db.pragma(`user_version = ${version}`)
    }
    const meta = db.prepare('select chain, worker from meta').get() as { chain: Hex; worker: Hex }
    if ((known !== 0 && known !== version) || meta.chain !== chain || meta.worker !== worker) {
      db.close()
      throw new Error(
        `${file} is of worker ${meta.worker} on the chain ${meta.chain}, format ${known}: name another directory`,
      )
    }
    db.exec(stopsSchema)
    db.exec(fingerprintSchema)
    return new JobBook(db)
  }

  close(): void {
    this.#db.close()
  }

  /** Writes an answer before it is released; false where the request has another one already. Without a signature it waits. */
  keep(job: Omit<BookedJob, 'state' | 'dataHash' | 'requestId'>, nowSeconds: bigint): boolean {
    const { receipt, signature, answerSignature } = job
    const { requestId, outputRoot, fee, class: proofClass } = receipt.receipt
    const voucher = receipt.payment?.voucher.value
    return this.#db.transaction(() => {
      const known = this.#db.prepare('select output_root from job where request_id = ?').get(requestId) as
        | { output_root: Hex }
        | undefined
      if (known !== undefined) return known.output_root === outputRoot
      this.#db
        .prepare('insert into job values (?, ?, ?, ?, ?, ?, ?, ?, null, ?, ?, ?)')
        .run(
          ...[requestId, outputRoot, signature === undefined ? 'waiting' : 'made', proofClass, voucher?.channel ?? ''],
          ...[String(fee), receipt.request.deadline, nowSeconds],
          ...[encodeBatchFile(batchFileOf([receipt])), signature ?? new Uint8Array(0), answerSignature],
        )
      return true
    })()
  }

  /** A job that waited has its receipt. */
  complete(requestId: Hex, receipt: BatchReceipt, signature: Uint8Array): void {
    this.#db
      .prepare(
        "update job set state = 'made', fee = ?, receipt = ?, signature = ? where request_id = ? and state = 'waiting'",
      )
      .run(String(receipt.receipt.fee), encodeBatchFile(batchFileOf([receipt])), signature, requestId)
  }

  /** The strings under a request's stopHash, which its proof has to show. */
  keepStops(requestId: Hex, stops: readonly Uint8Array[]): void {
    if (stops.length === 0) return
    const strings = JSON.stringify(stops.map((stop) => bytesToHex(stop)))
    this.#db.prepare('insert or ignore into stops values (?, ?)').run(requestId, strings)
  }

  stopsOf(requestId: Hex): Uint8Array[] {
    const row = this.#db.prepare('select strings from stops where request_id = ?').get(requestId)
    const strings = row === undefined ? [] : (JSON.parse((row as { strings: string }).strings) as Hex[])
    return strings.map(hexToBytes)
  }

  /** What the receipt of a float engine's answer commits to. */
  keepFingerprint(requestId: Hex, file: Uint8Array): void {
    this.#db.prepare('insert or ignore into fingerprint values (?, ?)').run(requestId, file)
  }

  fingerprintOf(requestId: Hex): Uint8Array | undefined {
    const row = this.#db.prepare('select file from fingerprint where request_id = ?').get(requestId)
    return row === undefined ? undefined : new Uint8Array((row as { file: Buffer }).file)
  }

  get(requestId: Hex): BookedJob | undefined {
    const row = this.#db.prepare('select * from job where request_id = ?').get(requestId)
    return row === undefined ? undefined : jobOf(row as Row)
  }

  /** Jobs to be settled, the most urgent first. */
  unsettled(limit: number): BookedJob[] {
    const rows = this.#db.prepare("select * from job where state = 'made' order by class, deadline limit ?").all(limit)
    return rows.map((row) => jobOf(row as Row))
  }

  /** Jobs to be attributed, the most urgent first. */
  waiting(limit: number): BookedJob[] {
    const rows = this.#db
      .prepare("select * from job where state = 'waiting' order by class, deadline limit ?")
      .all(limit)
    return rows.map((row) => jobOf(row as Row))
  }

  /** How many jobs wait to be attributed. */
  get waitingCount(): number {
    const row = this.#db.prepare("select count(*) as n from job where state = 'waiting'").get() as {
      readonly n: number
    }
    return row.n
  }

  /** Jobs made since `seconds` that went into batches, by the hash of the batch's data. */
  batched(seconds: bigint): Map<Hex, { readonly requestId: Hex; readonly state: JobState }[]> {
    const query =
      "select request_id, state, data_hash from job where state in ('committing', 'committed') and made_at >= ?"
    const batches = new Map<Hex, { requestId: Hex; state: JobState }[]>()
    for (const row of this.#db.prepare(query).all(seconds) as Pick<Row, 'request_id' | 'state' | 'data_hash'>[]) {
      if (row.data_hash === null) continue
      const job = { requestId: row.request_id, state: row.state }
      batches.set(row.data_hash, [...(batches.get(row.data_hash) ?? []), job])
    }
    return batches
  }

  /** Fees of a channel that no batch on chain has debited. */
  unsettledOf(channel: Hex): Unsettled {
    const query = "select fee, state from job where channel = ? and state in ('waiting', 'made', 'committing')"
    const rows = this.#db.prepare(query).all(channel) as { fee: string; state: JobState }[]
    return {
      fees: rows.reduce((sum, { fee }) => sum + BigInt(fee), 0n),
      jobs: rows.filter(({ state }) => state === 'committing').length,
    }
  }

  /** Fees by class that no batch on chain covers yet. */
  unsettledByClass(): Map<number, bigint> {
    const rows = this.#db.prepare("select class, fee from job where state in ('waiting', 'made', 'committing')").all()
    const sums = new Map<number, bigint>()
    for (const row of rows as { class: number; fee: string }[]) {
      sums.set(row.class, (sums.get(row.class) ?? 0n) + BigInt(row.fee))
    }
    return sums
  }

  move(requestIds: readonly Hex[], state: JobState, dataHash: Hex | null): void {
    const update = this.#db.prepare('update job set state = ?, data_hash = ? where request_id = ?')
    this.#db.transaction(() => {
      for (const requestId of requestIds) update.run(state, dataHash, requestId)
    })()
  }

  /** Drops what was committed or given up and could not be committed any more since `seconds`; returns how many. */
  forgetBefore(seconds: bigint): number {
    const sql = "delete from job where state in ('committed', 'dropped') and deadline < ?"
    return this.#db.transaction(() => {
      const { changes } = this.#db.prepare(sql).run(seconds)
      this.#db.exec('delete from stops where request_id not in (select request_id from job)')
      this.#db.exec('delete from fingerprint where request_id not in (select request_id from job)')
      return changes
    })()
  }
}

function jobOf(row: Row): BookedJob {
  const file = decodeBatchFile(new Uint8Array(row.receipt))
  return {
    requestId: row.request_id,
    state: row.state,
    dataHash: row.data_hash ?? undefined,
    receipt: plainReceipt(batchReceipt(file, rowStarts(file.receipts), 0)),
    signature: row.signature.length === 0 ? undefined : new Uint8Array(row.signature),
    answerSignature: new Uint8Array(row.answer_signature),
  }
}

/** A file's row has more than the receipt's own fields. */
function plainReceipt(booked: BatchReceipt): BatchReceipt {
  const fields = receiptTypes['Receipt'] ?? []
  const own = fields.map(([name]) => [name, booked.receipt[name as keyof InferenceReceipt]])
  // The fields of the struct, each as the file has it.
  return { ...booked, receipt: Object.fromEntries(own) as InferenceReceipt }
}
