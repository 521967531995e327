import type { Reply } from '../../common/asked-thread.ts'
import { failedJob } from '../../common/thread-job.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { BatchHeader, Segment } from '../../protocol/receipt-batch.ts'
import type { BatchData } from './batch-data.ts'
import type { BatchFacts } from './batch-facts.ts'
import type { Verdict } from './challenge.ts'
import { checkBatch } from './check-batch.ts'
import type { Asking } from './demand-order.ts'
import { KnownBatch } from './known-batch.ts'

/** A batch with what is known of it. */
export type BatchOf = { readonly header: BatchHeader; readonly segments: readonly Segment[]; readonly data: BatchData }

/** What a reading of a batch tells. */
export type BatchReading = {
  /** Requests by receipt, as far as receipts are known. */
  readonly requests: readonly (Hex | undefined)[]
  /** The file holds every receipt under the batch's root and the entries of all that are not void: epochs can be built of it. */
  readonly isWhole: boolean
}

/** Where an earlier receipt stands. */
export type ReceiptRef = BatchOf & { readonly index: number }

/** `BatchFacts` as the thread asks for them: an earlier receipt comes unopened. */
export type AskedFacts = Omit<BatchFacts, 'chainId' | 'earlierReceipt'> & {
  readonly earlierReceipt: (worker: Hex, requestId: Hex, batchId: bigint) => Promise<ReceiptRef | undefined>
}
export type Question = keyof AskedFacts

/** To the thread. Without `asking` the batch is read and not judged. */
export type ToThread =
  | { readonly id: number; readonly batch: BatchOf; readonly chainId: bigint; readonly asking?: Asking | undefined }
  | { readonly question: number; readonly answer?: unknown; readonly failed?: string }
export type BatchJudgement = BatchReading & { readonly verdicts: readonly Verdict[] }
/** From the thread, beside its reply: a fact that the task `of` needs. */
export type AskedFact = {
  readonly question: number
  readonly of: number
  readonly name: Question
  readonly args: readonly unknown[]
}

/** The side of `BatchThread` that runs in the thread. */
export class BatchJobs {
  readonly #post: (message: Reply<BatchJudgement> | AskedFact) => void
  readonly #waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>()
  #questions = 0

  constructor(post: (message: Reply<BatchJudgement> | AskedFact) => void) {
    this.#post = post
  }

  take(message: ToThread): void {
    if ('question' in message) {
      const waiting = this.#waiting.get(message.question)
      this.#waiting.delete(message.question)
      if (message.failed === undefined) waiting?.resolve(message.answer)
      else waiting?.reject(new Error(message.failed))
      return
    }
    const { id, batch, chainId, asking } = message
    const judged = asking === undefined ? Promise.resolve([]) : this.#check(id, batch, chainId, asking)
    judged.then(
      (verdicts) => this.#post({ id, done: { verdicts, ...readBatch(batch) } }),
      (error: unknown) => this.#post({ id, failed: failedJob(error) }),
    )
  }

  #check(id: number, { header, segments, data }: BatchOf, chainId: bigint, asking: Asking): Promise<Verdict[]> {
    const answers = new Map<string, Promise<unknown>>()
    const ask = (name: Question, args: readonly unknown[]): Promise<unknown> => {
      const key = `${name} ${args.join(' ')}`
      const answer = answers.get(key) ?? this.#ask(id, name, args)
      answers.set(key, answer)
      return answer
    }
    return checkBatch(header, segments, data, factsOf(chainId, ask), asking)
  }

  #ask(of: number, name: Question, args: readonly unknown[]): Promise<unknown> {
    const question = ++this.#questions
    return new Promise((resolve, reject) => {
      this.#waiting.set(question, { resolve, reject })
      this.#post({ question, of, name, args })
    })
  }
}

/** Facts whose every answer is asked for once. */
function factsOf(chainId: bigint, ask: (name: Question, args: readonly unknown[]) => Promise<unknown>): BatchFacts {
  const opened = new Map<bigint, KnownBatch>()
  const earlierReceipt: BatchFacts['earlierReceipt'] = async (...args) => {
    const ref = (await ask('earlierReceipt', args)) as ReceiptRef | undefined
    if (ref === undefined) return undefined
    const batch = opened.get(ref.header.batchId) ?? KnownBatch.of(ref.header, ref.segments, ref.data)
    opened.set(ref.header.batchId, batch)
    // Its file may be lost by now: then nothing proves it.
    return batch.receipt(ref.index) && batch.openReceipt(ref.index)
  }
  const asked = <Name extends Question>(name: Name) =>
    // What the other side of the port answers by the same name.
    ((...args: readonly unknown[]) => ask(name, args)) as unknown as AskedFacts[Name]
  return {
    chainId,
    earlierReceipt,
    price: asked('price'),
    shares: asked('shares'),
    model: asked('model'),
    royaltyRows: asked('royaltyRows'),
    modelPayee: asked('modelPayee'),
    codePayee: asked('codePayee'),
    contributionPayee: asked('contributionPayee'),
    datanets: asked('datanets'),
    algoInForce: asked('algoInForce'),
  }
}

function readBatch({ header, segments, data }: BatchOf): BatchReading {
  const batch = KnownBatch.of(header, segments, data)
  const requests: (Hex | undefined)[] = []
  let isWhole = true
  for (let i = 0; i < header.count; i++) {
    requests.push(batch.receipt(i)?.receipt.requestId)
    isWhole &&= batch.isPublished(i) && (data.voided?.has(i) === true || batch.areEntriesPublished(i))
  }
  return { requests, isWhole }
}
