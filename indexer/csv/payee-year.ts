import type { Row, Store, Value } from '../store/store.ts'

/** Rows of a payee's year read in one go. */
const pageRows = 500

export const csvColumns = [
  'time',
  'kind',
  'amount_wei',
  'amount_open',
  'epoch',
  'batch',
  'receipt',
  'entry',
  'class',
  'model',
  'model_version',
  'request',
  'pool',
  'recipient',
  'block',
  'transaction',
] as const

/** A payee's UTC year as block `at` knows it. */
export type PayeeYear = { readonly payee: string; readonly year: number; readonly at: number }

type Line = { readonly block: number; readonly text: string }

/** Numbers of the epochs of the year whose data is not there: without it their credits are unknown. */
export function missingEpochs(store: Store, { year, at }: PayeeYear): readonly number[] {
  const sql = `select number from epoch join ledger_file f on f.kind = 'epoch' and f.key = epoch.key
    where f.state <> 'present' and final_at >= ? and final_at < ? and final_block <= ? order by number`
  return store.all(sql, ...yearBounds(year), at).map((row) => Number(row['number']))
}

/**
 * Lines of CSV, by block: a credit when its epoch became final, a claim when it was paid. Read page by page: a year may have
 * millions.
 */
export function* payeeYear(store: Store, of: PayeeYear): Generator<string> {
  yield `${csvColumns.join(',')}\r\n`
  const [credits, claims] = [creditLines(store, of), claimLines(store, of)]
  let [credit, claim] = [credits.next(), claims.next()]
  while (credit.done !== true || claim.done !== true) {
    const isCredit = claim.done === true || (credit.done !== true && credit.value.block <= claim.value.block)
    if (isCredit && credit.done !== true) {
      yield credit.value.text
      credit = credits.next()
    } else if (claim.done !== true) {
      yield claim.value.text
      claim = claims.next()
    }
  }
}

function* creditLines(store: Store, { payee, year, at }: PayeeYear): Generator<Line> {
  const epochs = store.all(
    `select key, number, final_at, final_block, final_tx from epoch
     where final_at >= ? and final_at < ? and final_block <= ? order by final_block, key`,
    ...yearBounds(year),
    at,
  )
  const sql = `select credit.*, entry.class as class, model, model_version, request_id from credit
    left join entry on entry.batch = credit.batch and entry.receipt = credit.receipt and entry.idx = credit.entry
    left join receipt on receipt.batch = credit.batch and receipt.idx = credit.receipt
    where credit.payee = ? and proposal = ? and credit.idx > ? order by credit.idx limit ?`
  for (const { key = null, number, final_at, final_block, final_tx } of epochs) {
    for (let rows: Row[] | undefined, last = -1; rows === undefined || rows.length === pageRows; ) {
      rows = store.all(sql, payee, key, last, pageRows)
      for (const row of rows) {
        const {
          idx,
          batch,
          receipt,
          entry,
          amount,
          class: of,
          model,
          model_version: version,
          request_id: request,
        } = row
        const about = { epoch: number, batch, receipt, entry, class: of, model, model_version: version, request }
        yield line(final_at, final_block, final_tx, { kind: 'credit', amount, ...about })
        last = Number(idx)
      }
    }
  }
}

function* claimLines(store: Store, { payee, year, at }: PayeeYear): Generator<Line> {
  const sql = `select claim.*, timestamp from claim join block on block.number = claim.block
    where payee = ? and kind <> 'skipped' and timestamp >= ? and timestamp < ? and claim.block <= ?
    and (claim.block, claim.idx) > (?, ?) order by claim.block, claim.idx limit ?`
  let last: readonly Value[] = [-1, -1]
  for (let rows: Row[] | undefined; rows === undefined || rows.length === pageRows; ) {
    rows = store.all(sql, payee, ...yearBounds(year), at, ...last, pageRows)
    for (const { block, idx, kind, epoch, amount, pool, recipient, tx_hash, timestamp } of rows) {
      const name = kind === 'pool' ? 'pool claim' : 'claim'
      yield line(timestamp, block, tx_hash, { kind: name, amount, epoch, pool, recipient })
      last = [block ?? null, idx ?? null]
    }
  }
}

type Cell = Value | undefined

function line(time: Cell, block: Cell, transaction: Cell, columns: Readonly<Record<string, Cell>>): Line {
  const wei = String(columns['amount'])
  const cells: Readonly<Record<string, Cell>> = {
    ...columns,
    time: new Date(Number(time) * 1000).toISOString(),
    amount_wei: wei,
    amount_open: openDecimals(wei),
    block,
    transaction,
  }
  // None of these needs quotes: numbers, hex, names of ours.
  const text = csvColumns.map((name) => cells[name] ?? '').join(',')
  return { block: Number(block), text: `${text}\r\n` }
}

/** OPEN with all of its 18 decimals. */
export function openDecimals(wei: string): string {
  const digits = wei.padStart(19, '0')
  return `${digits.slice(0, -18)}.${digits.slice(-18)}`
}

/** First second of the year, and of the next one. */
function yearBounds(year: number): readonly [number, number] {
  return [Date.UTC(year) / 1000, Date.UTC(year + 1) / 1000]
}
