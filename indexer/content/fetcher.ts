import type { Clock } from '../../common/clock.ts'
import { ContentError, type ContentStore } from '../../common/content-store.ts'
import type { Log } from '../../common/log.ts'
import { batchRecordBytes } from '../../protocol/datanets/item-record.ts'
import { IndexerError } from '../indexer-error.ts'
import type { ContentState } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { expandBatch } from './expand-batch.ts'

/** Characters of a text kept in the index for lists. */
export const previewCharsMax = 280
/** Contents looked for in one go, in one transaction of the database. */
export const goItems = 200
/** Bytes read in one go: hashing them is 50 ms in which no query is answered. */
const goBytes = 8 * 1024 * 1024
/** Wait after a go that found nothing, and before the missing are looked for from the start. */
const goMs = 50
const missingMs = 2000
/** Rounds between two looks at damaged content: reading and hashing it again costs, and someone must replace it first. */
const damagedEvery = 30

type Parts = { readonly store: Store; readonly content: ContentStore; readonly clock: Clock; readonly log: Log }

/**
 * Fetches what the chain names by hash: manifests of batches, whose items then become contributions, and texts.
 * Each is checked against its hash. What is missing is tried again for ever and counted; it never holds up the blocks,
 * nor what is behind it.
 */
export class ContentFetcher {
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Runs until the signal. Throws IndexerError where the database is damaged. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    for (let round = 0; !signal.aborted; round++) {
      try {
        const states: ContentState[] = round % damagedEvery === 0 ? ['missing', 'damaged'] : ['missing']
        for (const state of states) await this.round(state, signal)
      } catch (error) {
        if (error instanceof IndexerError && error.code === 'corrupt') throw error
        log.warn('content not indexed, trying again', { error })
      }
      await clock.sleep(missingMs, signal)
    }
  }

  /** Looks once for all manifests and contents of one state. */
  async round(state: ContentState, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    for (let after = -1; after !== Number.POSITIVE_INFINITY && !signal.aborted; ) {
      const go = await this.#manifests(state, after, signal)
      after = go.isLast ? Number.POSITIVE_INFINITY : go.last
      await clock.sleep(go.found > 0 ? 0 : goMs, signal)
    }
    for (let after: string | undefined = ''; after !== undefined && !signal.aborted; ) {
      const go = this.#contents(state, after)
      after = go.isLast ? undefined : go.last
      // A turn for queries; and where nothing is found, little of the processor.
      if (!go.isLast) await clock.sleep(go.found > 0 ? 0 : goMs, signal)
    }
  }

  async #manifests(state: ContentState, after: number, signal: AbortSignal) {
    const { store, content } = this.#parts
    const sql = `select batch.*, manifest.state as manifest_state from manifest join batch using (first_id)
      where manifest.state = ? and first_id > ? order by first_id limit ?`
    const batches = store.all(sql, state, after, goItems)
    let found = 0
    for (const batch of batches) {
      if (signal.aborted) break
      const root = String(batch['root'])
      const records = this.#read(root, state, () => content.getRecords(root, batchRecordBytes))
      if (records === 'missing' || records === 'damaged') {
        if (records !== state)
          store.run('update manifest set state = ? where first_id = ?', records, batch['first_id'] ?? null)
        continue
      }
      await expandBatch(batch, records, this.#parts, signal)
      found++
    }
    return { found, last: Number(batches.at(-1)?.['first_id']), isLast: batches.length < goItems }
  }

  #contents(state: ContentState, after: string) {
    const { store, content } = this.#parts
    const wanted = store.all(
      'select hash from content where state = ? and hash > ? order by hash limit ?',
      state,
      after,
      goItems,
    )
    let [found, bytesRead, last] = [0, 0, after]
    store.transaction(() => {
      for (const row of wanted) {
        if (bytesRead >= goBytes) break
        const hash = String(row['hash'])
        last = hash
        const bytes = this.#read(hash, state, () => content.get(hash))
        if (bytes === 'missing' || bytes === 'damaged') {
          if (bytes !== state) store.run('update content set state = ? where hash = ?', bytes, hash)
          continue
        }
        bytesRead += bytes.length
        const sql = "update content set state = 'present', size = ?, preview = ? where hash = ?"
        store.run(sql, bytes.length, previewOf(bytes), hash)
        found++
      }
    })
    return { found, last, isLast: wanted.length < goItems && last === (wanted.at(-1)?.['hash'] ?? after) }
  }

  /** Damaged content may be replaced by whoever owns the store; it is said once. */
  #read(hash: string, known: ContentState, read: () => Uint8Array | undefined): Uint8Array | 'missing' | 'damaged' {
    try {
      return read() ?? 'missing'
    } catch (error) {
      if (!(error instanceof ContentError)) throw error
      if (known !== 'damaged') this.#parts.log.warn('content cannot be used', { hash, error })
      return 'damaged'
    }
  }
}

function previewOf(bytes: Uint8Array): string {
  // Four bytes are the longest character of UTF-8.
  return new TextDecoder().decode(bytes.subarray(0, previewCharsMax * 4)).slice(0, previewCharsMax)
}
