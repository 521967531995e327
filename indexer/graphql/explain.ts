import { type EpochReceipt, explainPayout } from '../../attribution/explain/explain-payout.ts'
import type { ReceiptFacts } from '../../attribution/explain/explain-receipt.ts'
import { parsePayoutId } from '../../attribution/explain/payout-id.ts'
import { type EntryLetter, entryClasses, entryLetters } from '../../protocol/attribution-entry.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import type { Credit } from '../../protocol/payout-epoch.ts'
import type { Row, Store } from '../store/store.ts'
import type { QueryContext } from './context.ts'
import { explainedSpans } from './explain-spans.ts'
import { explainedUnits } from './explain-units.ts'
import { queryError } from './query-error.ts'
import { stateEntity } from './rows.ts'

/** Credits of one explanation: each is read with all entries of its receipt while queries wait. */
export const explainedCreditsMax = 1_000
/** Receipts that are shown of them. */
export const explainedReceiptsMax = 100
/** Above every block. */
const newest = Number.MAX_SAFE_INTEGER

/**
 * A payout recomputed from the rows of data files, which open their roots on chain; null where no such epoch stands. Throws
 * BAD_INPUT, LIMIT_EXCEEDED.
 */
export async function explain(text: string, at: number | undefined, context: QueryContext) {
  const id = parsePayoutId(text)
  if (id === undefined) throw queryError('BAD_INPUT', 'payout must be EPOCH:PAYEE or EPOCH:PAYEE:CLASS')
  const { store } = context
  const until = at ?? newest
  const standing = `block <= ? and (gone_block is null or gone_block > ?)`
  const epoch = store.get(
    `select * from epoch where number = ? and ${standing} order by key desc limit 1`,
    ...[Number(id.epoch), until, until],
  )
  if (epoch === undefined) return null
  const credits = store.all(
    'select * from credit where payee = ? and proposal = ? order by idx limit ?',
    ...[id.payee, epoch['key'] ?? null, explainedCreditsMax + 1],
  )
  if (credits.length > explainedCreditsMax) {
    throw queryError(
      'LIMIT_EXCEEDED',
      `the payee has more than ${explainedCreditsMax} credits in the epoch: openledger explain recomputes them all`,
    )
  }
  const read = readReceipts(store, credits)
  const before = store.get(
    `select cumulative from earning where payee = ? and proposal in (select key from epoch where number < ? and ${standing})
     order by proposal desc limit 1`,
    ...[id.payee, Number(id.epoch), until, until],
  )
  const own = store.get(
    'select cumulative from earning where payee = ? and proposal = ?',
    id.payee,
    epoch['key'] ?? null,
  )
  const earlier = wei(before, 'cumulative')
  const explanation = explainPayout({
    id,
    before: earlier,
    // A payee that an epoch does not credit keeps what it had.
    cumulative: own === undefined ? earlier : wei(own, 'cumulative'),
    credits: read.credits,
    receipts: read.receipts,
  })
  const missing = [...fileMissing(store, epoch), ...read.missing]
  const { amount, figures, receipts } = explanation
  const units = explainedUnits(store, epoch, id.payee, explanation.earned, until)
  const differences = [...explanation.differences, ...(units?.differences ?? [])]
  return {
    ...{ payout: text, payee: id.payee, epoch: await stateEntity(context, 'epoch', epoch['key'], at), amount },
    state: missing.length === 0 && differences.length === 0 ? 'COMPLETE' : 'INCOMPLETE',
    ...{ missing, figures, differences, units, receiptCount: receipts.length },
    receipts: receipts.slice(0, explainedReceiptsMax).map((receipt) => ({
      ...receipt,
      spans: () => explainedSpans(context, receipt, until),
      entries: receipt.entries.map((entry) => ({ ...entry, class: entryLetters[entry.class] ?? String(entry.class) })),
    })),
  }
}

