import type { BatchEntry } from '../../attribution/epochs/batch-rows.ts'
import { eventTokensMax, type JobEvent } from '../../p2p/workers/jobs/job.ts'
import type { AttributionEntry, EntryClass } from '../../protocol/attribution-entry.ts'
import type { BookedJob } from './job-book.ts'
import { JobError } from './job-error.ts'

/** What a client is told of an answer that stands in the book, from the first event to the last. */
export async function* replayed(job: BookedJob): AsyncGenerator<JobEvent> {
  yield* eventsOf(job)
  if (job.signature === undefined) throw new JobError('voucher-deadline', unattributed)
}

/** Why an answer has no receipt. */
export const unattributed = 'the answer could not be attributed before its deadline and is not charged'

/** Without entries and receipt while it is not attributed. */
export function* eventsOf(job: BookedJob): Generator<JobEvent> {
  const { requestId, receipt, answerSignature } = job
  const { output, payment } = receipt
  const { outputRoot } = receipt.receipt
  yield { kind: 'accepted', queued: 0 }
  for (let first = 0; first < output.length; first += eventTokensMax) {
    yield { kind: 'tokens', first, tokens: output.slice(first, first + eventTokensMax) }
  }
  const value = { requestId, outputRoot, final: payment?.cancel === undefined }
  yield { kind: 'answer', answer: { value, signature: answerSignature } }
  yield* settledEvents(job)
}

/** Entries and receipt; nothing while it is not attributed. */
export function* settledEvents({ receipt, signature }: BookedJob): Generator<JobEvent> {
  if (signature === undefined) return
  yield { kind: 'entries', entries: receipt.entries.map(plainEntry) }
  yield { kind: 'receipt', receipt: { value: receipt.receipt, signature } }
}

/** We made the entry, so its class is one there is and its weight at most 1,000,000. */
function plainEntry(entry: BatchEntry): AttributionEntry {
  return { ...entry, class: entry.class as EntryClass, weight: Number(entry.weight) }
}
