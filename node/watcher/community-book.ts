import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { bandKeys, candidatesMax } from '../../attribution/near-duplicates/near-duplicates.ts'
import { decodeSignature, encodeSignature, similarityBps } from '../../attribution/near-duplicates/signature.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { LedgerEvent } from '../../chain/ledger/ledger-event.ts'
import { fromJson, toJson } from '../../chain/ledger/wide-json.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { batchLeaf, batchRecordBytes } from '../../protocol/datanets/item-record.ts'
import type { VersionDiff } from '../../protocol/datanets/version-diff.ts'
import { communitySchema } from './community-schema.ts'

/** Of another version the file is made anew, from the book. */
const version = 2
/** Events of one transaction. */
const eventsAtOnce = 5_000
/** Originals that are kept for one copy: the earliest that were found. */
const originalsMax = 8
/** Rows that are read for one page: most may be over and done with. */
const pageRowsMax = 1_024
/** DatanetKeys.NEAR_DUPLICATE. */
const nearDuplicateKey = 8
const contracts = ['DatanetRegistry', 'DatanetJudge', 'SignatureProofs', 'SignatureRegistry'] as const

export const decisions = { pending: 1, accepted: 2, rejected: 3, withdrawn: 4, slashed: 5 } as const

/** Where the check of something stands. */
export const stages = { open: 0, done: 1, unknownSignature: 2 } as const
export type Checked = 'batch' | 'item' | 'version'

export type KnownItem = {
  readonly id: bigint
  readonly datanet: bigint
  readonly kind: number
  readonly content: Hex
  readonly sim: Hex
  readonly consent: number
  /** As the record has it: of a batch's item, of all items up to it. */
  readonly size: number
  readonly meta: Hex
  /** First contribution of its batch; undefined: it was made alone. */
  readonly first: bigint | undefined
  readonly decision: number
  /** When it was made and when it left, as places of events. */
  readonly pos: number
  readonly leftPos: number | undefined
  readonly signature: Uint32Array | undefined
}

export type KnownBatch = { readonly first: bigint; readonly count: number; readonly root: Hex; readonly meta: Hex }

export type KnownVersion = {
  /** Its number here. */
  readonly id: number
  readonly datanet: bigint
  readonly version: number
  readonly pos: number
  readonly itemsRoot: Hex
  readonly diff: VersionDiff
}

export type KnownDatanet = { readonly media: number; readonly isPermissioned: boolean }

/** A demand to see a signature. `until`: Unix seconds. */
export type OpenDemand = { readonly id: bigint; readonly until: bigint }

export type Couple = { readonly copy: KnownItem; readonly original: KnownItem }

/** What was found in a table behind a place. `next`: the place to go on from, 0 where the table is at its end. */
export type Page<T> = { readonly found: readonly T[]; readonly next: number }

/**
 * What a watcher knows of contributions and versions: all that the chain's events say, and what its own checks found. It is
 * kept, so that nothing is checked twice; about 1.5 KiB an item of text on disk.
 */
export class CommunityBook {
  readonly #db: Database.Database
  readonly #statements = new Map<string, Database.Statement>()

  private constructor(db: Database.Database) {
    this.#db = db
  }

  static open(file: string): CommunityBook {
    mkdirSync(dirname(file), { recursive: true })
    const db = new Database(file)
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = NORMAL')
    const book = new CommunityBook(db)
    if (db.pragma('user_version', { simple: true }) !== version) book.forget()
    return book
  }

  close(): void {
    this.#db.close()
  }

