import { readFile } from 'node:fs/promises'
import { decodeBatchFile } from '../../attribution/epochs/batch-file.ts'
import { joined, OpenBatch, paymentHashOf } from '../../attribution/epochs/batch-trees.ts'
import { type BatchState, batchState } from '../../chain/ledger/batch-state.ts'
import type { Content } from '../../chain/ledger/content.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { ModelTerms } from '../../chain/ledger/model-terms.ts'
import { traceDemandsOf } from '../../chain/ledger/trace-demands.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { decodeModel, modelRoot } from '../../inference/model-file.ts'
import { WasmEngine } from '../../inference/wasm/wasm-engine.ts'
import { bytesToHex, FormatError, type Hex } from '../../protocol/bytes.ts'
import type { Action } from '../watcher/action.ts'
import type { ActionRunner } from '../watcher/action-runner.ts'
import { filesOf } from './make-pool.ts'
import { openQuarrel } from './open-quarrel.ts'
import type { SettledAnswer } from './settled-answers.ts'
import type { TraceQuarrel } from './trace-quarrel.ts'

export type QuarrelsParts = {
  readonly book: LedgerBook
  readonly files: Pick<Content, 'get'>
  readonly runner: Pick<ActionRunner, 'run'>
  /** Answers that a check found wrong, or whose worker does not show the proof. */
  readonly suspects: () => readonly SettledAnswer[]
  readonly modelTerms: (modelVersion: Hex) => Promise<Pick<ModelTerms, 'root'> | undefined>
  /** Where models with their weights are. */
  readonly folders: readonly string[]
  /** Seconds of a receipt's window. */
  readonly window: () => Promise<bigint>
  readonly log: Log
}

/**
 * Raises a quarrel about every answer that a check found wrong and whose model this node has with its weights, and plays it until
 * the receipt is void or nothing is left to say. Answers with adapters are left to who has those too.
 */
export class Quarrels {
  readonly #parts: QuarrelsParts
  /** By worker's batch and receipt; null: of a model that is not here. */
  readonly #open = new Map<string, TraceQuarrel | null>()

  constructor(parts: QuarrelsParts) {
    this.#parts = parts
  }

  /** One look: what is new on chain is taken in, and what is due is sent. */
  async look(signal: AbortSignal): Promise<void> {
    const { book, runner, suspects, window, log } = this.#parts
    const { head } = book
    if (head === undefined) return
    const actions: Action[] = []
    for (const answer of suspects()) {
      const state = batchState(book, answer.batchId)
      const isOver = state === undefined || state.isVoid || state.isMature || state.voided.includes(answer.index)
      if (isOver || signal.aborted) continue
      try {
        const quarrel = await this.#quarrelOf(answer, state, signal)
        if (quarrel === undefined) continue
        const closesAt = state.header.committedAt + (await window()) / 3n
        actions.push(...(await quarrel.look(head.time, closesAt)).actions)
      } catch (error) {
        const fields = { batch: answer.batchId, receipt: answer.index, error: errorMessage(error) }
        log.warn('a quarrel does not go on, trying again', fields)
      }
    }
    runner.run(actions, head.number, signal)
  }

  async #quarrelOf(answer: SettledAnswer, state: BatchState, signal: AbortSignal): Promise<TraceQuarrel | undefined> {
    const { book, files, modelTerms, log } = this.#parts
    const { batchId, index, request } = answer
    const key = `${state.header.receiptRoot} ${index}`
    const known = this.#open.get(key)
    if (known !== undefined) return known ?? undefined
    const [file, terms] = await Promise.all([
      files.get(state.header.dataHash, signal),
      modelTerms(request.modelVersion),
    ])
    if (file === undefined || terms === undefined) return undefined
    const model = request.adapters.length > 0 ? undefined : await this.#model(terms.root)
    if (model === undefined) {
      this.#open.set(key, null)
      log.warn('a wrong answer is not disputed: its model or adapters are not here', { batch: batchId, receipt: index })
      return undefined
    }
    const batch = new OpenBatch(state.header, decodeBatchFile(file))
    const { receipt, sums, payment } = answer
    const siblings = joined(batch.tree.siblings(index))
    const paymentHash = bytesToHex(paymentHashOf(payment))
    const quarrel = openQuarrel({
      ...{ answer, segments: state.segments, model, slots: [], engine: new WasmEngine(model), stops: undefined },
      opened: { header: state.header, index, receipt, paymentHash, sums, siblings },
      demands: () => traceDemandsOf(book, batchId),
    })
    this.#open.set(key, quarrel)
    log.info('a quarrel begins', { batch: batchId, receipt: index, worker: receipt.worker })
    return quarrel
  }

  async #model(root: Hex): Promise<CanonicalModel | undefined> {
    for (const path of await filesOf(this.#parts.folders, '.olm')) {
      try {
        const model = decodeModel(await readFile(path))
        if (modelRoot(model) === root) return model
      } catch (error) {
        // No model that this version reads.
        if (!(error instanceof FormatError)) throw error
      }
    }
    return undefined
  }
}
