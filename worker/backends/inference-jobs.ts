import { readFileSync } from 'node:fs'
import { errorMessage } from '../../common/errors.ts'
import { LruCache } from '../../common/lru-cache.ts'
import type { Adapter } from '../../inference/adapter/adapter.ts'
import { decodeAdapter } from '../../inference/adapter/adapter-file.ts'
import { type AnswerParts, type AnswerRequest, generate } from '../../inference/answer/generate.ts'
import { generateFloat } from '../../inference/answer/generate-float.ts'
import { StepGatherer } from '../../inference/answer/step-gatherer.ts'
import { drawnLayers } from '../../inference/check/drawn-layers.ts'
import { fingerprintOf } from '../../inference/check/fingerprint/check-fingerprint.ts'
import { encodeFingerprint, type Fingerprint, fingerprintRoot } from '../../inference/check/fingerprint/fingerprint.ts'
import { answerCall } from '../../inference/check/trace-questions.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { decodeModel, modelRoot } from '../../inference/model-file.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { WasmEngine } from '../../inference/wasm/wasm-engine.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { type AnswerTraces, openTraces } from './answer-traces.ts'
import type { AnswerProof, AnswerTask } from './backend.ts'
import { type NamedSlot, type OpenFloats, openFloatEngine } from './float-choice.ts'
import type { Files, FromThread, ToThread } from './thread-messages.ts'

/** A model that is loaded, with what its answers need. */
type Loaded = {
  readonly root: Hex
  readonly model: CanonicalModel
  readonly parts: AnswerParts
  readonly traces: AnswerTraces
  /** Answers of one model share their passes. */
  readonly gatherer: StepGatherer
}

type NamedRequest = AnswerRequest & { readonly slots: readonly NamedSlot[] }

/** Adapters in memory; requests name them, and one that went is read again. */
const adaptersMax = 32

/** Tokens that are told at once: a message for each would cost more than the token. */
const tokensPerMessage = 4

/** Answers tasks with the canonical engine; runs on a thread of its own, the answers of a model in common passes. */
export class InferenceJobs {
  readonly #post: (message: FromThread) => void
  readonly #running = new Map<number, AbortController>()
  readonly #models = new Map<string, Loaded>()
  readonly #adapters = new LruCache<string, Adapter>(adaptersMax)
  /** Float engines, by the model's root: one of each model that the operator has. */
  readonly #floats = new Map<Hex, Promise<OpenFloats>>()

  constructor(post: (message: FromThread) => void) {
    this.#post = post
  }

  take(message: ToThread): void {
    const { id } = message
    if (message.kind === 'abort') {
      this.#running.get(id)?.abort()
      return
    }
    const stop = new AbortController()
    this.#running.set(id, stop)
    this.#do(message, stop.signal)
      .catch((error: unknown) => {
        const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
        this.#post({ kind: 'failed', id, code, message: errorMessage(error) })
      })
      .finally(() => this.#running.delete(id))
  }

  #do(message: Exclude<ToThread, { kind: 'abort' }>, signal: AbortSignal): Promise<void> {
    switch (message.kind) {
      case 'answer':
        return this.#answer(message.id, message, signal)
      case 'trace':
        return this.#trace(message.id, message, signal)
      case 'show':
        return this.#show(message, signal)
      case 'sample':
        return this.#sample(message, signal)
    }
  }

  async #show(
    { id, task, files, output, questions }: Extract<ToThread, { kind: 'show' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const loaded = this.#load(files)
    const trace = await loaded.traces.whole(this.#requestOf(task, files, loaded), output, signal)
    this.#post({ kind: 'shown', id, calls: questions.map((question) => answerCall(question, trace)) })
  }

  async #sample(
    { id, task, files, output, draw }: Extract<ToThread, { kind: 'sample' }>,
    signal: AbortSignal,
  ): Promise<void> {
    const loaded = this.#load(files)
    const layers = drawnLayers(loaded.model.config.layers, draw.beacon, draw.requestId)
    const file = await loaded.traces.sample(this.#requestOf(task, files, loaded), output, layers, signal)
    this.#post({ kind: 'sampled', id, file })
  }

  async #answer(id: number, { task, files }: { task: AnswerTask; files: Files }, signal: AbortSignal): Promise<void> {
    const loaded = this.#load(files)
    const request = this.#requestOf(task, files, loaded)
    if (task.fingerprinted === true) return await this.#answerFloat(id, request, { loaded, files }, signal)
    const trace = task.traced ? loaded.traces.begin(request, task.sampled) : undefined
    const output: number[] = []
    const waiting: number[] = []
    const tell = () => {
      if (waiting.length > 0) this.#post({ kind: 'tokens', id, tokens: waiting.splice(0) })
    }
    for await (const { token, end } of generate(loaded.parts, request, {
      ...{ signal, run: loaded.gatherer.run },
      ...(trace && { recorder: trace.recorder }),
    })) {
      output.push(token)
      waiting.push(token)
      if (waiting.length >= tokensPerMessage || end !== undefined) tell()
    }
    this.#post({ kind: 'end', id, ...(trace === undefined ? untraced : await trace.finish(output, signal)) })
  }

