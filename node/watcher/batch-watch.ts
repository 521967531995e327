import type { BatchJudgement, BatchOf, BatchReading } from '../../attribution/epochs/batch-jobs.ts'
import type { BatchThread, ThreadFacts } from '../../attribution/epochs/batch-thread.ts'
import type { Verdict } from '../../attribution/epochs/challenge.ts'
import { type BatchState, batchState, lastMatureBatch } from '../../chain/ledger/batch-state.ts'
import { type DemandState, demandsOf } from '../../chain/ledger/demand-state.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { type Action, actionsOf } from './action.ts'
import type { BatchSource } from './batch-source.ts'
import { demandLimit } from './demand-limit.ts'
import type { SettledRequests } from './settled-requests.ts'
import type { WatcherMetrics } from './watcher-metrics.ts'

export type BatchWatchParts = {
  readonly book: LedgerBook
  readonly source: BatchSource
  readonly thread: BatchThread
  readonly facts: ThreadFacts
  readonly settled: SettledRequests
  readonly log: Log
  readonly metrics: WatcherMetrics
}

/** Earlier batches that are looked at after each look at those in their window; at most one of them is read. */
const earlierLooks = 100

/** What was found of a batch, for as long as nothing about it changes. */
type Judged = { readonly root: Hex; readonly worker: Hex; readonly about: string; readonly actions: readonly Action[] }

/** Judges every batch that can still be challenged, in order, each anew when something about it has changed. */
export class BatchWatch {
  readonly #parts: BatchWatchParts
  readonly #seed: Uint8Array
  readonly #requester: Hex
  readonly #judged = new Map<bigint, Judged>()
  /** Batches that are right, and known whole. */
  readonly #right = new Set<bigint>()
  #nextEarlier = 1n

  /** `seed`: 32 secret bytes; `requester`: who sends the demands. */
  constructor(seed: Uint8Array, requester: Hex, parts: BatchWatchParts) {
    this.#seed = seed
    this.#requester = requester
    this.#parts = parts
  }

