import type { BatchFacts } from '../../attribution/epochs/batch-facts.ts'
import { termsOf } from '../../attribution/epochs/make-receipt.ts'
import { ReceiptError } from '../../attribution/epochs/receipt-error.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { answerSeed } from '../../inference/sampler.ts'
import type { Job, JobContext, JobEvent } from '../../p2p/workers/jobs/job.ts'
import { type Answer, answerStructHash } from '../../protocol/answer.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { feeOf } from '../../protocol/fee.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import { fingerprintClass } from '../../protocol/proof-class.ts'
import type { AnswerTask, Backend } from '../backends/backend.ts'
import { AnswerStream } from './answer-stream.ts'
import type { Funds } from './funds.ts'
import type { BookedJob, JobBook } from './job-book.ts'
import { JobError } from './job-error.ts'
import { eventsOf, replayed, settledEvents } from './job-events.ts'
import { openWork, sealedBackend } from './private-work.ts'
import { draftOf, type ReceiptMaker, type SignedReceipt } from './receipt-maker.ts'
import { type Outcome, runTask } from './run-task.ts'
import { TokenRate } from './token-rate.ts'
import { type Turn, Turns, type TurnsOptions } from './turns.ts'

export type DeskOptions = TurnsOptions & {
  readonly worker: Hex
  /** Proof classes that the worker offers. */
  readonly classes: ReadonlySet<number>
  /** Seconds that a request and its price must last beyond now, so that its batch can be committed. */
  readonly settleSeconds: bigint
}

/** What is served to whoever checks an answer. */
export type JobProofs = {
  /** Resolves to the name under which it is served. */
  readonly keep: (proof: Uint8Array) => Promise<Hex>
  /** The answer is signed: checkers may pull its proof. */
  readonly announce: (job: BookedJob) => void
}

export type DeskParts = {
  readonly book: JobBook
  readonly funds: Funds
  readonly facts: BatchFacts
  readonly backend: Backend
  readonly receipts: ReceiptMaker
  /** Root of the weights of a request's model version. Throws {@link JobError} where its answer could not be attributed here. */
  readonly modelRoot: (request: Pick<InferenceRequest, 'modelVersion' | 'adapters'>) => Promise<Hex>
  readonly proofs: JobProofs
  /** The host's, by which private requests are unsealed; absent: none is answered. */
  readonly hostPrivateKey?: Uint8Array | undefined
  /** Unix seconds of the chain's head. */
  readonly now: () => bigint
  readonly nowMs: () => number
  readonly log: Log
}

/** What is to be answered; without a voucher its fee is in escrow on chain. */
export type Work = Omit<Job, 'voucher'> & Partial<Pick<Job, 'voucher'>>

/** What a client of a running answer may still say. */
export type JobClient = Pick<JobContext, 'requestId' | 'cancelled'>

type Running = {
  readonly work: Work
  readonly client: JobClient
  readonly stream: AnswerStream<JobEvent>
  readonly turn: Turn
}

/** A client that finds everything taken asks again after this time. */
const busyRetryMs = 2_000
/** Jobs that may wait to be attributed; where it fails for so many, no more are taken. */
const unattributedMax = 256
const unattributedRetryMs = 60_000

/** Takes jobs, answers them, and signs what settles them. PROTOCOL §2: one final answer a request, written before it is released. */
export class JobDesk {
  readonly #options: DeskOptions
  readonly #parts: DeskParts
  readonly #turns: Turns
  readonly #rate = new TokenRate()
  /** Of jobs that are answered, and of those whose readers wait for the receipt. */
  readonly #streams = new Map<Hex, AnswerStream<JobEvent>>()

  constructor(options: DeskOptions, parts: DeskParts) {
    this.#options = options
    this.#parts = parts
    this.#turns = new Turns(options)
  }

