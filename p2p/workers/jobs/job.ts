import type { Answer } from '../../../protocol/answer.ts'
import type { AttributionEntry } from '../../../protocol/attribution-entry.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import type { InferenceReceipt } from '../../../protocol/inference-receipt.ts'
import type { InferenceRequest } from '../../../protocol/inference-request.ts'
import type { Cancel, Signed, Voucher } from '../../../protocol/voucher.ts'

/** What a client asks a worker: the request, how it is paid, and what the request's hashes stand for. */
export type Job = {
  readonly request: InferenceRequest
  readonly voucher: Signed<Voucher>
  /** The complete input, whose root is `promptRoot`. */
  readonly tokens: Uint32Array
  /** Stop strings, whose hash is `stopHash`. */
  readonly stops: readonly Uint8Array[]
}

/** What a worker says, in this order: accepted, tokens, answer, entries, receipt; or refused instead of what is left. */
export type JobEvent =
  /** Requests before this one. */
  | { readonly kind: 'accepted'; readonly queued: number }
  /** Output from token `first` on. */
  | { readonly kind: 'tokens'; readonly first: number; readonly tokens: Uint32Array }
  | { readonly kind: 'answer'; readonly answer: Signed<Answer> }
  | { readonly kind: 'entries'; readonly entries: readonly AttributionEntry[] }
  | { readonly kind: 'receipt'; readonly receipt: Signed<InferenceReceipt> }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

/** Why a worker does not answer, in a form a client can act on. `retryAfterMs` 0: not as it stands. */
export type Refusal = { readonly code: RefusalCode; readonly retryAfterMs: number; readonly detail: string }

/** By their number on the wire. The first ones ask for another payment, as HTTP's 402 does. */
export const refusalCodes = [
  'payment-required',
  'voucher-invalid',
  'voucher-worker',
  'voucher-cap',
  'voucher-deadline',
  'channel-short',
  'price-stale',
  'fee-too-low',
  'malformed',
  'other-chain',
  'prompt-mismatch',
  'prompt-too-long',
  'stop-mismatch',
  'unknown-model',
  'unknown-adapter',
  'class-not-offered',
  'sampling',
  'already-answered',
  'busy',
  'rate',
  'cancelled',
  'internal',
  'private-class',
  'private-stops',
  'private-key',
] as const
export type RefusalCode = (typeof refusalCodes)[number]

/** A client's consent to be charged for what was delivered. */
export type SignedCancel = Signed<Cancel>

/** Prompt tokens of a job: 512 KiB of them. */
export const promptTokensMax = 131_072
export const stopsMax = 4
export const stopBytesMax = 32
export const adaptersMax = 4
/** Tokens in one event. */
export const eventTokensMax = 4_096
export const entriesMax = 128
export const detailBytesMax = 256

export type JobContext = {
  readonly peerId: string
  readonly requestId: Hex
  /** The client is gone, or its time is over. */
  readonly signal: AbortSignal
  /** Resolves when the client gives up the rest; its events then end with answer and receipt of that prefix. */
  readonly cancelled: Promise<SignedCancel>
}

/** Answers jobs whose payment is in order as far as the job itself shows. */
export type JobHandler = (job: Job, context: JobContext) => AsyncIterable<JobEvent>
