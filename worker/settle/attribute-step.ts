import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { BookedJob, JobBook } from '../jobs/job-book.ts'
import type { JobDesk } from '../jobs/job-desk.ts'
import { JobError } from '../jobs/job-error.ts'
import { unattributed } from '../jobs/job-events.ts'
import { answeredOf, type ReceiptMaker } from '../jobs/receipt-maker.ts'
import { deadlineOf } from './choose-jobs.ts'

export type AttributeParts = {
  readonly book: JobBook
  readonly receipts: ReceiptMaker
  readonly desk: Pick<JobDesk, 'attributed'>
  /** Unix seconds of the chain's head; undefined until it is known. */
  readonly now: () => bigint | undefined
  readonly nowMs: () => number
  readonly log: Log
}

/** Time to the second try, doubling up to the second value. */
const againMs = { first: 5_000, max: 300_000 } as const
/** Jobs of one look. */
const lookMax = 1_024

/** Attributes answers that could not be when they were made, until their deadline. */
export class AttributeStep {
  readonly #parts: AttributeParts
  /** When a job is tried again, and after what time then; of those alone that wait. */
  #tries = new Map<Hex, { readonly nextMs: number; readonly waitMs: number }>()

  constructor(parts: AttributeParts) {
    this.#parts = parts
  }

  /** One look; true where a job got its receipt. */
  readonly run = async (signal: AbortSignal): Promise<boolean> => {
    const { book, now, nowMs } = this.#parts
    const time = now()
    const waiting = book.waiting(lookMax)
    const tries = new Map(waiting.flatMap(({ requestId }) => this.#tryOf(requestId)))
    this.#tries = tries
    let acted = false
    for (const job of waiting) {
      if (signal.aborted) return acted
      const due = tries.get(job.requestId)?.nextMs ?? 0
      if (time !== undefined && deadlineOf(job) < time) this.#giveUp(job)
      else if (due <= nowMs()) acted = (await this.#attribute(job)) || acted
    }
    return acted
  }

  #tryOf(requestId: Hex) {
    const known = this.#tries.get(requestId)
    return known === undefined ? [] : [[requestId, known] as const]
  }

  async #attribute(job: BookedJob): Promise<boolean> {
    const { book, receipts, desk, nowMs, log } = this.#parts
    const { requestId } = job
    try {
      const made = await receipts.make(answeredOf(job.receipt))
      book.complete(requestId, made.receipt, made.signature)
      this.#tries.delete(requestId)
      desk.attributed({ ...job, ...made, state: 'made' })
      log.info('an answer that waited is attributed', { requestId })
      return true
    } catch (error) {
      const waitMs = this.#tries.get(requestId)?.waitMs ?? againMs.first
      this.#tries.set(requestId, { nextMs: nowMs() + waitMs, waitMs: Math.min(2 * waitMs, againMs.max) })
      log.error('an answer still waits to be attributed', { requestId, error: errorMessage(error), waitMs })
      return false
    }
  }

  #giveUp(job: BookedJob): void {
    const { book, desk, log } = this.#parts
    log.error('an answer was not attributed before its deadline and is not paid', { requestId: job.requestId })
    book.move([job.requestId], 'dropped', null)
    desk.attributed(job, new JobError('voucher-deadline', unattributed))
  }
}