  /** A reorg may have taken back what is here: all is learnt and checked again. */
  forget(): void {
    this.#statements.clear()
    const tables = this.#db.prepare("select name from sqlite_master where type = 'table'").all() as { name: string }[]
    this.#db.transaction(() => {
      for (const { name } of tables) this.#db.exec(`drop table "${name}"`)
      this.#db.exec(communitySchema)
      this.#db.pragma(`user_version = ${version}`)
    })()
  }

  /** Learns what is new in the book; true where there is more. */
  learn(book: LedgerBook): boolean {
    const last = Number(this.#get('select pos from place')?.['pos'] ?? -1)
    const events = book.eventsBehind(contracts, last, eventsAtOnce)
    this.#db.transaction(() => {
      for (const event of events) this.#learn(event)
      const { pos } = events.at(-1) ?? { pos: last }
      this.#run('update place set pos = ?', pos)
    })()
    return events.length === eventsAtOnce
  }

  // --- What is due ---

  dueBatches(nowMs: number, limit: number): KnownBatch[] {
    return this.#due('batch', nowMs, limit).map(batchOf)
  }

  dueItems(nowMs: number, limit: number): KnownItem[] {
    const sql = `${itemQuery} where item.stage = 0 and item.again <= ? order by item.again, item.id limit ?`
    return this.#all(sql, nowMs, limit).map(itemOf)
  }

  dueVersions(nowMs: number, limit: number): KnownVersion[] {
    return this.#due('version', nowMs, limit).map(versionOf)
  }

  /** How much is left to check, and how much of that was not to be had. */
  left(): { readonly left: number; readonly missing: number } {
    const count = (what: Checked, more: string) =>
      Number(this.#get(`select count(*) as n from ${what} where stage = 0 ${more}`)?.['n'])
    const all = ['batch', 'item', 'version'] as const
    const sum = (more: string) => all.reduce((total, what) => total + count(what, more), 0)
    return { left: sum(''), missing: sum('and again > 0') }
  }

  setStage(what: Checked, id: bigint | number, stage: number): void {
    this.#run(`update ${what} set stage = ?, again = 0 where id = ?`, stage, id)
  }

  /** Looks again later, twice as long after each time. */
  later(what: Checked, id: bigint | number, nowMs: number, { first, max }: { first: number; max: number }): void {
    const sql = `update ${what} set wait = min(max(2 * wait, ?), ?), again = ? + min(max(2 * wait, ?), ?) where id = ?`
    this.#run(sql, first, max, nowMs, first, max, id)
  }

  // --- What is known ---

  datanet(id: bigint): KnownDatanet | undefined {
    const row = this.#get('select * from datanet where id = ?', id)
    return row && { media: Number(row['media']), isPermissioned: Number(row['visibility']) === 1 }
  }

  item(id: bigint): KnownItem | undefined {
    const row = this.#get(`${itemQuery} where item.id = ?`, id)
    return row && itemOf(row)
  }

  batch(first: bigint): KnownBatch | undefined {
    const row = this.#get('select * from batch where id = ?', first)
    return row && batchOf(row)
  }

  version(datanet: bigint, number: number): KnownVersion | undefined {
    const row = this.#get('select * from version where datanet = ? and version = ?', datanet, number)
    return row && versionOf(row)
  }

  /** Contributions made until now, those of batches whose lists are not here included. */
  get contributionCount(): bigint {
    const row = this.#get(
      'select max(coalesce((select max(id) from item), 0), coalesce((select max(id + count - 1) from batch), 0)) as n',
    )
    return BigInt(Number(row?.['n'] ?? 0))
  }

  /** Similarity that the Datanet allowed at a place: the limit in force, 0 for none. */
  limitAt(datanet: bigint, pos: number): number {
    const sql = 'select bps from similarity where datanet = ? and pos <= ? order by pos desc limit 1'
    return Number(this.#get(sql, datanet, pos)?.['bps'] ?? 0)
  }

  /** A committed signature that somebody showed, or that another text has. */
  signatureOf(sim: Hex): Uint32Array | undefined {
    const shown = this.#get('select signature from shown where sim = ?', sim)
    const found = shown ?? this.#get('select signature from item where sim = ? and signature is not null limit 1', sim)
    return found && signatureIn(found['signature'])
  }

  // --- What checks found ---

  /** Items of a batch by its list. */
  addItems({ first, count, meta }: KnownBatch, records: Uint8Array): void {
    const batch = this.#get('select * from batch where id = ?', first) as Row
    this.#db.transaction(() => {
      for (let i = 0; i < count; i++) {
        const { contentHash, simHash, consent, size } = batchLeaf(records, i)
        const of = [Number(batch['datanet']), contentHash, simHash, consent, size, meta] as const
        this.#addItem(first + BigInt(i), of, { first, decision: 0, pos: Number(batch['pos']) })
      }
      this.setStage('batch', first, stages.done)
    })()
  }

  static isList({ count }: KnownBatch, records: Uint8Array): boolean {
    return records.length === count * batchRecordBytes
  }

  /** The signature that an item committed to rightly, and whom it resembles as far as its Datanet did not allow then. */
  addSignature(item: KnownItem, signature: Uint32Array, isCompared: boolean): void {
    this.#db.transaction(() => {
      this.#run(
        'update item set signature = ?, stage = 1 where id = ?',
        Buffer.from(encodeSignature(signature)),
        item.id,
      )
      this.#run('update item set stage = 0 where sim = ? and stage = ?', item.sim, stages.unknownSignature)
      if (isCompared) this.#compare(item, signature)
    })()
  }

  addFault(id: bigint, call: object): void {
    this.#run('insert or replace into fault values (?, ?)', id, toJson(call))
  }

  addVersionFault({ datanet, version: number }: KnownVersion, call: object): void {
    const sql = 'insert or replace into false_version (datanet, version, call) values (?, ?, ?)'
    this.#run(sql, datanet, number, toJson(call))
  }

  // --- What is to be shown ---

  /** Faults that contents showed, of contributions that stand. */
  faults(after: number, limit: number): Page<{ readonly item: KnownItem; readonly call: unknown }> {
    return this.#page('select * from fault where id > ? order by id limit ?', after, limit, ({ id, call }) => {
      const item = this.item(BigInt(Number(id)))
      return item !== undefined && isLive(item) ? { item, call: fromJson(String(call)) } : undefined
    })
  }

  /** Standing contributions with a content that an earlier one has that stands. */
  twins(after: number, limit: number): Page<Couple> {
    return this.#page('select * from twin where id > ? order by id limit ?', after, limit, ({ id }) => {
      const copy = this.item(BigInt(Number(id)))
      if (copy === undefined || copy.kind !== 0 || !isLive(copy)) return undefined
      const original = this.#originalOf(copy)
      return original && { copy, original }
    })
  }

  /** Standing contributions that are nearly an earlier, accepted one, by the limit of then and of now. */
  nearDuplicates(after: number, limit: number): Page<Couple> {
    return this.#page('select * from near where id > ? order by id limit ?', after, limit, (row) => {
      const copy = this.item(BigInt(Number(row['copy'])))
      const original = this.item(BigInt(Number(row['original'])))
      if (copy === undefined || original === undefined) return undefined
      const allowed = this.limitAt(copy.datanet, Number.MAX_SAFE_INTEGER)
      const isTooNear = allowed > 0 && Number(row['bps']) >= allowed
      return isTooNear && isLive(copy) && original.decision === decisions.accepted ? { copy, original } : undefined
    })
  }

  falseVersions(
    after: number,
    limit: number,
  ): Page<{ readonly datanet: bigint; readonly version: number; readonly call: unknown }> {
    const sql = `select * from false_version f where id > ? and not exists
      (select 1 from void v where v.datanet = f.datanet and v.version = f.version) order by id limit ?`
    return this.#page(sql, after, limit, (row) => ({
      datanet: BigInt(Number(row['datanet'])),
      version: Number(row['version']),
      call: fromJson(String(row['call'])),
    }))
  }

  /** Items in Datanets with a limit, then and now, whose committed signature nobody knows and nobody asked for. */
  unknownSignatures(after: number, limit: number): Page<KnownItem> {
    const sql = `${itemQuery} where item.stage = ${stages.unknownSignature} and item.again = 0 and item.id > ?
      and not exists (select 1 from demand where demand.id = item.id) order by item.id limit ?`
    return this.#page(sql, after, limit, (row) => {
      const item = itemOf(row)
      return isLive(item) && this.#isLimited(item) ? item : undefined
    })
  }

  /** Demands that are open. */
  demands(after: number, limit: number): Page<OpenDemand> {
    return this.#page('select * from demand where is_open = 1 and id > ? order by id limit ?', after, limit, (row) => ({
      id: BigInt(Number(row['id'])),
      until: BigInt(Number(row['until'])),
    }))
  }

  /** How many demands of somebody are open. */
  demandsOf(asker: Hex): number {
    const sql = 'select count(*) as n from demand where is_open = 1 and asker = ?'
    return Number(this.#get(sql, asker.toLowerCase())?.['n'])
  }

  // --- Events ---

  #learn(event: LedgerEvent): void {
    this.#learners[event.name]?.(event.args as Args, event)
  }

  /** What each event says, by its name. */
  readonly #learners: Readonly<Record<string, (args: Args, event: LedgerEvent) => void>> = {
    DatanetCreated: ({ id, mediaType, visibility }) =>
      this.#run('insert or replace into datanet values (?, ?, ?)', id, mediaType, visibility),
    DatanetParameter: ({ id, key, value }, { pos }) => {
      if (key === nearDuplicateKey) this.#setLimit(id, pos, Number(value))
    },
    ContributionSubmitted: ({ contribId, id, contentHash, simHash, consent, size, metaHash }, { pos }) => {
      const of = [Number(id), contentHash, simHash, consent, size, metaHash] as const
      this.#addItem(contribId, of, { first: undefined, decision: decisions.pending, pos })
    },
    ContributionParent: ({ contribId, kind }) => this.#run('update item set kind = ? where id = ?', kind, contribId),
    ContributionBatch: ({ firstId, id, count, root, metaHash }, { pos }) => {
      const sql = 'insert or replace into batch values (?, ?, ?, ?, ?, 1, ?, 0, 0, 0)'
      this.#run(sql, firstId, id, count, root, metaHash, pos)
    },
    ContributionDecided: ({ contribId, accepted }) => this.#decide(contribId, outcome(accepted), undefined),
    ContributionBatchDecided: ({ firstId, accepted }) =>
      this.#run('update batch set decision = ? where id = ?', outcome(accepted), firstId),
    ConsentWithdrawn: ({ contribId }, { pos }) => this.#decide(contribId, decisions.withdrawn, pos),
    ContributionSlashed: ({ contribId }, { pos }) => this.#decide(contribId, decisions.slashed, pos),
    VersionPublished: ({ id, version: number, itemsRoot }, { pos }) => {
      const sql = 'insert into version (datanet, version, items_root, pos) values (?, ?, ?, ?)'
      this.#run(sql, id, number, itemsRoot, pos)
    },
    VersionDiffed: ({ id, version: number, diff }) =>
      this.#run('update version set diff = ? where datanet = ? and version = ?', toJson(diff), id, number),
    VersionVoided: ({ id, version: number }) => this.#run('insert or ignore into void values (?, ?)', id, number),
    SignatureDemanded: ({ contribId, asker, until }) =>
      this.#run('insert or replace into demand values (?, ?, ?, 1)', contribId, asker.toLowerCase(), until),
    SignatureWithheld: ({ contribId }) => this.#run('update demand set is_open = 0 where id = ?', contribId),
    SignatureShown: ({ contribId, signature }, { contract }) => {
      if (contract === 'SignatureProofs') this.#run('update demand set is_open = 0 where id = ?', contribId)
      this.#addShown(contribId, signature)
    },
  }

  #setLimit(datanet: bigint, pos: number, bps: number): void {
    const isFirst = this.#get('select 1 from similarity where datanet = ? and bps > 0', datanet) === undefined
    this.#run('insert or replace into similarity values (?, ?, ?)', datanet, pos, bps)
    // What was made before is an original of what comes, so its signature is needed.
    if (isFirst && bps > 0) this.#run('update item set stage = 0 where datanet = ?', datanet)
  }

  #addItem(
    id: bigint,
    of: readonly [datanet: number, content: Hex, sim: Hex, consent: number, size: number, meta: Hex],
    { first, decision, pos }: { readonly first: bigint | undefined; readonly decision: number; readonly pos: number },
  ): void {
    // What happened to an item before its batch's list was here.
    const own = this.#get('select * from fate where id = ?', id)
    const sql = 'insert or replace into item values (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, null, 0, 0, 0)'
    const fate = [Number(own?.['decision'] ?? decision), pos, own?.['left_pos'] ?? null] as const
    this.#run(sql, id, ...of, first ?? null, ...fate)
    this.#markTwins(id, of[0], of[1])
  }

  /** Marks it where an earlier one has its content, and later ones that have it: the list of a batch may come late. */
  #markTwins(id: bigint, datanet: number, content: Hex): void {
    const same = 'from item where datanet = ? and content = ?'
    if (this.#get(`select 1 ${same} and id < ? limit 1`, datanet, content, id) !== undefined) {
      // Those behind it are marked already: they have the same earlier one.
      this.#run('insert or ignore into twin values (?)', id)
    } else this.#run(`insert or ignore into twin select id ${same} and id > ?`, datanet, content, id)
  }

  /** An earlier contribution with its content that stands, among the earliest and those next to it. */
  #originalOf({ id, datanet, content }: KnownItem): KnownItem | undefined {
    const sql = (order: string) =>
      `${itemQuery} where item.datanet = ? and item.content = ? and item.id < ? order by item.id ${order} limit ?`
    for (const order of ['asc', 'desc']) {
      const found = this.#all(sql(order), datanet, content, id, originalsMax).map(itemOf)
      const original = found.find((other) => other.kind === 0 && stands(other))
      if (original !== undefined) return original
    }
    return undefined
  }

  #decide(id: bigint, decision: number, leftPos: number | undefined): void {
    const sql =
      'insert into fate values (?, ?, ?) on conflict (id) do update set decision = excluded.decision, left_pos = coalesce(left_pos, excluded.left_pos)'
    this.#run(sql, id, decision, leftPos ?? null)
    const update = 'update item set decision = ?, left_pos = coalesce(left_pos, ?) where id = ?'
    this.#run(update, decision, leftPos ?? null, id)
  }

  #addShown(id: bigint, signature: Hex): void {
    const item = this.item(id)
    if (item === undefined) return
    this.#run('insert or ignore into shown values (?, ?)', item.sim, Buffer.from(signature.slice(2), 'hex'))
    this.#run('update item set stage = 0 where sim = ? and stage = ?', item.sim, stages.unknownSignature)
  }

  #compare(item: KnownItem, signature: Uint32Array): void {
    const keys = bandKeys(signature)
    const others = new Set<number>()
    const find = this.#statement('select id from band where datanet = ? and key = ? order by id limit ?')
    for (const key of keys) {
      const room = candidatesMax - others.size
      if (room <= 0) break
      for (const row of find.all(item.datanet, key, room) as Row[]) others.add(Number(row['id']))
    }
    for (const id of others) {
      const other = this.item(BigInt(id))
      if (other?.signature === undefined || other.id === item.id) continue
      const [original, copy] = other.id < item.id ? [other, item] : [item, other]
      const limit = this.limitAt(copy.datanet, copy.pos)
      const bps = similarityBps(signature, other.signature)
      if (limit > 0 && bps >= limit) this.#addNear(copy.id, original.id, bps)
    }
    for (const key of keys) this.#run('insert or ignore into band values (?, ?, ?)', item.datanet, key, item.id)
  }

  #addNear(copy: bigint, original: bigint, bps: number): void {
    const known = Number(this.#get('select count(*) as n from near where copy = ?', copy)?.['n'])
    if (known < originalsMax)
      this.#run('insert or ignore into near (copy, original, bps) values (?, ?, ?)', copy, original, bps)
  }

  #due(what: 'batch' | 'version', nowMs: number, limit: number): Row[] {
    return this.#all(`select * from ${what} where stage = 0 and again <= ? order by again, id limit ?`, nowMs, limit)
  }

  #isLimited({ datanet, pos }: KnownItem): boolean {
    return this.limitAt(datanet, pos) > 0 && this.limitAt(datanet, Number.MAX_SAFE_INTEGER) > 0
  }

  /** The first rows behind a place that are of use. `sql`: of a place and a number of rows. */
  #page<T>(sql: string, after: number, limit: number, take: (row: Row) => T | undefined): Page<T> {
    const rows = this.#all(sql, after, pageRowsMax)
    const found: T[] = []
    let next = after
    for (const row of rows) {
      if (found.length === limit) return { found, next }
      next = Number(row['id'])
      const taken = take(row)
      if (taken !== undefined) found.push(taken)
    }
    return { found, next: rows.length < pageRowsMax ? 0 : next }
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

