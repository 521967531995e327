import type { BatchReceipt } from '../../attribution/epochs/batch-rows.ts'
import type { OpenedReceipt } from '../../attribution/epochs/openings.ts'
import type { TraceDemand } from '../../chain/ledger/trace-demands.ts'
import type { Reply } from '../../common/asked-thread.ts'
import { failedJob } from '../../common/thread-job.ts'
import type { Slot } from '../../inference/adapter/adapter.ts'
import { reExecute } from '../../inference/check/re-execute.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { answerSeed } from '../../inference/sampler.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { WasmEngine } from '../../inference/wasm/wasm-engine.ts'
import { type Hex, hexToBytes } from '../../protocol/bytes.ts'
import type { Segment } from '../../protocol/receipt-batch.ts'
import { findAdapter, findModel } from './model-files.ts'
import { openQuarrel } from './open-quarrel.ts'
import type { QuarrelLook, TraceQuarrel } from './trace-quarrel.ts'

/** A receipt that is quarrelled about. Plain data. */
export type QuarrelTask = {
  /** The receipt with all that the batch's file says of it, and as the contracts open it. */
  readonly answer: Pick<BatchReceipt, 'receipt' | 'request' | 'payment' | 'prompt' | 'output'>
  readonly opened: OpenedReceipt
  readonly segments: readonly Segment[]
  /** Root of the model's weights. */
  readonly model: Hex
  /** The request's stop strings; undefined where they are not known. */
  readonly stops: readonly Uint8Array[] | undefined
}

/** A look at the chain. Times in Unix seconds. */
export type QuarrelNews = {
  readonly now: bigint
  readonly closesAt: bigint
  readonly demands: readonly TraceDemand[]
}

/** `no-model`: its weights, or those of an adapter, are not here. */
export type QuarrelOutcome = QuarrelLook | 'no-model'

export type ToQuarrels =
  | {
      readonly kind: 'look'
      readonly id: number
      readonly key: string
      readonly task: QuarrelTask
      readonly news: QuarrelNews
    }
  | { readonly kind: 'end'; readonly key: string }

const isRight: QuarrelLook = { isRight: true, actions: [] }

type Open = {
  readonly quarrel: TraceQuarrel | 'right' | 'no-model'
  /** What the chain said last. */
  readonly said: { demands: readonly TraceDemand[] }
}

/** The thread's side: quarrels one after another, each with its whole trace in memory until it ends. */
export class QuarrelJobs {
  readonly #folders: readonly string[]
  readonly #tell: (reply: Reply<QuarrelOutcome>) => void
  readonly #open = new Map<string, Open>()
  /** The model that was asked for last. */
  #model: { readonly root: Hex; readonly model: CanonicalModel } | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(folders: readonly string[], tell: (reply: Reply<QuarrelOutcome>) => void) {
    this.#folders = folders
    this.#tell = tell
  }

  take(message: ToQuarrels): void {
    if (message.kind === 'end') {
      this.#last = this.#last.then(() => void this.#open.delete(message.key))
      return
    }
    const { id, key, task, news } = message
    this.#last = this.#last.then(async () => {
      try {
        this.#tell({ id, done: await this.#look(key, task, news) })
      } catch (error) {
        this.#tell({ id, failed: failedJob(error) })
      }
    })
  }

  async #look(key: string, task: QuarrelTask, news: QuarrelNews): Promise<QuarrelOutcome> {
    let open = this.#open.get(key)
    if (open === undefined) {
      const said = { demands: news.demands }
      open = { said, quarrel: await this.#begin(task, () => said.demands) }
      this.#open.set(key, open)
    }
    open.said.demands = news.demands
    const { quarrel } = open
    if (quarrel === 'no-model') return quarrel
    return quarrel === 'right' ? isRight : await quarrel.look(news.now, news.closesAt)
  }

  /** Computes the answer anew before anything is asked on chain: of an honest worker that was not reached nothing is. */
  async #begin(task: QuarrelTask, demands: () => readonly TraceDemand[]): Promise<Open['quarrel']> {
    const { answer, opened, segments, stops } = task
    const { request, receipt, payment } = answer
    const model = await this.#modelOf(task.model)
    if (model === undefined) return 'no-model'
    const slots: Slot[] = []
    for (const { root, weight } of request.adapters) {
      const adapter = await findAdapter(this.#folders, root, { root: task.model, config: model.config })
      if (adapter === undefined) return 'no-model'
      slots.push({ adapter, weight })
    }
    const engine = new WasmEngine(model)
    const text = readTokenizer(model.tokenizer)
    const verdict = await reExecute(
      { engine, expTable: model.expTable, text },
      {
        ...{ input: [...answer.prompt], output: [...answer.output], rule: request.sampling, slots },
        ...{ seed: answerSeed(receipt.requestId, receipt.worker), maxTokens: request.sampling.maxTokens },
        ...{ promptRoot: hexToBytes(request.promptRoot), outputRoot: hexToBytes(receipt.outputRoot) },
        ...{ traceRoot: receipt.traceRoot, stops: stops ?? [] },
        // Where stop strings are not known, nobody can say that it ended too early.
        cancelled: payment?.cancel !== undefined || stops === undefined,
      },
    )
    if (verdict.ok) return 'right'
    return openQuarrel({ answer, segments, model, slots, engine, stops, opened, demands })
  }

  async #modelOf(root: Hex): Promise<CanonicalModel | undefined> {
    if (this.#model?.root === root) return this.#model.model
    const model = await findModel(this.#folders, root)
    if (model !== undefined) this.#model = { root, model }
    return model
  }
}
