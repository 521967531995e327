import type { Clock } from '../../common/clock.ts'
import type { Log } from '../../common/log.ts'
import { FormatError } from '../../protocol/bytes.ts'
import { batchRecord, batchRecordBytes } from '../../protocol/datanets/item-record.ts'
import type { Row, Store } from '../store/store.ts'

/** Contributions written in one transaction: a batch may have a million, and queries want their turn. */
const sliceItems = 5000

type Parts = { readonly store: Store; readonly clock: Clock; readonly log: Log }

/**
 * Turns a row of `batch` into its contributions, in slices. Starts over after a stop in the middle; ends where a reorg
 * takes the batch away. A manifest that does not list the batch is bad for this batch alone: anyone can name its root.
 */
export async function expandBatch(batch: Row, records: Uint8Array, parts: Parts, signal: AbortSignal): Promise<void> {
  const { store, clock, log } = parts
  const [firstId, count] = [Number(batch['first_id']), Number(batch['count'])]
  const wrong = whyNot(records, count)
  if (wrong !== undefined) {
    log.warn('manifest does not list the batch', { root: batch['root'], why: wrong, count })
    store.run("update manifest set state = 'bad' where first_id = ?", firstId)
    return
  }
  for (let start = 0; start < count && !signal.aborted; start += sliceItems) {
    const end = Math.min(start + sliceItems, count)
    const isThere = store.transaction(() => {
      const now = store.get('select tx_hash from batch where first_id = ?', firstId)
      if (now?.['tx_hash'] !== batch['tx_hash']) return false
      for (let i = start; i < end; i++) {
        writeItem(store, batch, i, records)
      }
      if (end === count) store.run("update manifest set state = 'present' where first_id = ?", firstId)
      return true
    })
    if (!isThere) return
    if (end < count) await clock.sleep(0, signal)
  }
}

/** Why a list is not that of the batch: its length, or an item that ends before it begins; undefined: it is. */
function whyNot(records: Uint8Array, count: number): string | undefined {
  if (records.length !== count * batchRecordBytes) return `${records.length / batchRecordBytes} records`
  try {
    for (let i = 0; i < count; i++) batchRecord(records, i)
    return undefined
  } catch (error) {
    if (error instanceof FormatError) return error.message
    throw error
  }
}

function writeItem(store: Store, batch: Row, index: number, records: Uint8Array): void {
  const { first_id, datanet, author, bond, meta_hash, block, tx_hash } = batch
  const { contentHash, simHash, consent, size } = batchRecord(records, index)
  store.run(
    'insert or replace into contribution values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    Number(first_id) + index,
    datanet ?? null,
    author ?? null,
    contentHash,
    simHash,
    consent,
    bond ?? null,
    size,
    meta_hash ?? null,
    first_id ?? null,
    block ?? null,
    tx_hash ?? null,
  )
  // An item counts from the block of its batch, even where a later block's content was fetched before.
  store.run(
    `insert into content (hash, block, state) values (?, ?, 'missing')
     on conflict (hash) do update set block = excluded.block where excluded.block < block`,
    contentHash,
    block ?? null,
  )
}
