import type { Admission } from '../hello/admission.ts'
import { type MessageQueues, queueLengthMax } from '../message-queues.ts'
import type { WorkerValidator } from '../validation/worker-validator.ts'
import { type ProofAnnounce, proofAnnounce } from '../wire/messages.ts'
import type { SubmitAnswer } from './submit.ts'

/** Half a queue of proofs: gossip has the rest. */
const waitingMax = queueLengthMax / 2
const busyMs = 2_000

type Parts = {
  readonly admission: Pick<Admission, 'role'>
  readonly validator: Pick<WorkerValidator, 'outcome'>
  readonly queues: Pick<MessageQueues, 'length'>
  readonly onSubmit: ((announce: ProofAnnounce, from: string) => SubmitAnswer) | undefined
}

/** Answers submissions: an announcement is judged as if gossip had brought it, and one that gossip brought before is accepted. */
export function submissionTaker({ admission, validator, queues, onSubmit }: Parts) {
  return (bytes: Uint8Array, from: string): SubmitAnswer => {
    if (admission.role(from) !== 'worker') return { kind: 'rejected', code: 'not-admitted' }
    if (queues.length('proof') >= waitingMax) return { kind: 'busy', retryAfterMs: busyMs }
    const { result, reason } = validator.outcome(from, 'proofs', bytes)
    if (result === 'accept') return onSubmit?.(proofAnnounce.decode(bytes), from) ?? { kind: 'accepted' }
    if (reason === 'duplicate') return { kind: 'accepted' }
    if (['author-rate', 'busy', 'parked', 'park-full'].includes(reason)) return { kind: 'busy', retryAfterMs: busyMs }
    if (reason === 'closed') return { kind: 'rejected', code: 'closed' }
    const isOfAuthor = reason === 'unknown-author' || reason === 'inactive-author'
    return { kind: 'rejected', code: isOfAuthor ? 'not-admitted' : 'invalid' }
  }
}