/** The receipts that credits are for; receipts of missing files are named. */
function readReceipts(store: Store, rows: readonly Row[]) {
  const receipts = new Map<string, EpochReceipt>()
  const missing = new Set<string>()
  const credits: Credit[] = []
  // Numbers in the epoch are taken from the places in batches: each receipt has one.
  const numbers = new Map<string, number>()
  for (const row of rows) {
    const [batch, index] = [Number(row['batch']), Number(row['receipt'])]
    const place = `${batch}:${index}`
    const number = numbers.get(place) ?? numbers.size
    numbers.set(place, number)
    credits.push({
      payee: String(row['payee']) as Hex,
      receipt: number,
      entry: Number(row['entry']),
      amount: wei(row, 'amount'),
    })
    if (receipts.has(place)) continue
    const receipt = row['batch'] === null ? undefined : readReceipt(store, batch, index, number)
    if (receipt === undefined) missing.add(`the data of batch ${row['batch'] ?? 'none'}`)
    else receipts.set(place, receipt)
  }
  return { credits, receipts: [...receipts.values()], missing: [...missing] }
}

function readReceipt(store: Store, batch: number, index: number, number: number): EpochReceipt | undefined {
  const row = store.get('select * from receipt where batch = ? and idx = ?', batch, index)
  if (row === undefined) return undefined
  const entries = store.all('select * from entry where batch = ? and receipt = ? order by idx', batch, index)
  return {
    ...{ number, batchId: BigInt(batch), index, requestId: String(row['request_id']) as Hex },
    ...{ tin: Number(row['tin']), tout: Number(row['tout']), fee: wei(row, 'fee') },
    parts: {
      ...{ platform: wei(row, 'platform'), model: wei(row, 'model_share'), stakers: wei(row, 'stakers') },
      ...{ worker: wei(row, 'worker_share'), builder: wei(row, 'builder'), contributors: wei(row, 'contributors') },
    },
    ...termsOf(store, row),
    trainedOn: trainedOn(store, row),
    entries: entries.map((entry) => ({
      ...{ payee: String(entry['payee']) as Hex, id: wei(entry, 'id'), weight: wei(entry, 'weight') },
      class: entryClasses[String(entry['class']) as EntryLetter] ?? Number(entry['class']),
      evidenceHash: String(entry['evidence_hash']) as Hex,
    })),
  }
}

function termsOf(store: Store, row: Row): Pick<ReceiptFacts, 'price' | 'shares'> {
  const price = store.get(
    'select * from price where model = ? and version = ? and class = ? and price_version = ?',
    ...[row['model'] ?? null, row['model_version'] ?? null, row['class'] ?? null, row['price_version'] ?? null],
  )
  const shares = price && store.get('select * from shares where version = ?', price['shares_version'] ?? null)
  return {
    price: price && { rin: wei(price, 'rin'), rout: wei(price, 'rout') },
    shares: shares && {
      platformFee: wei(shares, 'platform_fee'),
      ...{ betaBps: Number(shares['beta_bps']), gammaBps: Number(shares['gamma_bps']) },
      ...{ omegaBps: Number(shares['omega_bps']), rhoBps: Number(shares['rho_bps']) },
    },
  }
}

/** Of a model without indexes, by whose weights units divide. */
function trainedOn(store: Store, { model, model_version: version }: Row): ReceiptFacts['trainedOn'] {
  const published = store.get(
    'select index_set_hash from model_version where model = ? and version = ?',
    ...[model ?? null, version ?? null],
  )
  if (published?.['index_set_hash'] !== zeroHash) return undefined
  const datanets = store.all('select datanet, weight_bps from model_datanet where model = ?', model ?? null)
  return datanets.map((row) => ({ datanet: wei(row, 'datanet'), weightBps: Number(row['weight_bps']) }))
}

function fileMissing(store: Store, { key, number }: Row): string[] {
  const file = store.get("select state from ledger_file where kind = 'epoch' and key = ?", key ?? null)
  return file?.['state'] === 'present' ? [] : [`the data of epoch ${number}`]
}

function wei(row: Row | undefined, column: string): bigint {
  return BigInt(String(row?.[column] ?? 0))
}