  /** What is to be done about batches now. `now`: Unix seconds of the chain; `window`: seconds of a challenge window. */
  async look(now: bigint, window: bigint, signal: AbortSignal): Promise<Action[]> {
    const { book, metrics } = this.#parts
    const [first, last] = [lastMatureBatch(book) + 1n, book.lastBatch]
    this.#forgetBelow(first)
    const actions: Action[] = []
    let waiting = 0
    for (let id = first; id <= last && !signal.aborted; id++) {
      if (this.#right.has(id)) continue
      const state = batchState(book, id)
      if (state === undefined || state.isVoid) continue
      const judged = await this.#judge(state, now, window)
      if (judged === undefined) waiting++
      else actions.push(...judged.actions)
    }
    metrics.unchecked.set(waiting)
    if (!signal.aborted) await this.#readEarlier(first)
    return actions
  }

  /** A reorg may have put other batches in the place of those that were judged. */
  forget(): void {
    this.#judged.clear()
    this.#right.clear()
  }

  /** Undefined where it could not be judged now. */
  async #judge(state: BatchState, now: bigint, window: bigint): Promise<Judged | undefined> {
    const { book, source, thread, facts, log, metrics } = this.#parts
    const { header } = state
    const { batchId, receiptRoot: root, worker } = header
    try {
      const batch = await source.batchOf(state)
      const demands = demandsOf(book, 'batch', batchId)
      const clock = { now, start: header.committedAt, window, hasFile: batch.data.file !== undefined }
      const limit = demandLimit(clock, this.#made(demands))
      const about = aboutOf(batch, demands, limit)
      const before = this.#judged.get(batchId)
      if (before?.about === about && before.root === root) return before
      const found = await thread.check(batch, { seed: this.#seed, limit }, facts)
      this.#keepRequests(batch, found)
      if (found.verdicts.length === 0 && found.isWhole) this.#right.add(batchId)
      const actions = found.verdicts.flatMap((each) => actionsOf(each, { batch: batchId }))
      const judged = { root, worker, about, actions: dearestFirst(actions) }
      this.#judged.set(batchId, judged)
      tell(log, metrics, batch, found)
      return judged
    } catch (error) {
      log.warn('a batch is not checked yet, trying again', { batch: batchId, error: errorMessage(error) })
      return undefined
    }
  }

  /**
   * Batches that were mature before this watcher came: what they settled is read one by one, as far as their files are here, so that a
   * request is not settled once more.
   */
  async #readEarlier(first: bigint): Promise<void> {
    const { book, source, thread, settled } = this.#parts
    for (let n = 0; n < earlierLooks && this.#nextEarlier < first; n++) {
      const state = batchState(book, this.#nextEarlier++)
      if (state === undefined || settled.knows(state.header.batchId, state.header.receiptRoot) > 0) continue
      const batch = await source.batchOf(state)
      if (batch.data.file === undefined) continue
      this.#keepRequests(batch, await thread.read(batch))
      return
    }
  }

  /** A batch whose requests come to be known late may make later ones of the worker duplicates. */
  #keepRequests({ header }: BatchOf, { requests }: BatchReading): void {
    const { settled } = this.#parts
    const { batchId, receiptRoot, worker } = header
    const known = requests.filter((each) => each !== undefined).length
    if (settled.knows(batchId, receiptRoot) === known) return
    settled.keep(batchId, receiptRoot, requests)
    for (const [id, judged] of this.#judged) {
      if (id <= batchId || judged.worker !== worker) continue
      this.#judged.delete(id)
      this.#right.delete(id)
    }
  }

  /** Leaves that this watcher asked for, and how many of them wait. */
  #made(demands: readonly DemandState[]): { readonly made: number; readonly open: number } {
    const own = demands.filter(({ requester }) => requester === this.#requester)
    return { made: own.length, open: own.filter(({ outcome }) => outcome === 'open').length }
  }

  #forgetBelow(first: bigint): void {
    for (const id of this.#judged.keys()) if (id < first) this.#judged.delete(id)
    for (const id of this.#right) if (id < first) this.#right.delete(id)
  }
}

/** All that a judgement depends on and that may change. */
function aboutOf({ data }: BatchOf, demands: readonly DemandState[], limit: number): string {
  const outcomes = demands.map(({ id, outcome }) => `${id} ${outcome}`)
  return [data.file !== undefined, [...(data.voided ?? [])].join(), limit, ...outcomes].join('\n')
}

/** The window may end before all challenges are mined: those of the highest fees go first. */
function dearestFirst(actions: readonly Action[]): Action[] {
  return actions.toSorted((a, b) => (feeOf(a) === feeOf(b) ? 0 : feeOf(a) > feeOf(b) ? -1 : 1))
}

/** wei of the receipt or batch that a challenge voids; demands keep their order behind. */
function feeOf({ kind, call }: Action): bigint {
  if (kind !== 'challenge') return -1n
  const [subject] = call.args as readonly [{ readonly sums?: readonly bigint[] }]
  return subject.sums?.[0] ?? 0n
}

function tell(
  log: Log,
  metrics: WatcherMetrics,
  { header, data }: BatchOf,
  { verdicts, isWhole }: BatchJudgement,
): void {
  const challenges = verdicts.filter(({ kind }) => kind === 'challenge')
  const demands = verdicts.length - challenges.length
  const fields = { batch: header.batchId, worker: header.worker, receipts: header.count }
  if (challenges.length > 0) {
    metrics.batches.inc({ verdict: 'wrong' })
    log.warn('a batch is wrong', { ...fields, faults: namesOf(challenges), receiptsWrong: challenges.length })
  } else if (isWhole && demands === 0) {
    metrics.batches.inc({ verdict: 'right' })
    log.info('a batch is right', fields)
  } else {
    metrics.batches.inc({ verdict: 'unknown' })
    log.warn('a batch is not known whole', { ...fields, hasFile: data.file !== undefined, demands })
  }
}

function namesOf(challenges: readonly Verdict[]): string {
  return [...new Set(challenges.map((each) => (each.kind === 'right' ? '' : each.call.functionName)))].join(',')
}
