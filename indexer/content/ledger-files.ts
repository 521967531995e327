import type { Clock } from '../../common/clock.ts'
import type { ContentPeers } from '../../common/content-peers.ts'
import type { ContentStore } from '../../common/content-store.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { IndexerError } from '../indexer-error.ts'
import type { Row, Store } from '../store/store.ts'
import { creditWriter } from './credit-rows.ts'
import { expandFile, fileParent, setFileState } from './expand-file.ts'
import type { FileRoots } from './file-roots.ts'
import { fileAnswer } from './file-thread.ts'
import { receiptWriter } from './receipt-rows.ts'

/** Files looked for before queries have their turn. */
const goFiles = 50
const goMs = 50
/** Wait before the missing are looked for again. */
const missingMs = 2000
/** Files asked of peers in one round: each may take until its time limit. */
const asksMax = 8
/** Wait before a file is asked of peers again, doubled up to the maximum. */
const askMsMin = 2000
const askMsMax = 300_000

type Kind = 'batch' | 'epoch'
type Wanted = { readonly kind: Kind; readonly key: number; readonly hash: Hex; readonly state: string }

type Parts = {
  readonly store: Store
  readonly content: ContentStore
  /** Who else may have a file. */
  readonly peers: ContentPeers | undefined
  readonly clock: Clock
  readonly log: Log
}

/**
 * Fetches the data files of batches and epochs: from the content store, then from peers, who are asked for ever and ever more
 * rarely. A file is checked against the roots that stand on chain, then becomes rows. None holds up blocks, nor other files.
 */
export class LedgerFiles {
  readonly #parts: Parts
  /** When a file is asked of peers next. */
  readonly #asks = new Map<Hex, { readonly atMs: number; readonly waitMs: number }>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Runs until the signal. Throws IndexerError where the database is damaged. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    while (!signal.aborted) {
      try {
        await this.round(signal)
      } catch (error) {
        if (error instanceof IndexerError && error.code === 'corrupt') throw error
        if (!signal.aborted) log.warn('data files not indexed, trying again', { error })
      }
      await clock.sleep(missingMs, signal)
    }
  }

  /** Looks once for every file that is missing or damaged. */
  async round(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    const absent: Wanted[] = []
    let looked = 0
    for (const wanted of this.#wanted()) {
      if (signal.aborted) return
      if (!(await this.#take(wanted, signal))) absent.push(wanted)
      if (++looked % goFiles === 0) await clock.sleep(goMs, signal)
    }
    await this.#askPeers(absent, signal)
  }

  #wanted(): readonly Wanted[] {
    const sql = `select kind, key, hash, state from ledger_file where state in ('missing', 'damaged') order by block, kind, key`
    return this.#parts.store.all(sql).map((row) => ({
      kind: row['kind'] === 'epoch' ? 'epoch' : 'batch',
      key: Number(row['key']),
      hash: String(row['hash']) as Hex,
      state: String(row['state']),
    }))
  }

  async #askPeers(absent: readonly Wanted[], signal: AbortSignal): Promise<void> {
    const { peers, content, clock } = this.#parts
    if (peers === undefined) return
    const hashes = new Set(absent.map(({ hash }) => hash))
    for (const hash of this.#asks.keys()) if (!hashes.has(hash)) this.#asks.delete(hash)
    const due = absent.filter(({ hash }) => (this.#asks.get(hash)?.atMs ?? 0) <= clock.nowMs())
    for (const wanted of due.slice(0, asksMax)) {
      if (signal.aborted) return
      const bytes = await peers.get(wanted.hash, signal)
      if (bytes === undefined) {
        const waitMs = Math.min(2 * (this.#asks.get(wanted.hash)?.waitMs ?? askMsMin / 2), askMsMax)
        this.#asks.set(wanted.hash, { atMs: clock.nowMs() + waitMs, waitMs })
        continue
      }
      content.keep(wanted.hash, bytes)
      await this.#take(wanted, signal)
    }
  }

  /** Takes a file out of the content store; false where it is not there whole. */
  async #take({ kind, key, hash, state }: Wanted, signal: AbortSignal): Promise<boolean> {
    const { store, content, log } = this.#parts
    const parent = fileParent(store, kind, key)
    const place = content.place(hash)
    if (parent === undefined || place === undefined) {
      if (state === 'damaged') setFileState(store, kind, key, 'missing', null)
      return false
    }
    const damaged = (why: string) => {
      // It may be replaced by whoever owns the store; it is said once.
      if (state !== 'damaged') log.warn('data file cannot be used', { kind, key, hash, why })
      setFileState(store, kind, key, 'damaged', why)
      return false
    }
    const answer = await fileAnswer({ ...place, hash, want: 'file', roots: rootsOf(kind, parent.row) }, signal).catch(
      (error: unknown) => {
        signal.throwIfAborted()
        return { kind: 'unreadable', why: errorMessage(error) } as const
      },
    )
    if (answer.kind === 'unreadable') return damaged(answer.why)
    if (answer.kind === 'damaged') return damaged(`${place.file} holds content of another hash`)
    if (answer.kind === 'problem') {
      log.warn('data file does not open what stands on chain', { kind, key, hash, problem: answer.problem })
      setFileState(store, kind, key, 'bad', answer.problem)
      return true
    }
    if (answer.kind === 'payouts') return false
    const next =
      kind === 'epoch' ? creditWriter(store, parent.row, answer.bytes) : receiptWriter(store, key, answer.bytes)
    await expandFile(parent, next, this.#parts, signal)
    return true
  }
}

function rootsOf(kind: Kind, row: Row): FileRoots {
  const text = (name: string) => String(row[name]) as Hex
  if (kind === 'batch') return { kind, receiptRoot: text('receipt_root') }
  return {
    kind,
    epoch: BigInt(text('number')),
    parentRoot: text('parent_root'),
    firstBatch: BigInt(text('first_batch')),
    lastBatch: BigInt(text('last_batch')),
    creditsRoot: text('credits_root'),
    payoutRoot: text('payout_root'),
  }
}
