import type { Stream } from '@libp2p/interface'
import type { Clock } from '../../../common/clock.ts'
import type { Log } from '../../../common/log.ts'
import { FormatError, type Hex } from '../../../protocol/bytes.ts'
import { requestIdOf } from '../../../protocol/inference-request.ts'
import type { RateLimit } from '../../token-bucket.ts'
import { type FrameStream, inTime, withFrames } from '../frame-stream.ts'
import { asking, Turnstile } from '../turnstile.ts'
import type { Deed } from '../worker-deeds.ts'
import { WorkersError } from '../workers-error.ts'
import { faultOfJob, isCancelOf, refuse } from './check-job.ts'
import { type Job, type JobEvent, type JobHandler, type Refusal, refusalCodes, type SignedCancel } from './job.ts'
import { cancelBytes, decodeCancel, decodeJob, encodeEvent, jobBytesMax } from './job-wire.ts'

/** A job, answer and all. */
export const jobMsMax = 15 * 60_000
/** Time to send the job, and to take an event. */
export const eventMsMax = 30_000
const jobRate: RateLimit = { perSecond: 2, burst: 8 }
const rateMs = 1_000

type Parts = {
  readonly chainId: bigint
  readonly worker: Hex
  readonly clock: Clock
  readonly log: Log
  readonly handler: JobHandler
  readonly count: (peerId: string, deed: Deed) => void
}

/** Serves `/job/1`: checks what a job shows of itself, and streams what the worker answers. docs/WORKER-NETWORK.md §8. */
export class JobServer {
  readonly #parts: Parts
  readonly #gate = new Turnstile({ perPeerMax: 8, totalMax: 128, rate: jobRate })

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async serve(stream: Stream, peerId: string, signal: AbortSignal): Promise<void> {
    const { clock, count } = this.#parts
    const place = this.#gate.enter(peerId, clock.nowMs())
    try {
      await withFrames(stream, { msMax: jobMsMax, signal }, async (frames) => {
        if (typeof place === 'string') {
          count(peerId, 'overLimit')
          return await send(frames, refused(refuse(place === 'rate' ? 'rate' : 'busy', 'too many jobs', rateMs)))
        }
        const job = await asking(place, frames, () => this.#read(frames, peerId))
        const fault =
          'code' in job ? job : faultOfJob(job, { ...this.#parts, nowSeconds: Math.floor(clock.nowMs() / 1_000) })
        if (fault !== undefined || 'code' in job) await send(frames, refused(fault ?? refuse('malformed', '')))
        else await this.#answer(frames, job, peerId)
      })
    } finally {
      if (typeof place !== 'string') place.leave()
    }
  }

  async #read(frames: FrameStream, peerId: string): Promise<Job | Refusal> {
    try {
      const step = { msMax: eventMsMax, what: 'no job came' }
      return decodeJob((await inTime(frames, step, () => frames.receive(jobBytesMax))) ?? new Uint8Array(0))
    } catch (error) {
      if (error instanceof FormatError) return refuse('malformed', error.message)
      this.#parts.count(peerId, 'idle')
      throw error
    }
  }

  async #answer(frames: FrameStream, job: Job, peerId: string): Promise<void> {
    const { handler, log } = this.#parts
    const requestId = requestIdOf(job.request)
    const cancelled = new Promise<SignedCancel>((resolve) => void this.#readCancel(frames, job, requestId, resolve))
    try {
      for await (const event of handler(job, { peerId, requestId, signal: frames.signal, cancelled })) {
        await send(frames, event)
      }
    } catch (error) {
      if (frames.signal.aborted) throw error
      const refusal = refusalOf(error)
      if (refusal === undefined) log.warn('a job failed', { request: requestId, peer: peerId, error })
      await send(frames, refused(refusal ?? refuse('internal', 'the worker failed')))
    }
  }

  /** Reads what follows the job: nothing, or the consent to stop. */
  async #readCancel(
    frames: FrameStream,
    job: Job,
    requestId: Hex,
    onCancel: (cancel: SignedCancel) => void,
  ): Promise<void> {
    try {
      const bytes = await frames.receive(cancelBytes)
      if (bytes === undefined) return
      const cancel = decodeCancel(bytes)
      if (isCancelOf(cancel, requestId, job.request.payer, this.#parts.chainId)) return onCancel(cancel)
      frames.abort(new WorkersError('protocol', 'the cancel is not the payer’s'))
    } catch (error) {
      frames.abort(error instanceof Error ? error : new Error(String(error)))
    }
  }
}

/** A worker refuses by throwing an error whose `code` is one of a refusal. */
function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  const code = refusalCodes.find((known) => known === error.code)
  const retryAfterMs = 'retryAfterMs' in error && typeof error.retryAfterMs === 'number' ? error.retryAfterMs : 0
  return code === undefined ? undefined : refuse(code, error.message, retryAfterMs)
}

const refused = (refusal: Refusal): JobEvent => ({ kind: 'refused', refusal })

/** A client that does not take an event holds up its own answer only, and that for so long. */
async function send(frames: FrameStream, event: JobEvent): Promise<void> {
  await inTime(frames, { msMax: eventMsMax, what: 'an event is not taken' }, () => frames.send(encodeEvent(event)))
}
