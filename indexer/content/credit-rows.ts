import { decodeEpochFile } from '../../attribution/epochs/epoch-file.ts'
import { creditAt, creditBytes, payoutAt, payoutBytes } from '../../attribution/epochs/epoch-rows.ts'
import type { Row, Store, Value } from '../store/store.ts'

/**
 * Writes the credits of a proposal, one a call, and behind the last one of a payee what it earned; 0 at the end. The file is in
 * order of payees.
 */
export function creditWriter(store: Store, epoch: Row, bytes: Uint8Array): () => number {
  const { credits, payouts } = decodeEpochFile(bytes)
  const [proposal, block] = [epoch['key'] ?? null, epoch['block'] ?? null]
  const place = receiptPlaces(store, epoch)
  const count = credits.length / creditBytes
  let [i, earned, payout] = [0, 0n, 0]
  const cumulativeOf = (payee: string): bigint => {
    for (; payout * payoutBytes < payouts.length; payout++) {
      const found = payoutAt(payouts, payout)
      if (found.payee >= payee) return found.payee === payee ? found.cumulative : 0n
    }
    return 0n
  }
  return () => {
    if (i === count) return 0
    const { payee, receipt, entry, amount } = creditAt(credits, i)
    const sql = 'insert or replace into credit values (?, ?, ?, ?, ?, ?, ?)'
    store.run(sql, proposal, i, payee, ...place(receipt), entry, String(amount))
    earned += amount
    i++
    if (i < count && creditAt(credits, i).payee === payee) return 1
    const row = 'insert or replace into earning values (?, ?, ?, ?)'
    store.run(row, proposal, payee, String(earned), String(cumulativeOf(payee)))
    // The first proposal that names a payee counts, whatever file comes first.
    store.run(
      `insert into earner values (?, ?)
       on conflict (payee) do update set block = excluded.block where excluded.block < block`,
      payee,
      block,
    )
    earned = 0n
    return 2
  }
}

/** Batch and place in it of a receipt by its number in the epoch; the batch is null where the epoch has no such receipt. */
function receiptPlaces(store: Store, epoch: Row): (number: number) => readonly [Value, number] {
  const live = store.all(
    `select key, receipts_before, count from receipt_batch
     where key between ? and ? and receipts_before is not null order by key`,
    epoch['first_batch'] ?? null,
    epoch['last_batch'] ?? null,
  )
  const base = Number(live[0]?.['receipts_before'] ?? 0)
  const starts = live.map((row) => Number(row['receipts_before']) - base)
  return (number) => {
    let [low, high] = [0, starts.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= number) low = middle
      else high = middle
    }
    const batch = live[low]
    const index = number - (starts[low] ?? 0)
    return batch !== undefined && index < Number(batch['count']) ? [batch['key'] ?? null, index] : [null, number]
  }
}