  async #trace(
    id: number,
    { task, files, output }: { task: AnswerTask; files: Files; output: readonly number[] },
    signal: AbortSignal,
  ): Promise<void> {
    const loaded = this.#load(files)
    if (task.fingerprinted === true) {
      const { input, slots } = this.#requestOf(task, files, loaded)
      const open = await this.#floatOf(loaded, files)
      const fingerprint = await fingerprintOf(open(slots), input, output, signal)
      this.#post({ kind: 'end', id, ...committed(fingerprint) })
      return
    }
    const proof = task.traced
      ? await loaded.traces.again(this.#requestOf(task, files, loaded), output, task.sampled, signal)
      : untraced
    this.#post({ kind: 'end', id, ...proof })
  }

  async #answerFloat(
    id: number,
    request: NamedRequest,
    { loaded, files }: { readonly loaded: Loaded; readonly files: Files },
    signal: AbortSignal,
  ): Promise<void> {
    const waiting: number[] = []
    const open = await this.#floatOf(loaded, files)
    for await (const { token, fingerprint } of generateFloat(open(request.slots), loaded.parts.text, request, signal)) {
      waiting.push(token)
      if (waiting.length < tokensPerMessage && fingerprint === undefined) continue
      this.#post({ kind: 'tokens', id, tokens: waiting.splice(0) })
      if (fingerprint !== undefined) this.#post({ kind: 'end', id, ...committed(fingerprint) })
    }
  }

  /** One that could not be opened is tried again with the next answer. */
  #floatOf({ root, model }: Loaded, { float = { kind: 'reference' } }: Files): Promise<OpenFloats> {
    const known = this.#floats.get(root)
    if (known !== undefined) return known
    const engine = openFloatEngine(float, model, root)
    this.#floats.set(root, engine)
    engine.catch(() => this.#floats.delete(root))
    return engine
  }

  #requestOf({ prompt, sampling, stops, seed, adapters }: AnswerTask, files: Files, loaded: Loaded): NamedRequest {
    const { maxTokens, tempQ16, topK, topPQ16 } = sampling
    const slots = adapters.map(({ root, weight }, i) => ({
      root,
      adapter: this.#loadAdapter(files.adapters[i] ?? '', loaded),
      weight,
    }))
    return { input: [...prompt], rule: { tempQ16, topK, topPQ16 }, maxTokens, stops, seed, slots }
  }

  #load({ model: path }: Files): Loaded {
    const known = this.#models.get(path)
    if (known !== undefined) return known
    const model = decodeModel(readFileSync(path))
    const engine = new WasmEngine(model)
    const parts = {
      engine,
      expTable: model.expTable,
      text: readTokenizer(model.tokenizer),
    }
    const gatherer = new StepGatherer(engine)
    const loaded = { root: modelRoot(model), model, parts, gatherer, traces: openTraces(model, parts) }
    this.#models.set(path, loaded)
    return loaded
  }

  #loadAdapter(path: string, { root, model }: Loaded): Adapter {
    const known = this.#adapters.get(path)
    if (known !== undefined) return known
    return this.#adapters.set(path, decodeAdapter(readFileSync(path), { root, config: model.config }))
  }
}

function committed(fingerprint: Fingerprint): AnswerProof {
  return { traceRoot: fingerprintRoot(fingerprint), proof: encodeFingerprint(fingerprint) }
}

const untraced = { traceRoot: zeroHash } as const
