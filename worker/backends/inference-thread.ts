import { Thread } from '../../common/thread.ts'
import { Ending } from '../../inference/answer/ending.ts'
import { stopHash } from '../../inference/answer/stops.ts'
import type { Question } from '../../inference/check/descent.ts'
import type { DemandCall } from '../../inference/check/trace-questions.ts'
import { InferenceError } from '../../inference/inference-error.ts'
import { checkRule } from '../../inference/sampling-rule.ts'
import { AnswerStream } from '../jobs/answer-stream.ts'
import { JobError } from '../jobs/job-error.ts'
import type { AnswerEvent, AnswerTask, Backend, LayerDraw } from './backend.ts'
import { checkFloatTask, type FloatChoice } from './float-choice.ts'
import type { ModelFolder } from './model-folder.ts'
import type { Files, FromThread, ToThread } from './thread-messages.ts'

/** What a thread is asked, without what every message has. */
type Asked =
  | { readonly kind: 'answer'; readonly task: AnswerTask }
  | { readonly kind: 'trace'; readonly task: AnswerTask; readonly output: readonly number[] }
  | {
      readonly kind: 'show'
      readonly task: AnswerTask
      readonly output: readonly number[]
      readonly questions: readonly Question[]
    }
  | {
      readonly kind: 'sample'
      readonly task: AnswerTask
      readonly output: readonly number[]
      readonly draw: LayerDraw
    }
type Event =
  | AnswerEvent
  | { readonly kind: 'shown'; readonly calls: readonly DemandCall[] }
  | { readonly kind: 'sampled'; readonly file: Uint8Array }

/**
 * The canonical engine on a thread of its own, so that network and settlement go on while it works. The thread starts with the first
 * task; where it died, its tasks fail and the next one starts it anew.
 */
export class InferenceThread implements Backend {
  readonly #folder: ModelFolder
  readonly #float: FloatChoice | undefined
  readonly #tasks = new Map<number, AnswerStream<Event>>()
  readonly #thread = new Thread<ToThread, FromThread>({
    file: new URL('./inference-worker.mjs', import.meta.url),
    name: 'inference',
    onMessage: (message) => this.#take(message),
    onEnd: (error) => this.#failAll(error),
  })
  #last = 0

  /** `float`: what computes answers of class FINGERPRINT; absent: our own engine. */
  constructor(folder: ModelFolder, float?: FloatChoice) {
    this.#folder = folder
    this.#float = float
  }

  readonly check = ({ modelRoot, adapters, prompt, sampling, stops, fingerprinted }: AnswerTask): void => {
    if (fingerprinted === true) checkFloatTask(this.#float ?? ownEngine, { adapters, sampling })
    const model = this.#folder.models.get(modelRoot)
    if (model === undefined) throw new JobError('unknown-model', `a model with the root ${modelRoot} is not here`)
    for (const { root } of adapters) {
      if (this.#folder.adapters.get(root)?.base !== modelRoot) {
        throw new JobError('unknown-adapter', `an adapter of this model with the root ${root} is not here`, {
          retryAfterMs: this.#folder.wantAdapter?.(root) ?? 0,
        })
      }
    }
    const other = [...prompt].find((token) => token >= model.config.vocab)
    if (other !== undefined) throw new JobError('prompt-mismatch', `token ${other} is not one of ${model.config.vocab}`)
    try {
      checkRule(sampling)
      if (stopHash(stops) !== sampling.stopHash)
        throw new JobError('stop-mismatch', 'stopHash is of other stop strings')
      new Ending(
        model.config,
        { decode: () => new Uint8Array(0) },
        { tin: prompt.length, maxTokens: sampling.maxTokens, stops },
      )
    } catch (error) {
      if (!(error instanceof InferenceError)) throw error
      throw new JobError(refusals[error.code] ?? 'sampling', error.message)
    }
  }

  async *answer(task: AnswerTask, signal: AbortSignal): AsyncGenerator<AnswerEvent> {
    for await (const event of this.#run({ kind: 'answer', task }, signal)) {
      if (event.kind === 'tokens' || event.kind === 'end') yield event
    }
  }

  readonly trace: Backend['trace'] = async (task, output, signal) => {
    for await (const event of this.#run({ kind: 'trace', task, output: [...output] }, signal)) {
      if (event.kind === 'end') return event
    }
    throw new Error('the thread ended without a trace')
  }

  readonly show: Backend['show'] = async (task, output, questions, signal) => {
    for await (const event of this.#run({ kind: 'show', task, output: [...output], questions }, signal)) {
      if (event.kind === 'shown') return event.calls
    }
    throw new Error('the thread ended without an answer')
  }

  readonly sample: Backend['sample'] = async (task, output, draw, signal) => {
    for await (const event of this.#run({ kind: 'sample', task, output: [...output], draw }, signal)) {
      if (event.kind === 'sampled') return event.file
    }
    throw new Error('the thread ended without a file')
  }

  /** Ends the thread; tasks that run fail. */
  close(): Promise<void> {
    return this.#thread.close()
  }

  async *#run(asked: Asked, signal: AbortSignal): AsyncGenerator<Event> {
    signal.throwIfAborted()
    const id = ++this.#last
    const stream = new AnswerStream<Event>()
    const abort = () => {
      this.#post({ kind: 'abort', id })
      stream.end(signal.reason)
    }
    this.#tasks.set(id, stream)
    signal.addEventListener('abort', abort, { once: true })
    try {
      this.#post({ ...asked, id, files: this.#filesOf(asked.task) })
      yield* stream
    } finally {
      signal.removeEventListener('abort', abort)
      if (this.#tasks.delete(id)) this.#post({ kind: 'abort', id })
    }
  }

  #filesOf({ modelRoot, adapters }: AnswerTask): Files {
    const { models, adapters: known } = this.#folder
    return {
      model: models.get(modelRoot)?.path ?? '',
      adapters: adapters.map(({ root }) => known.get(root)?.path ?? ''),
      float: this.#float,
    }
  }

  #post(message: ToThread): void {
    if (this.#thread.isRunning || message.kind !== 'abort') this.#thread.post(message)
  }

  #take(message: FromThread): void {
    const stream = this.#tasks.get(message.id)
    if (stream === undefined) return
    if (message.kind === 'tokens') {
      stream.push({ kind: 'tokens', tokens: message.tokens })
      return
    }
    this.#tasks.delete(message.id)
    if (message.kind === 'failed') {
      stream.end(failure(message))
      return
    }
    const { id: _, ...event } = message
    stream.push(event)
    stream.end()
  }

  #failAll(error: unknown): void {
    const streams = [...this.#tasks.values()]
    this.#tasks.clear()
    for (const stream of streams) stream.end(error)
  }
}

const ownEngine: FloatChoice = { kind: 'reference' }

/** Memory is there again when other answers have ended. */
const memoryRetryMs = 5_000

function failure({ code, message }: Extract<FromThread, { kind: 'failed' }>): Error {
  if (code === 'memory') return new JobError('busy', message, { retryAfterMs: memoryRetryMs })
  return code === 'no-adapter' ? new JobError('unknown-adapter', message) : new Error(message)
}

const refusals: Readonly<Record<string, 'prompt-too-long' | 'stop-mismatch' | 'sampling'>> = {
  context: 'prompt-too-long',
  stop: 'stop-mismatch',
}
