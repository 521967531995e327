import type { Stream } from '@libp2p/interface'
import type { Clock } from '../../../common/clock.ts'
import { concatBytes, FormatError, type Hex } from '../../../protocol/bytes.ts'
import { type FrameStream, inTime, withFrames } from '../frame-stream.ts'
import { asking, Turnstile } from '../turnstile.ts'
import { proofBytesMax } from '../wire/canonical.ts'
import type { Deed } from '../worker-deeds.ts'
import { WorkersError } from '../workers-error.ts'
import { busyMs, listedPerFrame, pieceMsMax, pullMsMax, pullsMax, pullsPerPeerMax, requestRate } from './limits.ts'
import type { ServedProof } from './proof-store.ts'
import { decodeProofRequest, encodeProofHead, type ProofRequest, proofRequestBytes } from './proof-wire.ts'

type Parts = {
  readonly clock: Clock
  readonly proof: (hash: Hex) => ServedProof | undefined
  readonly announcedSince: (seconds: number) => readonly Uint8Array[]
  readonly count: (peerId: string, deed: Deed) => void
}

/** Serves `/proof/1`: proofs by hash from any leaf on, and the list of open announcements. docs/WORKER-NETWORK.md §6. */
export class ProofServer {
  readonly #parts: Parts
  readonly #gate = new Turnstile({ perPeerMax: pullsPerPeerMax, totalMax: pullsMax, rate: requestRate })

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Throws WorkersError where the peer broke off. */
  async serve(stream: Stream, peerId: string, signal: AbortSignal): Promise<void> {
    const { clock, count } = this.#parts
    const place = this.#gate.enter(peerId, clock.nowMs())
    if (place === 'rate') count(peerId, 'overLimit')
    try {
      await withFrames(stream, { msMax: pullMsMax(proofBytesMax), signal }, async (frames) => {
        if (typeof place === 'string') {
          await this.#read(frames, peerId)
          return await give(frames, encodeProofHead({ status: 'busy', size: 0, retryAfterMs: busyMs }))
        }
        const request = await asking(place, frames, () => this.#read(frames, peerId))
        await (request.kind === 'pull' ? this.#send(frames, request) : this.#list(frames, request.sinceSeconds))
      })
    } finally {
      if (typeof place !== 'string') place.leave()
    }
  }

  async #read(frames: FrameStream, peerId: string): Promise<ProofRequest> {
    try {
      const step = { msMax: pieceMsMax, what: 'nothing was asked' }
      const bytes = await inTime(frames, step, () => frames.receive(proofRequestBytes))
      return decodeProofRequest(bytes ?? new Uint8Array(0))
    } catch (cause) {
      this.#parts.count(peerId, 'idle')
      if (!(cause instanceof FormatError)) throw cause
      throw new WorkersError('protocol', cause.message, { cause })
    }
  }

  async #send(
    frames: FrameStream,
    { proofHash, fromLeaf, wantsLeaves }: ProofRequest & { kind: 'pull' },
  ): Promise<void> {
    const proof = this.#parts.proof(proofHash)
    if (proof === undefined || fromLeaf >= proof.leaves.length) {
      return await give(frames, encodeProofHead({ status: 'unknown', size: 0, retryAfterMs: 0 }))
    }
    await give(frames, encodeProofHead({ status: 'found', size: proof.size, retryAfterMs: 0 }))
    if (wantsLeaves) await give(frames, concatBytes(...proof.leaves))
    for (let i = fromLeaf; i < proof.leaves.length; i++) await give(frames, proof.leaf(i))
  }

  async #list(frames: FrameStream, sinceSeconds: number): Promise<void> {
    const announced = this.#parts.announcedSince(sinceSeconds)
    await give(frames, encodeProofHead({ status: 'found', size: announced.length, retryAfterMs: 0 }))
    for (let i = 0; i < announced.length; i += listedPerFrame)
      await give(frames, concatBytes(...announced.slice(i, i + listedPerFrame)))
  }
}

/** There are few places: who asks for nothing, or does not take what it asked for, leaves its own soon. */
async function give(frames: FrameStream, bytes: Uint8Array): Promise<void> {
  await inTime(frames, { msMax: pieceMsMax, what: 'a piece is not taken' }, () => frames.send(bytes))
}