/** Its decision or, where it has none of its own, its batch's. */
const itemQuery = `select item.*, case when item.decision = 0 then batch.decision else item.decision end as stand
  from item left join batch on batch.id = item.first`

/** Fields of the events, each of those that have it. */
type Args = {
  readonly [field in 'id' | 'contribId' | 'firstId' | 'value' | 'until']: bigint
} & {
  readonly [field in 'mediaType' | 'visibility' | 'key' | 'kind' | 'consent' | 'size' | 'count' | 'version']: number
} & {
  readonly [field in 'contentHash' | 'simHash' | 'metaHash' | 'root' | 'itemsRoot' | 'asker' | 'signature']: Hex
} & { readonly accepted: boolean; readonly diff: VersionDiff }

type Value = string | number | bigint | null | Buffer
type Row = Readonly<Record<string, string | number | null | Buffer>>

function outcome(accepted: boolean): number {
  return accepted ? decisions.accepted : decisions.rejected
}

/** What can still lose a bond. */
export function isLive({ decision }: Pick<KnownItem, 'decision'>): boolean {
  return decision === decisions.pending || decision === decisions.accepted || decision === decisions.withdrawn
}

function stands({ decision }: KnownItem): boolean {
  return decision !== decisions.rejected && decision !== decisions.slashed
}

