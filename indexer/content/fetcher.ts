import type { Clock } from '../../common/clock.ts'
import { ContentError, type ContentStore } from '../../common/content-store.ts'
import type { Log } from '../../common/log.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import type { Row, Store } from '../store/store.ts'

/** Record of a batch manifest: content hash, similarity hash, consent. */
export const manifestRecordBytes = 65
/** Characters of a text kept in the index for lists. */
export const previewCharsMax = 280
/** Contents looked for in one go, in one transaction of the database. */
const goItems = 200
/** Wait before missing content is looked for again. */
const missingMs = 2000

type Parts = {
  readonly store: Store
  readonly content: ContentStore
  readonly clock: Clock
  readonly log: Log
  readonly onItems: () => void
}

/**
 * Fetches what the chain names by hash: manifests of batches, whose items then become contributions, and texts.
 * Each is checked against its hash. What is missing is tried again for ever and counted; it never holds up the blocks.
 */
export class ContentFetcher {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    let afterHash = ''
    while (!signal.aborted) {
      let found = 0
      try {
        found = this.expandManifests()
        const go = this.fetchContents(afterHash)
        afterHash = go.last
        found += go.found
      } catch (error) {
        log.warn('content not read', { error })
      }
      if (afterHash === '' && found === 0) await clock.sleep(missingMs, signal)
      // Give queries a turn between two goes.
      else await clock.sleep(0, signal)
    }
  }

  /** Turns batches whose manifest is here into contributions. Returns how many batches. */
  expandManifests(): number {
    const { store, content, onItems } = this.#parts
    const batches = store.all(
      `select b.*, m.state as manifest_state from batch b join manifest m on m.root = b.root
       where m.state != 'bad' and not exists (select 1 from contribution c where c.id = b.first_id) limit ?`,
      goItems,
    )
    let expanded = 0
    for (const batch of batches) {
      const records = this.#read(() => content.getRecords(String(batch['root']), manifestRecordBytes))
      if (records === undefined) continue
      this.#expand(batch, records)
      expanded++
    }
    if (expanded > 0) onItems()
    return expanded
  }

  /** Reads missing contents behind `afterHash`; `last` is '' once the end was reached. */
  fetchContents(afterHash: string): { readonly found: number; readonly last: string } {
    const { store, content } = this.#parts
    const wanted = store.all(
      "select hash from content where state = 'missing' and hash > ? order by hash limit ?",
      afterHash,
      goItems,
    )
    let found = 0
    store.transaction(() => {
      for (const { hash } of wanted) {
        const bytes = this.#read(() => content.get(String(hash)))
        if (bytes === undefined) continue
        const preview = new TextDecoder().decode(bytes.subarray(0, previewCharsMax * 4)).slice(0, previewCharsMax)
        store.run(
          "update content set state = 'present', size = ?, preview = ? where hash = ?",
          bytes.length,
          preview,
          String(hash),
        )
        found++
      }
    })
    return { found, last: wanted.length < goItems ? '' : String(wanted.at(-1)?.['hash']) }
  }

  #expand(batch: Row, records: Uint8Array): void {
    const { store, log } = this.#parts
    const count = Number(batch['count'])
    const firstId = Number(batch['first_id'])
    if (records.length !== count * manifestRecordBytes) {
      log.warn('manifest does not list the batch', {
        root: batch['root'],
        records: records.length / manifestRecordBytes,
        count,
      })
      store.run("update manifest set state = 'bad' where root = ?", String(batch['root']))
      return
    }
    store.transaction(() => {
      for (let i = 0; i < count; i++) {
        const record = records.subarray(i * manifestRecordBytes, (i + 1) * manifestRecordBytes)
        const contentHash = bytesToHex(record.subarray(0, 32))
        store.run(
          'insert into contribution values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
          firstId + i,
          Number(batch['datanet']),
          String(batch['author']),
          contentHash,
          bytesToHex(record.subarray(32, 64)),
          record[64] ?? 0,
          String(batch['bond']),
          firstId,
          Number(batch['block']),
          String(batch['tx_hash']),
        )
        store.run("insert or ignore into content (hash, state) values (?, 'missing')", contentHash)
      }
      store.run("update manifest set state = 'present' where root = ?", String(batch['root']))
    })
  }

  /** Damaged content counts as missing: whoever owns the store may replace it. */
  #read(read: () => Uint8Array | undefined): Uint8Array | undefined {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof ContentError)) throw error
      this.#parts.log.warn('content is damaged', { error })
      return undefined
    }
  }
}
