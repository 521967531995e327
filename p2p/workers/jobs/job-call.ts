import type { Stream } from '@libp2p/interface'
import { answerStructHash } from '../../../protocol/answer.ts'
import { bytesToHex, FormatError, type Hex } from '../../../protocol/bytes.ts'
import { receiptStructHash } from '../../../protocol/inference-receipt.ts'
import { requestIdOf } from '../../../protocol/inference-request.ts'
import { moneyDigest } from '../../../protocol/money-domain.ts'
import { tokenListRoot } from '../../../protocol/token-list.ts'
import { FrameStream } from '../frame-stream.ts'
import { WorkersError } from '../workers-error.ts'
import { isSignedBy } from './check-job.ts'
import type { Job, JobEvent, SignedCancel } from './job.ts'
import { jobMsMax } from './job-server.ts'
import { decodeEvent, encodeCancel, encodeJob, eventBytesMax } from './job-wire.ts'

/**
 * A job at a worker, from the client's side. What comes is held against the job: tokens in order and not too many, the
 * answer and the receipt signed by the worker over exactly these tokens.
 */
export class JobCall {
  readonly #job: Job
  readonly #requestId: Hex
  readonly #frames: FrameStream
  readonly #output: number[] = []
  #answerRoot: Hex | undefined
  #cancel: SignedCancel | undefined

  private constructor(job: Job, frames: FrameStream) {
    this.#job = job
    this.#requestId = requestIdOf(job.request)
    this.#frames = frames
  }

  /** Sends the job. Throws WorkersError. */
  static async start(stream: Stream, job: Job): Promise<JobCall> {
    const bytes = encodeJob(job)
    const call = new JobCall(job, new FrameStream(stream))
    await call.#frames.send(bytes)
    return call
  }

  /** Output so far. */
  get output(): readonly number[] {
    return this.#output
  }

  /**
   * What the worker says, to the receipt or a refusal. Who reads slowly slows the worker down. Throws WorkersError: `lied`
   * where what is signed is not what came, `protocol`, `slow`, `cancelled` where `signal` aborts.
   */
  async *events(signal: AbortSignal): AsyncGenerator<JobEvent> {
    const cancel = () => this.#frames.abort(new WorkersError('cancelled', 'given up'))
    const timer = setTimeout(() => this.#frames.abort(new WorkersError('slow', `not done in ${jobMsMax} ms`)), jobMsMax)
    signal.addEventListener('abort', cancel, { once: true })
    if (signal.aborted) cancel()
    try {
      for (;;) {
        const bytes = await this.#frames.receive(eventBytesMax)
        if (bytes === undefined) throw new WorkersError('protocol', 'the worker ends without a receipt')
        const event = this.#check(decode(bytes))
        yield event
        if (event.kind === 'receipt' || event.kind === 'refused') return
      }
    } catch (error) {
      this.#frames.abort(error instanceof Error ? error : new Error(String(error)))
      throw error
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', cancel)
      void this.#frames.end()
    }
  }

  /** Gives up what is not delivered yet, and consents to the charge for a prefix of what is. */
  async cancel(cancel: SignedCancel): Promise<void> {
    this.#cancel = cancel
    await this.#frames.send(encodeCancel(cancel))
  }

  #check(event: JobEvent): JobEvent {
    const { request, voucher } = this.#job
    if (event.kind === 'tokens') this.#addTokens(event.first, event.tokens)
    if (event.kind === 'answer') {
      const { value, signature } = event.answer
      const digest = moneyDigest(request.chainId, answerStructHash(value))
      if (value.requestId !== this.#requestId || !this.#isOutput(value.outputRoot))
        throw lied('the answer is of other tokens')
      if (!isSignedBy(voucher.value.worker, digest, signature)) throw lied('the answer is not signed by the worker')
      this.#answerRoot = value.outputRoot
    }
    if (event.kind === 'receipt') {
      const { value, signature } = event.receipt
      const tout = this.#isCut(value.outputRoot) ? this.#cancel?.value.tout : this.#output.length
      const isOfJob =
        value.requestId === this.#requestId &&
        value.worker === voucher.value.worker &&
        value.class === request.class &&
        value.tin === this.#job.tokens.length &&
        value.tout === tout &&
        value.outputRoot === this.#answerRoot &&
        value.fee <= request.maxFee
      if (!isOfJob) throw lied('the receipt is of another job')
      if (!isSignedBy(voucher.value.worker, moneyDigest(request.chainId, receiptStructHash(value)), signature)) {
        throw lied('the receipt is not signed by the worker')
      }
    }
    return event
  }

  #addTokens(first: number, tokens: Uint32Array): void {
    if (this.#answerRoot !== undefined || first !== this.#output.length) {
      throw new WorkersError('protocol', `tokens from ${first} on, ${this.#output.length} came before`)
    }
    if (first + tokens.length > this.#job.request.sampling.maxTokens) {
      throw new WorkersError('protocol', `more than ${this.#job.request.sampling.maxTokens} tokens`)
    }
    for (const token of tokens) this.#output.push(token)
  }

  /** The whole output, or the prefix that the cancel consents to. */
  #isOutput(root: Hex): boolean {
    return root === bytesToHex(tokenListRoot(this.#output)) || this.#isCut(root)
  }

  #isCut(root: Hex): boolean {
    return this.#cancel !== undefined && root === this.#cancel.value.outputRoot
  }
}

const lied = (what: string) => new WorkersError('lied', what)

function decode(bytes: Uint8Array): JobEvent {
  try {
    return decodeEvent(bytes)
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause
    throw new WorkersError('protocol', cause.message, { cause })
  }
}
