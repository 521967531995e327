import { decodeBatchFile } from '../../attribution/epochs/batch-file.ts'
import { joined, OpenBatch, paymentHashOf } from '../../attribution/epochs/batch-trees.ts'
import { type BatchState, batchState } from '../../chain/ledger/batch-state.ts'
import type { Content } from '../../chain/ledger/content.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { ModelTerms } from '../../chain/ledger/model-terms.ts'
import { traceDemandsOf } from '../../chain/ledger/trace-demands.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import type { Action } from '../watcher/action.ts'
import type { ActionRunner } from '../watcher/action-runner.ts'
import type { CheckTask } from './checked-models.ts'
import type { Suspect } from './checker.ts'
import { CheckerError } from './checker-error.ts'
import type { QuarrelTask } from './quarrel-jobs.ts'
import type { QuarrelThread } from './quarrel-thread.ts'
import type { SettledAnswer } from './settled-answers.ts'

/** Quarrels at a time: the thread keeps a whole trace of each. */
export const quarrelsMax = 8

export type QuarrelsParts = {
  readonly book: LedgerBook
  readonly files: Pick<Content, 'get'>
  readonly runner: Pick<ActionRunner, 'run'>
  /** Answers that a check found wrong, whose worker does not show the proof, or that it never announced. */
  readonly suspects: () => Promise<readonly Suspect[]>
  readonly modelTerms: (modelVersion: Hex) => Promise<Pick<ModelTerms, 'root'> | undefined>
  readonly thread: Pick<QuarrelThread, 'look' | 'end'>
  /** Has the adapters of a request fetched that are not here. */
  readonly haveAdapters: (task: Pick<CheckTask, 'model' | 'adapters'>) => Promise<unknown>
  /** Seconds of a receipt's window. */
  readonly window: () => Promise<bigint>
  readonly log: Log
}

/** A suspect whose batch can still be disputed. */
type Live = { readonly suspect: Suspect; readonly state: BatchState }

/** `settled`: found right, or of a model that is not here; nothing is left to do. */
type Quarrel = { readonly task: QuarrelTask; state: 'new' | 'open' | 'settled' }

/**
 * Raises a quarrel about every answer that a check found wrong and whose model and adapters this node has with their weights, and plays
 * it until the receipt is void or nothing is left to say.
 */
export class Quarrels {
  readonly #parts: QuarrelsParts
  /** By worker's batch and receipt. */
  readonly #quarrels = new Map<string, Quarrel>()
  /** Suspects that had their turn to begin: until each had one, none has a second. */
  readonly #tried = new Set<string>()

  constructor(parts: QuarrelsParts) {
    this.#parts = parts
  }

  /** One look: what is new on chain is taken in, and what is due is sent. */
  async look(signal: AbortSignal): Promise<void> {
    const { book, runner, suspects, log } = this.#parts
    const { head } = book
    if (head === undefined) return
    const actions: Action[] = []
    const live = new Map<string, Live>()
    for (const suspect of await suspects()) {
      const { batchId, index } = suspect.answer
      const state = batchState(book, batchId)
      const isOver = state === undefined || state.isVoid || state.isMature || state.voided.includes(index)
      if (!isOver) live.set(`${state.header.receiptRoot} ${index}`, { suspect, state })
    }
    const beginning = this.#nextToBegin([...live.keys()])
    for (const [key, { suspect, state }] of live) {
      if (signal.aborted) break
      if (key !== beginning && this.#quarrels.get(key)?.state !== 'open') continue
      const { batchId, index } = suspect.answer
      try {
        actions.push(...(await this.#play(key, suspect, state, head.time, signal)))
      } catch (error) {
        log.warn('a quarrel does not go on, trying again', {
          batch: batchId,
          receipt: index,
          error: errorMessage(error),
        })
      }
    }
    for (const key of this.#quarrels.keys()) if (!live.has(key)) this.#forget(key)
    for (const key of this.#tried) if (!live.has(key)) this.#tried.delete(key)
    runner.run(actions, head.number, signal)
  }

  /**
   * An answer is computed anew, which takes its time: one of a look, so that open quarrels are not late. Each in its turn, so that one that
   * is settled, or whose file or model nobody has, holds up no other.
   */
  #nextToBegin(live: readonly string[]): string | undefined {
    const stateOf = (key: string) => this.#quarrels.get(key)?.state ?? 'new'
    const isFull = live.filter((key) => stateOf(key) === 'open').length >= quarrelsMax
    const begin = isFull ? [] : live.filter((key) => stateOf(key) === 'new')
    if (begin.every((key) => this.#tried.has(key))) this.#tried.clear()
    const next = begin.find((key) => !this.#tried.has(key))
    if (next !== undefined) this.#tried.add(next)
    return next
  }

  async #play(
    key: string,
    suspect: Suspect,
    state: BatchState,
    now: bigint,
    signal: AbortSignal,
  ): Promise<readonly Action[]> {
    const { book, thread, window, log } = this.#parts
    const { batchId, index, receipt } = suspect.answer
    const quarrel = this.#quarrels.get(key) ?? (await this.#taskOf(suspect, state, signal))
    if (quarrel === undefined) return []
    this.#quarrels.set(key, quarrel)
    const closesAt = state.header.committedAt + (await window()) / 3n
    const found = await thread.look(key, quarrel.task, { now, closesAt, demands: traceDemandsOf(book, batchId) })
    const about = { batch: batchId, receipt: index, worker: receipt.worker }
    if (found === 'no-model' || found.isRight) {
      quarrel.state = 'settled'
      thread.end(key)
      if (found === 'no-model')
        log.info('a suspect answer is not computed anew: its model or adapters are not here', about)
      else log.info('a suspect answer is right', about)
      return []
    }
    if (quarrel.state === 'new') log.info('a quarrel begins', about)
    quarrel.state = 'open'
    return found.actions
  }

  async #taskOf({ answer, stops }: Suspect, state: BatchState, signal: AbortSignal): Promise<Quarrel | undefined> {
    const { files, modelTerms } = this.#parts
    const { index, receipt, sums, payment, request, prompt, output } = answer
    const [file, terms] = await Promise.all([
      files.get(state.header.dataHash, signal),
      modelTerms(request.modelVersion),
    ])
    if (file === undefined || terms === undefined) return undefined
    await this.#fetchAdapters(answer, terms.root)
    const batch = new OpenBatch(state.header, decodeBatchFile(file))
    const siblings = joined(batch.tree.siblings(index))
    const opened = {
      header: state.header,
      index,
      receipt,
      paymentHash: bytesToHex(paymentHashOf(payment)),
      sums,
      siblings,
    }
    const named = { receipt, request, payment, prompt, output }
    return { task: { answer: named, opened, segments: state.segments, model: terms.root, stops }, state: 'new' }
  }

  /** Where one cannot be had, the thread says so. */
  async #fetchAdapters({ request }: SettledAnswer, model: Hex): Promise<void> {
    try {
      await this.#parts.haveAdapters({ model, adapters: request.adapters })
    } catch (error) {
      if (!(error instanceof CheckerError)) throw error
    }
  }

  #forget(key: string): void {
    this.#quarrels.delete(key)
    this.#parts.thread.end(key)
  }
}
