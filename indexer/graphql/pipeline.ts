import type { Row, Value } from '../store/store.ts'
import type { QueryContext } from './context.ts'
import { type Entity, rowAt, stateEntity, stateOf } from './rows.ts'

type Stage = 'training' | 'receipt' | 'entries' | 'batch' | 'epoch' | 'claim'
type State = 'COMPLETE' | 'INCOMPLETE'
type Link = { readonly stage: Stage; readonly state: State; readonly missing: string | null }
export type Pipeline = { readonly state: State; readonly links: readonly Link[] }

/** Above every block. */
const newest = Number.MAX_SAFE_INTEGER

/** Links of a receipt that is there, from the training record of its model to who was paid for it. */
export async function receiptPipeline(context: QueryContext, row: Row, at: number | undefined): Promise<Pipeline> {
  const [training, batch, voided, epoch, unknown] = await Promise.all([
    trainingMissing(context, row),
    stateOf(context, 'receipt_batch', row['batch'] ?? null, at),
    rowAt(context, 'void_receipt', ['batch', 'receipt'], [row['batch'], row['idx']]),
    epochOfBatch(context, row['batch'], at),
    unknownContributions(context, row),
  ])
  const isVoid = batch?.['status'] === 'void' || Number(voided?.['block'] ?? newest) <= (at ?? newest - 1)
  const settled = isVoid ? `the receipt is void: nobody is paid for it` : batchMissing(batch)
  const inEpoch = await epochMissing(context, row['batch'], epoch)
  return pipeline([
    ['training', training],
    ['receipt', undefined],
    ['entries', unknown],
    ['batch', settled],
    ['epoch', settled ?? inEpoch],
    ['claim', settled ?? inEpoch ?? (await unclaimed(context, row, Number(epoch?.row['number']), at))],
  ])
}

/** Links of a batch: its file may be missing, and its receipts with it. */
export async function batchPipeline(context: QueryContext, row: Row, at: number | undefined): Promise<Pipeline> {
  const [file, epoch] = await Promise.all([
    rowAt(context, 'ledger_file', ['kind', 'key'], ['batch', row['key']]),
    epochOfBatch(context, row['key'], at),
  ])
  const data = dataMissing(file, `batch ${row['key']}`)
  const settled = batchMissing(row)
  return pipeline([
    ['receipt', data],
    ['entries', data],
    ['batch', settled],
    ['epoch', settled ?? (await epochMissing(context, row['key'], epoch))],
  ])
}

/** The epoch that stands at the block and has the batch. */
export async function epochOfBatch(
  context: QueryContext,
  batch: Value | undefined,
  at: number | undefined,
): Promise<Entity | null> {
  const key = await context.loaders.load(`epoch of batch at ${at}`, batch ?? null, (batches) => {
    const sql = `select k.value as batch, (select key from epoch where last_batch >= k.value and first_batch <= k.value
      and block <= ? and (gone_block is null or gone_block > ?) order by last_batch, key desc limit 1) as epoch
      from json_each(?) k`
    const until = at ?? newest
    const rows = context.store.all(sql, until, until, JSON.stringify(batches))
    return new Map(rows.map((row) => [row['batch'] ?? null, row['epoch'] ?? null]))
  })
  return stateEntity(context, 'epoch', key, at)
}

/** The final epoch of a number; null where a claim names none. */
export async function finalEpoch(
  context: QueryContext,
  number: Value | undefined,
  at: number | undefined,
): Promise<Entity | null> {
  const key = await context.loaders.load('final epoch', number ?? null, (numbers) => {
    const sql = `select k.value as number, e.key as key from json_each(?) k join epoch e on e.number = k.value
      where e.final_block is not null`
    const rows = context.store.all(sql, JSON.stringify(numbers))
    return new Map(rows.map((row) => [row['number'] ?? null, row['key'] ?? null]))
  })
  return stateEntity(context, 'epoch', key, at)
}

/** What the epoch that stands credits for the entry at `[batch, receipt, entry]`. */
export function creditOf(
  context: QueryContext,
  place: readonly (Value | undefined)[],
  at: number | undefined,
): Promise<Row | undefined> {
  return context.loaders.load(`credit at ${at}`, JSON.stringify(place), (places) => {
    const sql = `select k.key as place_index, c.* from json_each(?) k join credit c
      on c.batch = k.value ->> 0 and c.receipt = k.value ->> 1 and c.entry = k.value ->> 2
      where c.proposal in (select key from epoch where block <= ? and (gone_block is null or gone_block > ?))`
    const until = at ?? newest
    return byPlace(places, context.store.all(sql, `[${places.join()}]`, until, until))
  })
}