function itemOf(row: Row): KnownItem {
  return {
    id: BigInt(Number(row['id'])),
    datanet: BigInt(Number(row['datanet'])),
    kind: Number(row['kind']),
    content: row['content'] as Hex,
    sim: row['sim'] as Hex,
    consent: Number(row['consent']),
    size: Number(row['size']),
    meta: row['meta'] as Hex,
    first: row['first'] === null ? undefined : BigInt(Number(row['first'])),
    decision: Number(row['stand']),
    pos: Number(row['pos']),
    leftPos: row['left_pos'] === null ? undefined : Number(row['left_pos']),
    signature: row['signature'] === null ? undefined : signatureIn(row['signature']),
  }
}

function signatureIn(blob: Row[string] | undefined): Uint32Array {
  return decodeSignature(blob as Buffer)
}

function batchOf(row: Row): KnownBatch {
  return {
    first: BigInt(Number(row['id'])),
    count: Number(row['count']),
    root: row['root'] as Hex,
    meta: row['meta'] as Hex,
  }
}

function versionOf(row: Row): KnownVersion {
  return {
    id: Number(row['id']),
    datanet: BigInt(Number(row['datanet'])),
    version: Number(row['version']),
    pos: Number(row['pos']),
    itemsRoot: (row['items_root'] ?? zeroHash) as Hex,
    diff: fromJson(String(row['diff'])) as VersionDiff,
  }
}