  /** What the worker is doing, as its heartbeats tell it. */
  get load(): { readonly running: number; readonly queued: number; readonly tokensPerMinute: number } {
    const { running, waiting } = this.#turns
    return { running, queued: waiting, tokensPerMinute: this.#rate.perMinute(this.#parts.nowMs()) }
  }

  /**
   * Answers a job whose payment is in order as far as it shows. Once begun it is answered to its end, even where nobody listens any
   * more, but for a signed cancel: the payer who asks again gets the same answer. `signal` ends the worker. Throws
   * {@link JobError}, and what backend and RPC throw; later errors come behind the last event.
   */
  async take(work: Work, client: JobClient, signal: AbortSignal): Promise<AsyncIterable<JobEvent>> {
    const { book, funds } = this.#parts
    const { requestId } = client
    const running = this.#streams.get(requestId)
    if (running !== undefined) return running
    const known = book.get(requestId)
    if (known?.state === 'waiting') return this.#waitFor(known)
    if (known !== undefined) return replayed(known)
    const turn = this.#enter(work)
    const stream = new AnswerStream<JobEvent>()
    this.#streams.set(requestId, stream)
    try {
      const task = await this.#taskOf(requestId, work)
      const release = await funds.reserve(requestId, work)
      stream.push({ kind: 'accepted', queued: this.#turns.waiting })
      void this.#answer(task, { work, client, stream, turn }, signal).finally(() => {
        release()
        turn.leave()
      })
    } catch (error) {
      turn.leave()
      this.#streams.delete(requestId)
      stream.end(error)
      throw error
    }
    return stream
  }

  /** A job that waited has its receipt, or with an error none will come: who reads gets it. */
  attributed(job: BookedJob, error?: Error): void {
    const stream = this.#streams.get(job.requestId)
    this.#streams.delete(job.requestId)
    if (stream === undefined) return
    if (error === undefined) for (const event of settledEvents(job)) stream.push(event)
    stream.end(error)
  }

  #enter({ request }: Work): Turn {
    if (this.#parts.book.waitingCount >= unattributedMax) {
      throw new JobError('busy', 'answers cannot be attributed now', { retryAfterMs: unattributedRetryMs })
    }
    const turn = this.#turns.enter(request.payer)
    if (turn !== undefined) return turn
    const { running, queued } = this.load
    throw new JobError('busy', `${running} requests are being answered, ${queued} wait`, { retryAfterMs: busyRetryMs })
  }

