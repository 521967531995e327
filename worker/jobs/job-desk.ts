import type { BatchFacts } from '../../attribution/epochs/batch-facts.ts'
import { makeReceipt, termsOf } from '../../attribution/epochs/make-receipt.ts'
import type { Contribution } from '../../attribution/epochs/receipt-entries.ts'
import { ReceiptError } from '../../attribution/epochs/receipt-error.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { answerSeed } from '../../inference/sampler.ts'
import type { Job, JobContext, JobEvent, SignedCancel } from '../../p2p/workers/jobs/job.ts'
import { type Answer, answerStructHash } from '../../protocol/answer.ts'
import { bytesToHex, type Hex, zeroHash } from '../../protocol/bytes.ts'
import { signCompact } from '../../protocol/compact-signature.ts'
import { feeOf } from '../../protocol/fee.ts'
import { receiptStructHash } from '../../protocol/inference-receipt.ts'
import type { InferenceRequest } from '../../protocol/inference-request.ts'
import { moneyDigest } from '../../protocol/money-domain.ts'
import { tokenListRoot } from '../../protocol/token-list.ts'
import type { AnswerProof, AnswerTask, Backend } from '../backends/backend.ts'
import { AnswerStream } from './answer-stream.ts'
import type { Funds } from './funds.ts'
import type { BookedJob, JobBook } from './job-book.ts'
import { JobError } from './job-error.ts'
import { eventsOf, replayed } from './job-events.ts'

export type DeskOptions = {
  readonly chainId: bigint
  readonly privateKey: Uint8Array
  readonly worker: Hex
  /** Proof classes that the worker offers. */
  readonly classes: ReadonlySet<number>
  /** Jobs answered at once; more are refused as `busy`. */
  readonly jobsMax: number
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
  /** Root of a model version's weights; zeros where there is none. */
  readonly modelRoot: (modelVersion: Hex) => Promise<Hex>
  readonly proofs: JobProofs
  /** What the contributors' pool of an answer goes to. */
  readonly attribute: (request: InferenceRequest, output: Uint32Array) => Promise<readonly Contribution[]>
  /** Unix seconds of the chain's head. */
  readonly now: () => bigint
  readonly log: Log
}

/** What a client of a running answer may still say. */
export type JobClient = Pick<JobContext, 'requestId' | 'cancelled'>

/** An answer that is to be settled; `cancel` where it is the prefix that the payer consented to. */
type Outcome = AnswerProof & { readonly output: Uint32Array; readonly cancel?: SignedCancel }

/** A client that finds everything taken asks again after this time. */
const busyRetryMs = 2_000

/** Takes jobs, answers them, and signs what settles them. PROTOCOL §2: one final answer a request, written before it is released. */
export class JobDesk {
  readonly #options: DeskOptions
  readonly #parts: DeskParts
  readonly #underWay = new Map<Hex, AnswerStream<JobEvent>>()

  constructor(options: DeskOptions, parts: DeskParts) {
    this.#options = options
    this.#parts = parts
  }

  /** Jobs being answered. */
  get active(): number {
    return this.#underWay.size
  }

  /**
   * Answers a job whose voucher is the payer's. Once begun it is answered to its end, even where nobody listens any more, but
   * for a signed cancel: the payer who asks again gets the same answer. `signal` ends the worker. Throws {@link JobError},
   * and what backend and RPC throw; later errors come behind the last event.
   */
  async take(job: Job, client: JobClient, signal: AbortSignal): Promise<AsyncIterable<JobEvent>> {
    const { book, funds } = this.#parts
    const { requestId } = client
    const known = book.get(requestId)
    if (known !== undefined) return replayed(known)
    const running = this.#underWay.get(requestId)
    if (running !== undefined) return running
    if (this.#underWay.size >= this.#options.jobsMax) {
      throw new JobError('busy', `${this.#underWay.size} requests are being answered`, { retryAfterMs: busyRetryMs })
    }
    const stream = new AnswerStream<JobEvent>()
    this.#underWay.set(requestId, stream)
    try {
      const task = await this.#taskOf(requestId, job)
      const { maxFee, class: proofClass } = job.request
      const release = await funds.reserve({ ...job.voucher.value, maxFee }, proofClass)
      stream.push({ kind: 'accepted', queued: this.#underWay.size - 1 })
      void this.#answer(task, { job, client, stream }, signal).finally(() => {
        release()
        this.#underWay.delete(requestId)
      })
    } catch (error) {
      this.#underWay.delete(requestId)
      stream.end(error)
      throw error
    }
    return stream
  }

