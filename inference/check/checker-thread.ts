import { Thread } from '../../common/thread.ts'
import { FormatError } from '../../protocol/bytes.ts'
import { InferenceError } from '../inference-error.ts'
import { adapterShapes, TraceLayout } from '../trace/layout.ts'
import { decodeTokens, ProofError, ProofReader } from '../trace/proof-file.ts'
import { CheckError } from './check-error.ts'
import type { ProofOutcome, ReceiptFacts } from './check-proof.ts'
import type { FailedCheck, FromChecker, ToChecker } from './checker-jobs.ts'
import type { SecretPair } from './pair-file.ts'
import type { SecretPool } from './pool.ts'

/** Answers that wait for their turn; each holds its file. */
const waitingMax = 64

/**
 * Checks answers of one model without its weights, on a thread of its own. Counts the uses of secret pairs, and ends a pair that
 * caught a fault.
 */
export class CheckerThread {
  readonly #pool: SecretPool
  readonly #thread = new Thread<ToChecker, FromChecker>({
    file: new URL('./checker-worker.mjs', import.meta.url),
    name: 'checks',
    onMessage: (message) => this.#take(message),
    onEnd: (error) => this.#fail(error),
  })
  /** The pair that the thread has. */
  #pair: SecretPair | undefined
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0
  #job: { readonly number: number; resolve(outcome: ProofOutcome): void; reject(error: unknown): void } | undefined
  #count = 0
  #isClosed = false

  constructor(pool: SecretPool) {
    this.#pool = pool
  }

  /**
   * Judges the file of an answer, which is given away, as `checkProof`, and throws what it throws; {@link CheckError} `empty` where no
   * pair is left: the pool is to be opened again; `busy` where too many wait.
   */
  check(facts: ReceiptFacts, file: Uint8Array): Promise<ProofOutcome> {
    if (this.#waiting >= waitingMax) return Promise.reject(new CheckError('busy', `${waitingMax} answers wait`))
    this.#waiting++
    const outcome = this.#last.then(() => this.#next(facts, file)).finally(() => this.#waiting--)
    this.#last = outcome.catch(() => {})
    return outcome
  }

  /** Ends the thread; who waits is told so. */
  close(): Promise<void> {
    this.#isClosed = true
    return this.#thread.close()
  }

  async #next(facts: ReceiptFacts, file: Uint8Array): Promise<ProofOutcome> {
    const { config } = this.#pool.kept
    // Refuses adapters and files of another shape before a use is counted.
    const layout = new TraceLayout(config, adapterShapes(facts.slots))
    const { head } = decodeTokens(new ProofReader(file), layout.config, facts.traceRoot)
    const pair = await this.#pool.take(head.positions)
    if (this.#isClosed) throw new Error('the thread for checks was closed')
    if (pair !== this.#pair) {
      this.#pair = pair
      this.#thread.post({ kept: this.#pool.kept, pair })
    }
    // A copy would be as much garbage again, whose collection stops whoever shares this heap.
    const given = file.length === file.buffer.byteLength ? file : file.slice()
    const outcome = await new Promise<ProofOutcome>((resolve, reject) => {
      this.#job = { number: ++this.#count, resolve, reject }
      this.#thread.post({ job: this.#count, facts, file: given }, [given.buffer as ArrayBuffer])
    })
    if (outcome.linear !== undefined) await this.#pool.retire()
    return outcome
  }

  #take(message: FromChecker): void {
    const job = this.#job
    if (job?.number !== message.job) return
    this.#job = undefined
    if ('failed' in message) job.reject(errorOf(message.failed))
    else job.resolve(message.done)
  }

  /** A thread that died takes its job along; the next starts another. */
  #fail(error: unknown): void {
    this.#pair = undefined
    this.#job?.reject(error)
    this.#job = undefined
  }
}

function errorOf({ name, code, message }: FailedCheck): Error {
  switch (name) {
    case 'ProofError':
      return new ProofError(code as ProofError['code'], message)
    case 'InferenceError':
      return new InferenceError(code as InferenceError['code'], message)
    case 'FormatError':
      return new FormatError(message)
    default:
      return new Error(message)
  }
}
