import type { Log } from '../../common/log.ts'
import type { JobBook } from '../jobs/job-book.ts'

export type ForgetParts = {
  readonly book: JobBook
  /** Unix seconds of the chain's head; undefined until it is known. */
  readonly now: () => bigint | undefined
  /** Seconds in which a batch can be challenged. */
  readonly windowSeconds: bigint
  readonly log: Log
}

const daySeconds = 86_400n
const hourSeconds = 3_600n

/** Forgets jobs whose receipts are mature since a day: nobody asks about them any more, and no voucher for them is valid. */
export class ForgetStep {
  readonly #parts: ForgetParts
  #nextAt = 0n

  constructor(parts: ForgetParts) {
    this.#parts = parts
  }

  /** One look, once an hour. */
  readonly run = async (): Promise<boolean> => {
    const { book, now, windowSeconds, log } = this.#parts
    const time = now()
    if (time === undefined || time < this.#nextAt) return false
    this.#nextAt = time + hourSeconds
    // What is committed was so by its deadline.
    const jobs = book.forgetBefore(time - windowSeconds - daySeconds)
    if (jobs > 0) log.info('old jobs are forgotten', { jobs })
    return false
  }
}
