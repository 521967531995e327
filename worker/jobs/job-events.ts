import type { BatchEntry } from '../../attribution/epochs/batch-rows.ts'
import { eventTokensMax, type JobEvent } from '../../p2p/workers/jobs/job.ts'
import type { AttributionEntry, EntryClass } from '../../protocol/attribution-entry.ts'
import type { BookedJob } from './job-book.ts'

/** What a client is told of an answer that stands in the book, from the first event to the last. */
export async function* replayed(job: BookedJob): AsyncGenerator<JobEvent> {
  yield* eventsOf(job)
}

export function* eventsOf({ requestId, receipt, signature, answerSignature }: BookedJob): Generator<JobEvent> {
  const { output, entries, payment } = receipt
  const { outputRoot } = receipt.receipt
  yield { kind: 'accepted', queued: 0 }
  for (let first = 0; first < output.length; first += eventTokensMax) {
    yield { kind: 'tokens', first, tokens: output.slice(first, first + eventTokensMax) }
  }
  const value = { requestId, outputRoot, final: payment?.cancel === undefined }
  yield { kind: 'answer', answer: { value, signature: answerSignature } }
  yield { kind: 'entries', entries: entries.map(plainEntry) }
  yield { kind: 'receipt', receipt: { value: receipt.receipt, signature } }
}

/** We made the entry, so its class is one there is and its weight at most 1,000,000. */
function plainEntry(entry: BatchEntry): AttributionEntry {
  return { ...entry, class: entry.class as EntryClass, weight: Number(entry.weight) }
}
