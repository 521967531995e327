import type { Stream } from '@libp2p/interface'
import type { Clock } from '../../../common/clock.ts'
import { FormatError } from '../../../protocol/bytes.ts'
import type { RateLimit } from '../../token-bucket.ts'
import { withFrames } from '../frame-stream.ts'
import { asking, Turnstile } from '../turnstile.ts'
import { Container } from '../wire/container.ts'
import { proofAnnounce } from '../wire/messages.ts'
import type { Deed } from '../worker-deeds.ts'
import { WorkersError } from '../workers-error.ts'

/** What a checker says to an announcement that is given to it directly. */
export type SubmitAnswer =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'busy'; readonly retryAfterMs: number }
  | { readonly kind: 'rejected'; readonly code: RejectCode }

/** Why never: the announcement is not valid, its author not admitted, the class not checked here. */
export const rejectCodes = ['invalid', 'not-admitted', 'class', 'closed'] as const
export type RejectCode = (typeof rejectCodes)[number]

const answerFields = new Container([
  ['kind', 'uint8'],
  ['retryAfterMs', 'uint32'],
  ['code', 'uint8'],
] as const)
const answerKinds = ['accepted', 'busy', 'rejected'] as const

export function encodeSubmitAnswer(answer: SubmitAnswer): Uint8Array {
  return answerFields.encode({
    kind: answerKinds.indexOf(answer.kind),
    retryAfterMs: answer.kind === 'busy' ? answer.retryAfterMs : 0,
    code: answer.kind === 'rejected' ? rejectCodes.indexOf(answer.code) : 0,
  })
}

/** Throws {@link FormatError}. */
export function decodeSubmitAnswer(bytes: Uint8Array): SubmitAnswer {
  const { kind, retryAfterMs, code } = answerFields.decode(bytes)
  const reason = rejectCodes[code]
  if (kind === 0 && retryAfterMs === 0 && code === 0) return { kind: 'accepted' }
  if (kind === 1 && code === 0) return { kind: 'busy', retryAfterMs }
  if (kind === 2 && retryAfterMs === 0 && reason !== undefined) return { kind: 'rejected', code: reason }
  throw new FormatError(`an answer of kind ${kind} to a submission`)
}

/** Both sides of one submission. */
const submitMsMax = 10_000
/** Submissions of one peer. */
const submitRate: RateLimit = { perSecond: 20, burst: 40 }
/** Said to a peer that submits too much. */
const overRateMs = 1_000

type ServerParts = {
  readonly clock: Clock
  /** The bytes have the length of an announcement. */
  readonly take: (bytes: Uint8Array, peerId: string) => SubmitAnswer
  readonly count: (peerId: string, deed: Deed) => void
}

/** Takes announcements by `/submit/1`, each with an answer: what gossip lost is so not lost. */
export class SubmitServer {
  readonly #parts: ServerParts
  readonly #gate = new Turnstile({ perPeerMax: 8, totalMax: 64, rate: submitRate })

  constructor(parts: ServerParts) {
    this.#parts = parts
  }

  async serve(stream: Stream, peerId: string, signal: AbortSignal): Promise<void> {
    const place = this.#gate.enter(peerId, this.#parts.clock.nowMs())
    try {
      await withFrames(stream, { msMax: submitMsMax, signal }, async (frames) => {
        const read = () => frames.receive(proofAnnounce.byteLength)
        const bytes = await (typeof place === 'string' ? read() : asking(place, frames, read))
        if (bytes?.length !== proofAnnounce.byteLength) {
          this.#parts.count(peerId, 'malformed')
          throw new WorkersError('protocol', `${bytes?.length ?? 0} bytes are no announcement`)
        }
        const isOver = typeof place === 'string'
        await frames.send(
          encodeSubmitAnswer(isOver ? { kind: 'busy', retryAfterMs: overRateMs } : this.#parts.take(bytes, peerId)),
        )
      })
    } finally {
      if (typeof place !== 'string') place.leave()
    }
  }
}

/** Gives an announcement to a checker. Throws WorkersError. */
export async function submit(stream: Stream, bytes: Uint8Array, signal: AbortSignal): Promise<SubmitAnswer> {
  return await withFrames(stream, { msMax: submitMsMax, signal }, async (frames) => {
    await frames.send(bytes)
    const answer = await frames.receive(answerFields.byteLength)
    try {
      return decodeSubmitAnswer(answer ?? new Uint8Array(0))
    } catch (cause) {
      if (!(cause instanceof FormatError)) throw cause
      throw new WorkersError('protocol', cause.message, { cause })
    }
  })
}
