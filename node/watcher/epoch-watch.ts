import type { EpochData } from '../../attribution/epochs/check-epoch.ts'
import { decodeEpochFile } from '../../attribution/epochs/epoch-file.ts'
import { type EpochParent, noEpoch } from '../../attribution/epochs/epoch-task.ts'
import { buildEpochInThread, checkEpochInThread, payoutsUnderInThread } from '../../attribution/epochs/epoch-thread.ts'
import type { EpochFacts } from '../../attribution/epochs/mature-batch.ts'
import { demandsOf } from '../../chain/ledger/demand-state.ts'
import { proposedEpochs, standingEpoch } from '../../chain/ledger/epoch-state.ts'
import type { BookedEpoch, LedgerBook } from '../../chain/ledger/ledger-book.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { LruCache } from '../../common/lru-cache.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { type EpochRecord, epochRecordHash } from '../../protocol/epoch-record.ts'
import { type Action, actionsOf } from './action.ts'
import type { BatchSource } from './batch-source.ts'
import { epochDemandsMax } from './demand-limit.ts'
import type { MatureBatches } from './mature-batches.ts'
import { shownOfEpoch } from './shown-leaves.ts'
import type { WatcherMetrics } from './watcher-metrics.ts'

export type EpochWatchParts = {
  readonly book: LedgerBook
  readonly source: BatchSource
  readonly batches: MatureBatches
  readonly log: Log
  readonly metrics: WatcherMetrics
}

/** Payouts kept in memory: of the epoch that is checked and of its parent. */
const payoutsKept = 2

type Judged = {
  readonly hash: Hex
  readonly about: string
  readonly isRight: boolean
  readonly actions: readonly Action[]
}

/** Judges every proposed epoch, the oldest first, each anew when something about it has changed. */
export class EpochWatch {
  readonly #parts: EpochWatchParts
  readonly #judged = new Map<bigint, Judged>()
  readonly #payouts = new LruCache<Hex, Uint8Array>(payoutsKept)

  constructor(parts: EpochWatchParts) {
    this.#parts = parts
  }

  /** What is to be done about epochs now. Of one that is wrong its descendants wait: they fall with it. */
  async look(signal: AbortSignal): Promise<Action[]> {
    const { book, log } = this.#parts
    const proposed = proposedEpochs(book)
    const numbers = new Set(proposed.map(({ record }) => record.header.epoch))
    for (const number of this.#judged.keys()) if (!numbers.has(number)) this.#judged.delete(number)
    for (const epoch of proposed) {
      const number = epoch.record.header.epoch
      try {
        const judged = await this.#judge(epoch, signal)
        if (judged === undefined) return []
        if (!judged.isRight) return [...judged.actions]
      } catch (error) {
        if (!signal.aborted)
          log.warn('an epoch is not checked yet, trying again', { epoch: number, error: errorMessage(error) })
        return []
      }
    }
    return []
  }

  /** A reorg may have put another epoch in the place of one that was judged. */
  forget(): void {
    this.#judged.clear()
  }

  /** Undefined where it cannot be judged now. */
  async #judge({ record, hash }: BookedEpoch, signal: AbortSignal): Promise<Judged | undefined> {
    const { book, source, log, metrics } = this.#parts
    const { epoch, dataHash } = record.header
    const before = this.#judged.get(epoch)
    if (before?.hash === hash && before.isRight) return before
    const demands = demandsOf(book, 'epoch', epoch).filter(({ demand }) => demand.subject === hash)
    const file = await source.file(dataHash)
    const about = [file !== undefined, ...demands.map(({ id, outcome }) => `${id} ${outcome}`)].join('\n')
    if (before?.hash === hash && before.about === about) return before
    // Round by round: the answers of one tell what to ask for in the next.
    const isAsked = demands.length >= epochDemandsMax || demands.some(({ outcome }) => outcome === 'open')
    const facts = await this.#factsOf(record, signal)
    if (facts === undefined) return undefined
    const shown = shownOfEpoch(demands.flatMap(({ answer }) => (answer === undefined ? [] : [answer])))
    const data: EpochData = { file, ...shown }
    const verdict = await checkEpochInThread(record, data, facts, { signal })
    const isRight = verdict.kind === 'right'
    const actions = verdict.kind === 'demand' && isAsked ? [] : actionsOf(verdict, { epoch })
    const judged = { hash, about, isRight, actions }
    this.#judged.set(epoch, judged)
    const fields = { epoch, proposer: record.proposer, credits: record.header.creditsCount }
    metrics.epochs.inc({ verdict: isRight ? 'right' : verdict.kind === 'challenge' ? 'wrong' : 'unknown' })
    if (verdict.kind === 'right') log.info('an epoch is right', fields)
    else if (verdict.kind === 'challenge')
      log.warn('an epoch is wrong', { ...fields, fault: verdict.call.functionName })
    else
      log.warn('an epoch is not the canonical one, its leaves are demanded', {
        ...fields,
        leaf: Number(verdict.call.args[1]),
      })
    return judged
  }

  /** Undefined where a file is missing that it follows from. */
  async #factsOf(record: EpochRecord, signal: AbortSignal): Promise<EpochFacts | undefined> {
    const { batches, log } = this.#parts
    const { epoch, firstBatch, lastBatch, algoHash } = record.header
    const taken = await batches.between(firstBatch, lastBatch)
    if (typeof taken === 'bigint') {
      log.warn('an epoch cannot be checked without the file of a batch', { epoch, batch: taken })
      return undefined
    }
    const parent = await this.#parentOf(epoch, signal)
    if (parent === undefined) {
      log.warn('an epoch cannot be checked without the payouts of its parent', { epoch })
      return undefined
    }
    return { epoch, parent, lastBatch, batches: taken, algoHash }
  }

  async #parentOf(epoch: bigint, signal: AbortSignal): Promise<EpochParent | undefined> {
    if (epoch === 1n) return noEpoch
    const parent = standingEpoch(this.#parts.book, epoch - 1n)
    const payouts = parent && (await this.#payoutsOf(parent.record, signal))
    if (parent === undefined || payouts === undefined) return undefined
    const { lastBatch, payoutRoot } = parent.record.header
    return { lastBatch, payoutRoot, payouts }
  }

  /** Rows of an epoch's payouts: of its file, else built anew from its batches, down to the first epoch if need be. */
  async #payoutsOf(record: EpochRecord, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const hash = bytesToHex(epochRecordHash(record))
    const known = this.#payouts.get(hash)
    if (known !== undefined) return known
    const { dataHash, payoutRoot } = record.header
    const file = await this.#parts.source.file(dataHash)
    const published = file && (await payoutsUnderInThread(payoutRoot, file, { signal }))
    const rows = published ?? (await this.#rebuilt(record, signal))
    if (rows !== undefined) this.#payouts.set(hash, rows)
    return rows
  }

  async #rebuilt(record: EpochRecord, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const facts = await this.#factsOf(record, signal)
    if (facts === undefined) return undefined
    const { header, file } = await buildEpochInThread(facts, { signal })
    return header.payoutRoot === record.header.payoutRoot ? decodeEpochFile(file).payouts : undefined
  }
}
