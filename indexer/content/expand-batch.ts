import type { Clock } from '../../common/clock.ts'
import type { Log } from '../../common/log.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import type { Row, Store } from '../store/store.ts'

/** Record of a batch manifest: content hash, similarity hash, consent. */
export const manifestRecordBytes = 65
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
  if (records.length !== count * manifestRecordBytes) {
    const listed = records.length / manifestRecordBytes
    log.warn('manifest does not list the batch', { root: batch['root'], records: listed, count })
    store.run("update manifest set state = 'bad' where first_id = ?", firstId)
    return
  }
  for (let start = 0; start < count && !signal.aborted; start += sliceItems) {
    const end = Math.min(start + sliceItems, count)
    const isThere = store.transaction(() => {
      const now = store.get('select tx_hash from batch where first_id = ?', firstId)
      if (now?.['tx_hash'] !== batch['tx_hash']) return false
      for (let i = start; i < end; i++) {
        writeItem(store, batch, i, records.subarray(i * manifestRecordBytes, (i + 1) * manifestRecordBytes))
      }
      if (end === count) store.run("update manifest set state = 'present' where first_id = ?", firstId)
      return true
    })
    if (!isThere) return
    if (end < count) await clock.sleep(0, signal)
  }
}

function writeItem(store: Store, batch: Row, index: number, record: Uint8Array): void {
  const { first_id, datanet, author, bond, block, tx_hash } = batch
  const contentHash = bytesToHex(record.subarray(0, 32))
  store.run(
    'insert or replace into contribution values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    Number(first_id) + index,
    datanet ?? null,
    author ?? null,
    contentHash,
    bytesToHex(record.subarray(32, 64)),
    record[64] ?? 0,
    bond ?? null,
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
