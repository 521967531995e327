import type { RateLimit } from '../../token-bucket.ts'
import { faultOfCapability, faultOfProof, faultOfVerdict } from '../wire/canonical.ts'
import type { Fields } from '../wire/container.ts'
import {
  type Capability,
  capability,
  type Heartbeat,
  heartbeat,
  type JobHead,
  jobHead,
  type ProofAnnounce,
  proofAnnounce,
  type Verdict,
  verdict,
} from '../wire/messages.ts'
import type { SignedMessage } from '../wire/signed-message.ts'
import type { TopicName } from '../wire/topics.ts'

/** A message by its kind, decoded. */
export type WorkerMessage =
  | { readonly kind: 'proof'; readonly value: ProofAnnounce }
  | { readonly kind: 'job'; readonly value: JobHead }
  | { readonly kind: 'verdict'; readonly value: Verdict }
  | { readonly kind: 'heartbeat'; readonly value: Heartbeat }
  | { readonly kind: 'capability'; readonly value: Capability }
export type MessageKind = WorkerMessage['kind']

export type KindRules = {
  readonly kind: MessageKind
  readonly topic: TopicName
  readonly message: SignedMessage<Fields>
  readonly author: 'worker' | 'checker' | 'either'
  /** How far ahead `expiry` may be. */
  readonly horizonSeconds: number
  /** Of one author. */
  readonly rate: RateLimit
}

/** Of one topic no two kinds have one length, so the length says which it is. */
export const messageKinds: readonly KindRules[] = [
  rules('proof', 'proofs', proofAnnounce, 'worker', 120, { perSecond: 20, burst: 40 }),
  rules('job', 'jobs', jobHead, 'either', 120, { perSecond: 50, burst: 200 }),
  rules('verdict', 'verdicts', verdict, 'checker', 120, { perSecond: 200, burst: 400 }),
  // One each 30 s, and one more for a change.
  rules('heartbeat', 'workers', heartbeat, 'worker', 90, { perSecond: 0.1, burst: 6 }),
  rules('capability', 'workers', capability, 'worker', 600, { perSecond: 0.02, burst: 6 }),
]

export const kindByLength: ReadonlyMap<string, KindRules> = new Map(
  messageKinds.map((each) => [`${each.topic}/${each.message.byteLength}`, each]),
)

/** The message, of bytes whose length is right, and what is wrong with its values. */
export function readMessage(
  kind: MessageKind,
  bytes: Uint8Array,
): { readonly message: WorkerMessage; readonly fault: string | undefined } {
  switch (kind) {
    case 'proof': {
      const value = proofAnnounce.decode(bytes)
      return { message: { kind, value }, fault: faultOfProof(value) }
    }
    case 'job':
      return { message: { kind, value: jobHead.decode(bytes) }, fault: undefined }
    case 'verdict': {
      const value = verdict.decode(bytes)
      return { message: { kind, value }, fault: faultOfVerdict(value) }
    }
    case 'heartbeat':
      return { message: { kind, value: heartbeat.decode(bytes) }, fault: undefined }
    case 'capability': {
      const value = capability.decode(bytes)
      return { message: { kind, value }, fault: faultOfCapability(value) }
    }
  }
}

function rules<F extends Fields>(
  kind: MessageKind,
  topic: TopicName,
  message: SignedMessage<F>,
  author: KindRules['author'],
  horizonSeconds: number,
  rate: RateLimit,
): KindRules {
  // What is asked of a message here does not depend on its fields.
  return { kind, topic, message: message as unknown as SignedMessage<Fields>, author, horizonSeconds, rate }
}
