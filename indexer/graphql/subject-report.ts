import { bytesToBigint } from '../../protocol/bytes.ts'
import { decodeConsent } from '../../protocol/datanets/consent.ts'
import { listedItemBytes } from '../../protocol/datanets/version-diff.ts'
import { eventTopic } from '../handlers/event.ts'
import type { Row } from '../store/store.ts'
import { type AtBlock, atBlock } from './at-block.ts'
import type { QueryContext } from './context.ts'
import { entity } from './rows.ts'

/** Contributions of one answer, and receipts of one contribution. */
const itemsMax = 500
const receiptsMax = 1_000

export type SubjectReportInput = AtBlock & { readonly address: string; readonly after?: string | null }

/** All that is known of a person's contributions: consent, decisions, versions, models, receipts and amounts, as of a block. */
export async function subjectReport(input: SubjectReportInput, context: QueryContext) {
  const { store } = context
  const at = atBlock(input, context)
  const until = at ?? Number.MAX_SAFE_INTEGER
  const rows = store.all(
    'select * from contribution where author = ? and id > ? and block <= ? order by id limit ?',
    input.address,
    Number(input.after ?? 0),
    until,
    itemsMax + 1,
  )
  const shown = rows.slice(0, itemsMax)
  const lists = new VersionLists(context, until)
  const items = shown.map((row) => itemOf(row, until, lists, context))
  return {
    address: input.address,
    items: items.map((item, i) => ({ ...item, contribution: entity(shown[i], at) })),
    next: rows.length > itemsMax ? String(shown.at(-1)?.['id']) : null,
    amount: String(items.reduce((sum, { amount }) => sum + BigInt(amount), 0n)),
    unlistedVersions: lists.unlisted,
  }
}

function itemOf(row: Row, until: number, lists: VersionLists, { store }: QueryContext) {
  const [id, datanet] = [Number(row['id']), Number(row['datanet'])]
  const versions = lists.versionsOf(datanet, id)
  const models = store.all(
    `select distinct model from model_datanet where datanet = ? and block <= ?
     and version in (select value from json_each(?)) order by model`,
    datanet,
    until,
    JSON.stringify(versions),
  )
  const entries = store.all(
    `select e.batch, e.receipt, e.payee, e.amount, r.model, r.request_id from entry e
     join receipt r on r.batch = e.batch and r.idx = e.receipt join receipt_batch b on b.key = e.batch
     where e.contribution = ? and b.block <= ? and not exists
       (select 1 from void_receipt v where v.batch = e.batch and v.receipt = e.receipt and v.block <= ?)
     order by e.batch, e.receipt, e.idx`,
    id,
    until,
    until,
  )
  return {
    consent: Object.entries(decodeConsent(Number(row['consent']))).map(([purpose, permission]) => ({
      purpose,
      permission,
    })),
    withdrawnFrom: withdrawnFrom(id, until, store),
    versions,
    models: models.map(({ model }) => String(model)),
    receiptCount: entries.length,
    receipts: entries.slice(0, receiptsMax).map(({ batch, receipt, payee, amount, model, request_id }) => ({
      batch: String(batch),
      index: receipt,
      model: model === null ? null : String(model),
      requestId: request_id,
      payee,
      amount,
    })),
    amount: String(entries.reduce((sum, { amount }) => sum + BigInt(String(amount)), 0n)),
  }
}

const withdrawn = eventTopic('ConsentWithdrawn(uint64,uint32)')

/** The first version without it; null where its author did not take it back. */
function withdrawnFrom(id: number, until: number, store: QueryContext['store']): number | null {
  const topic = `0x${id.toString(16).padStart(64, '0')}`
  const sql = 'select data from log where topic0 = ? and topic1 = ? and block <= ? order by block limit 1'
  const row = store.get(sql, withdrawn, topic, until)
  return row === undefined ? null : Number(bytesToBigint(row['data'] as unknown as Uint8Array))
}

/** The contributions of Datanets' versions, each list read once. */
class VersionLists {
  /** Versions whose lists nobody here has, as `3.2`. */
  readonly unlisted: string[] = []
  readonly #context: QueryContext
  readonly #until: number
  readonly #byDatanet = new Map<number, ReadonlyMap<number, ReadonlySet<number>>>()

  constructor(context: QueryContext, until: number) {
    this.#context = context
    this.#until = until
  }

  versionsOf(datanet: number, contribution: number): number[] {
    let lists = this.#byDatanet.get(datanet)
    if (lists === undefined) {
      lists = this.#read(datanet)
      this.#byDatanet.set(datanet, lists)
    }
    return [...lists].filter(([, ids]) => ids.has(contribution)).map(([version]) => version)
  }

  #read(datanet: number): Map<number, Set<number>> {
    const { store, content } = this.#context
    const sql = 'select version, items_root from version where datanet = ? and block <= ? order by version'
    const lists = new Map<number, Set<number>>()
    for (const { version, items_root: root } of store.all(sql, datanet, this.#until)) {
      const list = content?.getRecords(String(root), listedItemBytes)
      if (list === undefined) this.unlisted.push(`${datanet}.${version}`)
      else lists.set(Number(version), idsOf(list))
    }
    return lists
  }
}

function idsOf(list: Uint8Array): Set<number> {
  const ids = new Set<number>()
  for (let at = 0; at + listedItemBytes <= list.length; at += listedItemBytes) {
    ids.add(Number(bytesToBigint(list.subarray(at, at + 8))))
  }
  return ids
}
