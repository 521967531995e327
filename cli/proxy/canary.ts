import { randomInt } from 'node:crypto'
import type { Clock } from '../../common/clock.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { answerSeed } from '../../inference/sampler.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import type { AnswerTask, Backend } from '../../worker/backends/backend.ts'
import type { AskEvent, WorkerAsker } from './ask-worker.ts'
import type { ChatRequest } from './chat-request.ts'
import type { PayerBook } from './payer-book.ts'
import type { ServedModel } from './served-models.ts'

export type CanaryParts = {
  readonly asker: Pick<WorkerAsker, 'ask'>
  /** Runs the models whose files are here. */
  readonly backend: Pick<Backend, 'answer'>
  readonly book: PayerBook
  readonly models: () => readonly ServedModel[]
  readonly clock: Clock
  readonly log: Log
}

type Done = Extract<AskEvent, { kind: 'done' }>
/** A client's question; its answer until that was made again. */
type Remembered = { readonly model: ServedModel; readonly chat: ChatRequest; done: Done | undefined }

/** Questions of clients that are remembered; the oldest goes. */
const rememberedMax = 16
/** Tokens of a question and its longest answer that are remembered: asking again costs as much. */
const rememberedTokensMax = 2_048
/** Tokens of a prompt and answer while nobody asked anything: little money. */
const promptTokens = { min: 4, max: 24 } as const
const answerTokens = { min: 4, max: 16 } as const

/**
 * Makes answers of clients again now and then, and asks what they asked once more, of any worker: no worker can tell which of its
 * answers is looked at. Who gives another one is asked last from then on. It finds out a worker of a class that no checker looks at,
 * and one that answers checkers otherwise than clients.
 */
export class Canary {
  readonly #parts: CanaryParts
  readonly #remembered: Remembered[] = []

  constructor(parts: CanaryParts) {
    this.#parts = parts
  }

  /** Asks as the asker does, and remembers question and answer. */
  async *ask(model: ServedModel, chat: ChatRequest, signal: AbortSignal): AsyncGenerator<AskEvent> {
    for await (const event of this.#parts.asker.ask(model, chat, signal)) {
      if (event.kind === 'done') this.#remember(model, chat, event)
      yield event
    }
  }

  /** One look about every so many ms, at times that nobody foresees, until the signal. */
  async run(intervalMs: number, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    while (!signal.aborted) {
      await clock.sleep(randomInt(1, 2 * intervalMs), signal)
      if (signal.aborted) return
      await this.look(signal).catch((error: unknown) => {
        if (!signal.aborted) log.warn('a canary was not answered', { error: errorMessage(error) })
      })
    }
  }

  /** Looks once; false where an answer is wrong, undefined where there is nothing to ask. Throws what asking and running throw. */
  async look(signal: AbortSignal): Promise<boolean | undefined> {
    const heard = drawn(this.#remembered)
    if (heard?.done !== undefined) {
      const { done } = heard
      heard.done = undefined
      if (!(await this.#isRight(heard.model, done, signal))) return false
    }
    const model = heard?.model ?? drawn(this.#parts.models())
    if (model === undefined) return undefined
    let done: Done | undefined
    for await (const event of this.#parts.asker.ask(model, heard?.chat ?? chirp(model), signal, 'any')) {
      if (event.kind === 'done') done = event
    }
    return done === undefined ? undefined : await this.#isRight(model, done, signal)
  }

  #remember(model: ServedModel, chat: ChatRequest, done: Done): void {
    const { tokens, request } = done.job
    if (tokens.length + request.sampling.maxTokens > rememberedTokensMax) return
    this.#remembered.push({ model, chat, done })
    if (this.#remembered.length > rememberedMax) this.#remembered.shift()
  }

  async #isRight(model: ServedModel, done: Done, signal: AbortSignal): Promise<boolean> {
    const { book, log } = this.#parts
    const { worker, requestId, outputRoot } = done.receipt
    const isRight = (await this.#outputRoot(model, done, signal)) === outputRoot
    if (!isRight) book.count(worker, 'wrong')
    log[isRight ? 'debug' : 'error'](isRight ? 'a canary was answered rightly' : 'a canary was answered wrongly', {
      ...{ worker, requestId },
    })
    return isRight
  }

  async #outputRoot(model: ServedModel, { job, receipt }: Done, signal: AbortSignal): Promise<Hex> {
    const { request, tokens, stops } = job
    const task: AnswerTask = {
      ...{ modelRoot: model.root, adapters: request.adapters, prompt: tokens, sampling: request.sampling, stops },
      ...{ seed: answerSeed(receipt.requestId, receipt.worker), traced: false, sampled: false },
    }
    const output: number[] = []
    for await (const event of this.#parts.backend.answer(task, signal)) {
      if (event.kind === 'tokens') output.push(...event.tokens)
    }
    return bytesToHex(tokenListRoot(output))
  }
}

const drawn = <T>(items: readonly T[]): T | undefined => items[items.length === 0 ? 0 : randomInt(items.length)]

/** Words of the model's own vocabulary, in an order that nobody knows before. */
function chirp({ names, tokenizer, config }: ServedModel): ChatRequest {
  const length = randomInt(promptTokens.min, promptTokens.max)
  const tokens = Array.from({ length }, () => randomInt(config.vocab))
  const text = new TextDecoder().decode(tokenizer.decode(tokens))
  return {
    ...{
      model: names[0] ?? '',
      base: names[0] ?? '',
      adapters: [],
      isChat: false,
      messages: [{ role: 'user', text }],
      stream: false,
      stops: [],
    },
    ...{ maxTokens: randomInt(answerTokens.min, answerTokens.max), tempQ16: 65_536, topPQ16: 65_536, topK: 0 },
  }
}
