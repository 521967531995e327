import { AskedThread } from '../../common/asked-thread.ts'
import { errorMessage } from '../../common/errors.ts'
import type { BatchFacts } from './batch-facts.ts'
import type { AskedFact, AskedFacts, BatchJudgement, BatchOf, BatchReading, ToThread } from './batch-jobs.ts'
import type { Asking } from './demand-order.ts'

/** Facts for a thread, which opens earlier receipts itself. */
export type ThreadFacts = Omit<BatchFacts, 'earlierReceipt'> & Pick<AskedFacts, 'earlierReceipt'>

/**
 * `checkBatch` on a thread of its own, which asks for facts as it needs them: 65,536 receipts with their signatures take a
 * minute in which the host goes on. The thread starts with the first job and is started anew where it died.
 */
export class BatchThread {
  readonly #thread = new AskedThread<ToThread, BatchJudgement, AskedFact>({
    file: new URL('./batch-worker.mjs', import.meta.url),
    name: 'batches',
    onOther: (message) => this.#answer(message),
  })
  /** Of the tasks that are being judged. */
  readonly #facts = new Map<number, ThreadFacts>()

  /** Verdicts of `checkBatch`, and what {@link BatchThread.read} tells. */
  async check(batch: BatchOf, asking: Asking, facts: ThreadFacts): Promise<BatchJudgement> {
    let task = 0
    try {
      return await this.#thread.ask((id) => {
        task = id
        this.#facts.set(id, facts)
        return { id, batch, chainId: facts.chainId, asking }
      })
    } finally {
      this.#facts.delete(task)
    }
  }

  /** What is known of a batch, without judging it. */
  read(batch: BatchOf): Promise<BatchReading> {
    return this.#thread.ask((id) => ({ id, batch, chainId: 0n }))
  }

  /** Ends the thread; jobs that run fail. */
  close(): Promise<void> {
    return this.#thread.close()
  }

  #answer({ question, of, name, args }: AskedFact): void {
    // The names and their arguments are those of `AskedFacts`; the thread's side is typed by it.
    const facts = this.#facts.get(of) as unknown as
      | Record<string, (...args: readonly unknown[]) => Promise<unknown>>
      | undefined
    const answer = facts?.[name]?.(...args) ?? Promise.reject(new Error(`nobody answers ${name}`))
    answer.then(
      (value) => this.#thread.tell({ question, answer: value }),
      (error: unknown) => this.#thread.tell({ question, failed: errorMessage(error) }),
    )
  }
}