/** The first claim that paid a payee what epoch `number` credited. */
export function claimOf(
  context: QueryContext,
  payee: Value | undefined,
  number: Value | undefined,
  at: number | undefined,
): Promise<Row | undefined> {
  return context.loaders.load(`claim at ${at}`, JSON.stringify([payee, number]), (places) => {
    const sql = `select k.key as place_index, c.* from json_each(?) k join claim c on c.payee = k.value ->> 0
      and (c.block, c.idx) = (select block, idx from claim where payee = k.value ->> 0 and kind = 'payout'
        and epoch >= k.value ->> 1 and block <= ? order by block, idx limit 1)`
    return byPlace(places, context.store.all(sql, `[${places.join()}]`, at ?? newest))
  })
}

function byPlace(places: readonly Value[], rows: readonly Row[]): Map<Value, Row> {
  return new Map(rows.map((row) => [places[Number(row['place_index'])] ?? null, row]))
}

/** The training record: a version of a model that says what it was made of. */
async function trainingMissing(context: QueryContext, row: Row): Promise<string | undefined> {
  const { model, model_version: version } = row as { readonly model: Value; readonly model_version: Value }
  const [record, datanets] = await Promise.all([
    rowAt(context, 'model_version', ['model', 'version'], [model, version]),
    rowAt(context, 'model_datanet', ['model'], [model]),
  ])
  if (record === undefined) return 'the receipt names no model version that is registered'
  const isSaid = datanets !== undefined || !/^0x0+$/.test(String(record['index_set_hash']))
  return isSaid ? undefined : `model ${model} names neither Datanets that it was trained on nor indexes`
}

/** Contributions that entries pay and nobody knows: the list of their batch is missing, or there are none. */
async function unknownContributions(context: QueryContext, row: Row): Promise<string | undefined> {
  const place = JSON.stringify([row['batch'], row['idx']])
  const found = await context.loaders.load('unknown contributions', place, (places) => {
    const sql = `select k.key as place_index, count(*) as unknown, min(e.contribution) as first from json_each(?) k
      join entry e on e.batch = k.value ->> 0 and e.receipt = k.value ->> 1
      where e.contribution is not null and not exists (select 1 from contribution where id = e.contribution) group by k.key`
    return byPlace(places, context.store.all(sql, `[${places.join()}]`))
  })
  return found && `${found['unknown']} contributions of its entries are not indexed, the first is ${found['first']}`
}

function batchMissing(batch: Row | undefined): string | undefined {
  const status = batch?.['status']
  return status === 'mature' ? undefined : `batch ${batch?.['key']} is ${status}: it is in no epoch`
}

async function epochMissing(
  context: QueryContext,
  batch: Value | undefined,
  epoch: Entity | null,
): Promise<string | undefined> {
  if (epoch === null) return `no epoch that stands has batch ${batch}`
  const { number, status } = epoch.row
  const file = await rowAt(context, 'ledger_file', ['kind', 'key'], ['epoch', epoch.row['key']])
  const data = dataMissing(file, `epoch ${number}`)
  return data ?? (status === 'final' ? undefined : `epoch ${number} is ${status}: it can still be challenged`)
}

function dataMissing(file: Row | undefined, what: string): string | undefined {
  const state = file?.['state'] ?? 'missing'
  return state === 'present' ? undefined : `the data file of ${what} is ${state}`
}

/** Payees of a receipt's entries whom no claim paid yet. */
async function unclaimed(
  context: QueryContext,
  row: Row,
  number: number,
  at: number | undefined,
): Promise<string | undefined> {
  const place = JSON.stringify([row['batch'], row['idx'], number])
  const found = await context.loaders.load(`unclaimed at ${at}`, place, (places) => {
    const sql = `select k.key as place_index, count(distinct e.payee) as payees,
      count(distinct case when not exists (select 1 from claim where payee = e.payee and kind = 'payout'
        and epoch >= k.value ->> 2 and block <= ?) then e.payee end) as waiting
      from json_each(?) k join entry e on e.batch = k.value ->> 0 and e.receipt = k.value ->> 1 and e.amount <> '0'
      group by k.key`
    return byPlace(places, context.store.all(sql, at ?? newest, `[${places.join()}]`))
  })
  const waiting = Number(found?.['waiting'] ?? 0)
  return waiting === 0 ? undefined : `${waiting} of ${found?.['payees']} payees claimed nothing since epoch ${number}`
}

function pipeline(stages: readonly (readonly [Stage, string | undefined])[]): Pipeline {
  const state = (missing: string | undefined): State => (missing === undefined ? 'COMPLETE' : 'INCOMPLETE')
  const links = stages.map(([stage, missing]) => ({ stage, state: state(missing), missing: missing ?? null }))
  return { state: links.every((link) => link.state === 'COMPLETE') ? 'COMPLETE' : 'INCOMPLETE', links }
}
