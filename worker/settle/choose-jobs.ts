import type { Hex } from '../../protocol/bytes.ts'
import type { BookedJob } from '../jobs/job-book.ts'

/** Segments of one batch, each of a channel or of a request opened on chain; `SEGMENTS_MAX` of InferenceMarket. */
export const segmentsMax = 32

export type BatchLimits = {
  readonly receiptsMax: number
  /** Tokens of prompts and answers: a batch's file holds them, and no file is above 64 MiB. */
  readonly tokensMax: number
}

export const batchLimits: BatchLimits = { receiptsMax: 4096, tokensMax: 4_000_000 }

/** Jobs of one batch: the most urgent one, and of its proof class, in order of urgency, as many as fit. */
export function chooseJobs(jobs: readonly BookedJob[], limits: BatchLimits = batchLimits): BookedJob[] {
  const [first] = jobs.toSorted((a, b) => Number(deadlineOf(a) - deadlineOf(b)))
  const chosen: BookedJob[] = []
  const segments = new Set<Hex>()
  let tokens = 0
  for (const job of jobs) {
    const { receipt, payment } = job.receipt
    const segment = payment?.voucher.value.channel ?? receipt.requestId
    const more = receipt.tin + receipt.tout
    const fits = segments.has(segment) || segments.size < segmentsMax
    if (receipt.class !== first?.receipt.receipt.class || !fits) continue
    if (chosen.length === limits.receiptsMax || (chosen.length > 0 && tokens + more > limits.tokensMax)) break
    chosen.push(job)
    segments.add(segment)
    tokens += more
  }
  return chosen
}

/** Unix seconds by which a job has to be on chain. */
export function deadlineOf({ receipt }: BookedJob): bigint {
  return receipt.request.deadline
}