  /** Never rejects: readers of the stream get the error. */
  async #answer(
    task: AnswerTask,
    { job, client, stream }: { readonly job: Job; readonly client: JobClient; readonly stream: AnswerStream<JobEvent> },
    signal: AbortSignal,
  ): Promise<void> {
    const { requestId, cancelled } = client
    const { log, proofs } = this.#parts
    try {
      const booked = await this.#settle(job, await this.#run(task, cancelled, stream, signal))
      const { output } = booked.receipt
      log.info('request answered', { requestId, tokens: output.length, fee: booked.receipt.receipt.fee })
      for (const event of eventsOf(booked)) if (event.kind !== 'accepted' && event.kind !== 'tokens') stream.push(event)
      stream.end()
      proofs.announce(booked)
    } catch (error) {
      log.error('a request was not answered', { requestId, error: errorMessage(error) })
      stream.end(error)
    }
  }

  /** The output, whole or the prefix that the payer consented to, with its trace. */
  async #run(
    task: AnswerTask,
    cancelled: Promise<SignedCancel>,
    stream: AnswerStream<JobEvent>,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { backend } = this.#parts
    const stop = new AbortController()
    const abort = () => stop.abort()
    signal.addEventListener('abort', abort, { once: true })
    const output: number[] = []
    let cancel: SignedCancel | undefined
    void cancelled.then((signed) => {
      const { tout, outputRoot } = signed.value
      // One that consents to something else than was delivered settles nothing: the answer goes on.
      if (tout < 1 || tout > output.length || rootOf(output.slice(0, tout)) !== outputRoot) return
      cancel = signed
      abort()
    })
    try {
      for await (const event of backend.answer(task, stop.signal)) {
        if (cancel !== undefined) break
        if (event.kind === 'end') return { output: Uint32Array.from(output), ...event }
        stream.push({ kind: 'tokens', first: output.length, tokens: Uint32Array.from(event.tokens) })
        output.push(...event.tokens)
      }
    } catch (error) {
      if (cancel === undefined) throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
    if (cancel === undefined) throw new Error('the answer was broken off')
    const prefix = Uint32Array.from(output.slice(0, cancel.value.tout))
    return { output: prefix, cancel, ...(await backend.trace(task, prefix, signal)) }
  }

  /** What the backend is to run. Throws {@link JobError} for what is not served, or would not be paid. */
  async #taskOf(requestId: Hex, { request, tokens, stops }: Job): Promise<AnswerTask> {
    const { classes, worker, settleSeconds } = this.#options
    const { backend, facts, modelRoot } = this.#parts
    if (!classes.has(request.class)) {
      throw new JobError('class-not-offered', `proof class ${request.class} is not offered here`)
    }
    const task: AnswerTask = {
      ...{ modelRoot: await modelRoot(request.modelVersion), adapters: request.adapters, prompt: tokens, stops },
      ...{ seed: answerSeed(requestId, worker), sampling: request.sampling },
      traced: request.class === 1 || request.class === 2,
    }
    backend.check(task)
    const { price, shares } = await termsOf(request, this.#parts.now() + settleSeconds, facts).catch(refuse)
    const most = feeOf(tokens.length, request.sampling.maxTokens, price, shares)
    if (request.maxFee < most) {
      throw new JobError('fee-too-low', `the request may cost ${most} wei and allows ${request.maxFee}`)
    }
    return task
  }

  /** Makes and signs answer and receipt; they are in the book when this resolves. */
  async #settle({ request, voucher, tokens }: Job, { output, traceRoot, proof, cancel }: Outcome): Promise<BookedJob> {
    const { book, facts, proofs, attribute } = this.#parts
    const { chainId, privateKey, worker } = this.#options
    const contributions = await attribute(request, output)
    const proofHash = proof === undefined ? zeroHash : await proofs.keep(proof)
    const receipt = await makeReceipt(
      {
        ...{ request, payment: { voucher, ...(cancel && { cancel }) }, worker, prompt: tokens, output },
        ...{ traceRoot, proofHash, contributions },
      },
      this.#parts.now(),
      facts,
    )
    const { requestId, outputRoot } = receipt.receipt
    const sign = (structHash: Uint8Array) => signCompact(moneyDigest(chainId, structHash), privateKey)
    const answer: Answer = { requestId, outputRoot, final: cancel === undefined }
    const made = {
      ...{ receipt, signature: sign(receiptStructHash(receipt.receipt)) },
      answerSignature: sign(answerStructHash(answer)),
    }
    if (!book.keep(made, this.#parts.now())) {
      throw new Error(`request ${requestId} was answered otherwise before: this answer is not signed`)
    }
    return { ...made, requestId, state: 'made', dataHash: undefined }
  }
}

function rootOf(tokens: readonly number[]): Hex {
  return bytesToHex(tokenListRoot(Uint32Array.from(tokens)))
}

function refuse(cause: unknown): never {
  if (!(cause instanceof ReceiptError)) throw cause
  throw new JobError(cause.code === 'deadline' ? 'voucher-deadline' : 'price-stale', cause.message)
}