  /** What there is of an answer, and the rest when it comes. */
  #waitFor(job: BookedJob): AnswerStream<JobEvent> {
    const stream = new AnswerStream<JobEvent>()
    for (const event of eventsOf(job)) stream.push(event)
    this.#streams.set(job.requestId, stream)
    return stream
  }

  /** Never rejects: readers of the stream get the error. */
  async #answer(task: AnswerTask, running: Running, signal: AbortSignal): Promise<void> {
    const { requestId, cancelled } = running.client
    const { backend, log, nowMs, proofs } = this.#parts
    const { stream } = running
    try {
      await this.#begin(running, signal)
      const onTokens = (first: number, tokens: Uint32Array) => {
        stream.push({ kind: 'tokens', first, tokens })
        this.#rate.count(tokens.length, nowMs())
      }
      const { seal } = openWork(running.work, this.#parts.hostPrivateKey)
      const answering = seal === undefined ? backend : sealedBackend(backend, seal)
      const outcome = await runTask(answering, task, { cancelled, onTokens }, signal)
      const booked = await this.#settle(running.work, outcome)
      log.info('request answered', { requestId, tokens: booked.receipt.output.length, state: booked.state })
      for (const event of eventsOf(booked)) if (event.kind !== 'accepted' && event.kind !== 'tokens') stream.push(event)
      proofs.announce(booked)
      if (booked.state === 'waiting') return
      stream.end()
    } catch (error) {
      log.error('a request was not answered', { requestId, error: errorMessage(error) })
      stream.end(error)
    }
    this.#streams.delete(requestId)
  }

  /** Waits for its turn. Throws where the worker ends, or the request's time is over by then. */
  async #begin({ work, turn }: Running, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    let abort = () => {}
    const aborted = new Promise<never>((_, reject) => {
      abort = () => reject(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
    })
    await Promise.race([turn.begun, aborted]).finally(() => signal.removeEventListener('abort', abort))
    if (work.request.deadline < this.#parts.now() + this.#options.settleSeconds) {
      throw new JobError('voucher-deadline', 'the request ended before it was its turn')
    }
  }

  /** What the backend is to run. Throws {@link JobError} for what is not served, or would not be paid. */
  async #taskOf(requestId: Hex, work: Work): Promise<AnswerTask> {
    const { classes, worker, settleSeconds } = this.#options
    const { request, tokens, stops } = work
    const { backend, facts, modelRoot, hostPrivateKey } = this.#parts
    if (!classes.has(request.class)) {
      throw new JobError('class-not-offered', `proof class ${request.class} is not offered here`)
    }
    const { prompt, seal } = openWork(work, hostPrivateKey)
    const task: AnswerTask = {
      ...{ modelRoot: await modelRoot(request), adapters: request.adapters, prompt, stops },
      ...{ seed: answerSeed(requestId, worker), sampling: request.sampling },
      traced: request.class === 1 || request.class === 2,
      sampled: request.class === 2,
      fingerprinted: request.class === fingerprintClass,
    }
    checkTask(backend, task, seal !== undefined)
    const { price, shares } = await termsOf(request, this.#parts.now() + settleSeconds, facts).catch(refuse)
    const most = feeOf(tokens.length, request.sampling.maxTokens, price, shares)
    if (request.maxFee < most) {
      throw new JobError('fee-too-low', `the request may cost ${most} wei and allows ${request.maxFee}`)
    }
    return task
  }

  /** Signs the answer, and the receipt where it can be attributed now; it is in the book when this resolves. */
  async #settle(
    { request, voucher, tokens, stops }: Work,
    { output, traceRoot, proof, cancel }: Outcome,
  ): Promise<BookedJob> {
    const { book, proofs, receipts, log } = this.#parts
    const payment = voucher && { voucher, ...(cancel && { cancel }) }
    const proofHash = proof === undefined ? zeroHash : await proofs.keep(proof)
    const answered = { request, payment, worker: this.#options.worker, prompt: tokens, output, traceRoot, proofHash }
    const draft = draftOf(answered)
    const { requestId, outputRoot } = draft.receipt
    const made: SignedReceipt | undefined = await receipts.make(answered).catch((error: unknown) => {
      log.error('an answer waits to be attributed', { requestId, error: errorMessage(error) })
      return undefined
    })
    const answer: Answer = { requestId, outputRoot, final: cancel === undefined }
    const job = {
      ...{ receipt: made?.receipt ?? draft, signature: made?.signature },
      answerSignature: receipts.sign(answerStructHash(answer)),
    }
    if (!book.keep(job, this.#parts.now())) {
      throw new Error(`request ${requestId} was answered otherwise before: this answer is not signed`)
    }
    book.keepStops(requestId, stops)
    if (request.class === fingerprintClass && proof !== undefined) book.keepFingerprint(requestId, proof)
    return { ...job, requestId, state: made === undefined ? 'waiting' : 'made', dataHash: undefined }
  }
}

/** A prompt that unseals to what is no model's was sealed for another host; what it unseals to is not told. */
function checkTask(backend: Pick<Backend, 'check'>, task: AnswerTask, isPrivate: boolean): void {
  try {
    backend.check(task)
  } catch (error) {
    const isOthers = isPrivate && error instanceof JobError && error.code === 'prompt-mismatch'
    throw isOthers ? new JobError('private-key', 'the prompt is not sealed for this host') : error
  }
}

function refuse(cause: unknown): never {
  if (!(cause instanceof ReceiptError)) throw cause
  throw new JobError(cause.code === 'deadline' ? 'voucher-deadline' : 'price-stale', cause.message)
}
