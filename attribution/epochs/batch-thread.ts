import { errorMessage } from '../../common/errors.ts'
import { Thread } from '../../common/thread.ts'
import type { BatchFacts } from './batch-facts.ts'
import type { AskedFacts, BatchOf, BatchReading, FromThread, ToThread } from './batch-jobs.ts'
import type { Verdict } from './challenge.ts'
import type { Asking } from './demand-order.ts'

export type BatchJudgement = BatchReading & { readonly verdicts: readonly Verdict[] }

/** Facts for a thread, which opens earlier receipts itself. */
export type ThreadFacts = Omit<BatchFacts, 'earlierReceipt'> & Pick<AskedFacts, 'earlierReceipt'>

type Job = {
  readonly facts: ThreadFacts | undefined
  readonly resolve: (done: BatchJudgement) => void
  readonly reject: (error: unknown) => void
}

/**
 * `checkBatch` on a thread of its own, which asks for facts as it needs them: 65,536 receipts with their signatures take a
 * minute in which the host goes on. The thread starts with the first job and is started anew where it died.
 */
export class BatchThread {
  readonly #thread = new Thread<ToThread, FromThread>({
    file: new URL('./batch-worker.mjs', import.meta.url),
    name: 'batches',
    onMessage: (message) => this.#take(message),
    onEnd: (error) => this.#fail(error),
  })
  readonly #jobs = new Map<number, Job>()
  #last = 0

  /** Verdicts of `checkBatch`, and what {@link BatchThread.read} tells. */
  check(batch: BatchOf, asking: Asking, facts: ThreadFacts): Promise<BatchJudgement> {
    return this.#ask({ batch, chainId: facts.chainId, asking }, facts)
  }

  /** What is known of a batch, without judging it. */
  read(batch: BatchOf): Promise<BatchReading> {
    return this.#ask({ batch, chainId: 0n }, undefined)
  }

  /** Ends the thread; jobs that run fail. */
  close(): Promise<void> {
    return this.#thread.close()
  }

  #ask(
    { batch, chainId, asking }: { readonly batch: BatchOf; readonly chainId: bigint; readonly asking?: Asking },
    facts: ThreadFacts | undefined,
  ): Promise<BatchJudgement> {
    const job = ++this.#last
    return new Promise((resolve, reject) => {
      this.#jobs.set(job, { facts, resolve, reject })
      this.#thread.post({ job, batch, chainId, asking })
    })
  }

  #take(message: FromThread): void {
    const job = this.#jobs.get(message.job)
    if ('question' in message) {
      this.#answer(job, message)
      return
    }
    this.#jobs.delete(message.job)
    if ('failed' in message) job?.reject(new Error(message.failed))
    else job?.resolve(message.done)
  }

  #answer(job: Job | undefined, { question, name, args }: Extract<FromThread, { question: number }>): void {
    // The names and their arguments are those of `AskedFacts`; the thread's side is typed by it.
    const facts = job?.facts as unknown as Record<string, (...args: readonly unknown[]) => Promise<unknown>> | undefined
    const answer = facts?.[name]?.(...args) ?? Promise.reject(new Error(`nobody answers ${name}`))
    answer.then(
      (value) => this.#tell({ question, answer: value }),
      (error: unknown) => this.#tell({ question, failed: errorMessage(error) }),
    )
  }

  /** A thread that died meanwhile asks no more. */
  #tell(message: ToThread): void {
    if (this.#thread.isRunning) this.#thread.post(message)
  }

  /** A thread that died takes its jobs along. */
  #fail(error: unknown): void {
    const jobs = [...this.#jobs.values()]
    this.#jobs.clear()
    for (const { reject } of jobs) reject(error)
  }
}
