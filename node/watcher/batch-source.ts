import { leafKey, leafKinds } from '../../attribution/epochs/batch-data.ts'
import type { BatchOf } from '../../attribution/epochs/batch-jobs.ts'
import type { BatchState } from '../../chain/ledger/batch-state.ts'
import type { Content } from '../../chain/ledger/content.ts'
import { type DemandState, demandsOf } from '../../chain/ledger/demand-state.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import { LruCache } from '../../common/lru-cache.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { shownOfBatch } from './shown-leaves.ts'

/** Where files come from. */
export type Files = Pick<Content, 'get' | 'own'>

/** Files whose lack is remembered. */
const missingMax = 1_000
/** Between looks for a file that nobody had. */
const fileRetryMs = { first: 1_000, max: 60_000 } as const

/** What is known of batches: their files, and the leaves that stand on chain. */
export class BatchSource {
  readonly #book: LedgerBook
  readonly #files: Files
  readonly #nowMs: () => number
  readonly #signal: AbortSignal
  /** When to look again for files that nobody had. */
  readonly #missing = new LruCache<Hex, { readonly waitMs: number; readonly atMs: number }>(missingMax)

  constructor(book: LedgerBook, files: Files, nowMs: () => number, signal: AbortSignal) {
    this.#book = book
    this.#files = files
    this.#nowMs = nowMs
    this.#signal = signal
  }

  async batchOf(state: BatchState): Promise<BatchOf> {
    const { header, segments, voided } = state
    const demands = demandsOf(this.#book, 'batch', header.batchId)
    const file = await this.file(header.dataHash)
    const shown = shownOfBatch(demands.flatMap(({ answer }) => (answer === undefined ? [] : [answer])))
    const data = { file, voided: new Set(voided), demanded: new Set(demands.flatMap(openKey)), ...shown }
    return { header, segments, data }
  }

  /** Undefined where nobody has it; who was asked in vain is not asked again at once. */
  async file(hash: Hex): Promise<Uint8Array | undefined> {
    const missing = this.#missing.get(hash)
    if (missing !== undefined && missing.atMs > this.#nowMs()) return await this.#files.own(hash)
    const file = await this.#files.get(hash, this.#signal)
    if (file !== undefined) {
      this.#missing.delete(hash)
      return file
    }
    const waitMs = Math.min(2 * (missing?.waitMs ?? fileRetryMs.first / 2), fileRetryMs.max)
    this.#missing.set(hash, { waitMs, atMs: this.#nowMs() + waitMs })
    return undefined
  }
}

function openKey({ outcome, demand }: DemandState): string[] {
  const kind = leafKinds[demand.kind]
  return outcome === 'open' && kind !== undefined ? [leafKey({ ...demand, kind })] : []
}
