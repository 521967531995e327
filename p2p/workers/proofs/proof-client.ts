import type { Stream } from '@libp2p/interface'
import type { Counter, Registry } from 'prom-client'
import type { Clock } from '../../../common/clock.ts'
import { errorMessage } from '../../../common/errors.ts'
import { counter } from '../../../common/metrics.ts'
import { FormatError, type Hex } from '../../../protocol/bytes.ts'
import { type RateLimit, TokenBucket } from '../../token-bucket.ts'
import { type FrameStream, inTime, withFrames } from '../frame-stream.ts'
import { proofBytesMax } from '../wire/canonical.ts'
import { proofAnnounce } from '../wire/messages.ts'
import type { Deed } from '../worker-deeds.ts'
import { WorkersError } from '../workers-error.ts'
import { listedPerFrame, pieceMsMax, pullMsMax, pullsMax, pullsPerPeerMax } from './limits.ts'
import { openProofsMax } from './open-proofs.ts'
import { PartialProof } from './partial-proof.ts'
import { leafBytes } from './proof-tree.ts'
import { decodeLeaves, decodeProofHead, encodeProofRequest, type ProofHead, proofHeadBytes } from './proof-wire.ts'

export type ProofClientParts = {
  readonly clock: Clock
  readonly metrics: Registry
  /** Bytes, of all pulls together. */
  readonly rate: RateLimit
  readonly open: (peerId: string, signal: AbortSignal) => Promise<Stream>
  readonly count: (peerId: string, deed: Deed) => void
}

/** What is pulled, as it was announced. */
export type WantedProof = { readonly proofHash: Hex; readonly proofBytes: number }

/**
 * Pulls proofs by hash: a holder that is slow, lies or breaks off is named, and another goes on from there. All pulls together
 * keep to one rate.
 */
export class ProofClient {
  readonly #parts: ProofClientParts
  readonly #pulling = new Map<string, number>()
  readonly #results: Counter<'result'>
  readonly #pace: TokenBucket
  #total = 0

  constructor(parts: ProofClientParts) {
    this.#parts = parts
    this.#pace = new TokenBucket(parts.rate, parts.clock.nowMs())
    this.#results = counter(parts.metrics, 'p2p_proof_pulls_total', 'Proofs asked of a peer', ['result'])
  }

  /**
   * The bytes of a proof from the first of `holders` that gives them. Throws WorkersError: `lied` where somebody gave other
   * bytes and nobody the right ones, else `withheld`; the message names each holder and what it did.
   */
  async pull(wanted: WantedProof, holders: readonly string[], signal: AbortSignal): Promise<Uint8Array> {
    if (wanted.proofBytes > proofBytesMax || wanted.proofBytes === 0) {
      throw new WorkersError('too-large', `a proof of ${wanted.proofBytes} bytes; the limit is ${proofBytesMax}`)
    }
    if (this.#total >= pullsMax) throw new WorkersError('slow', `${pullsMax} proofs are being pulled`)
    this.#total++
    try {
      return await this.#pullFrom(new PartialProof(wanted.proofHash, wanted.proofBytes), holders, signal)
    } finally {
      this.#total--
    }
  }

  /** Announcements that a peer knows since a time: to be judged like those of gossip. Throws WorkersError. */
  async list(peerId: string, sinceSeconds: number, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    return await this.#exchange(peerId, pullMsMax(openProofsMax * proofAnnounce.byteLength), signal, async (frames) => {
      await frames.send(encodeProofRequest({ kind: 'list', sinceSeconds }))
      const { status, size } = await readHead(frames)
      if (status !== 'found') throw new WorkersError('withheld', `the list is ${status}`)
      if (size > openProofsMax) throw new WorkersError('too-large', `a list of ${size}`)
      const listed: Uint8Array[] = []
      while (listed.length < size) {
        const frame = await piece(frames, listedPerFrame * proofAnnounce.byteLength)
        if (frame.length === 0 || frame.length % proofAnnounce.byteLength !== 0)
          throw new WorkersError('protocol', 'a list in parts')
        for (let at = 0; at < frame.length; at += proofAnnounce.byteLength)
          listed.push(frame.slice(at, at + proofAnnounce.byteLength))
      }
      return listed
    })
  }

  async #pullFrom(proof: PartialProof, holders: readonly string[], signal: AbortSignal): Promise<Uint8Array> {
    const failures: { readonly peerId: string; readonly error: unknown }[] = []
    for (const peerId of holders) {
      if (signal.aborted) throw new WorkersError('cancelled', 'the pull was given up')
      const pulling = this.#pulling.get(peerId) ?? 0
      if (pulling >= pullsPerPeerMax) {
        failures.push({ peerId, error: new WorkersError('slow', `${pulling} pulls from it are under way`) })
        continue
      }
      this.#pulling.set(peerId, pulling + 1)
      try {
        await this.#exchange(peerId, pullMsMax(proof.size), signal, (frames) => this.#read(frames, proof))
        this.#results.inc({ result: 'whole' })
        this.#parts.count(peerId, 'served')
        return proof.bytes
      } catch (error) {
        if (signal.aborted) throw new WorkersError('cancelled', 'the pull was given up', { cause: error })
        this.#failed(peerId, error)
        failures.push({ peerId, error })
      } finally {
        const left = (this.#pulling.get(peerId) ?? 1) - 1
        if (left === 0) this.#pulling.delete(peerId)
        else this.#pulling.set(peerId, left)
      }
    }
    const named = failures.map(({ peerId, error }) => `${peerId}: ${errorMessage(error)}`).join('; ')
    const lied = failures.some(({ error }) => error instanceof WorkersError && error.code === 'lied')
    const message = `${proof.proofHash}, leaf ${proof.nextLeaf} of ${proof.count}: ${named || 'nobody to ask'}`
    throw new WorkersError(lied ? 'lied' : 'withheld', message)
  }

  async #read(frames: FrameStream, proof: PartialProof): Promise<void> {
    const { clock } = this.#parts
    const { proofHash, size, count } = proof
    const wantsLeaves = !proof.hasLeaves
    await frames.send(encodeProofRequest({ kind: 'pull', proofHash, fromLeaf: proof.nextLeaf, wantsLeaves }))
    const head = await readHead(frames)
    if (head.status !== 'found') throw new WorkersError('withheld', `the proof is ${head.status}`)
    if (head.size !== size) throw new WorkersError('withheld', `${head.size} bytes, ${size} were announced`)
    if (wantsLeaves) proof.setLeaves(decodeLeaves(await piece(frames, 32 * count), count))
    while (!proof.isWhole) {
      const leaf = await piece(frames, leafBytes)
      proof.append(leaf)
      const waitMs = this.#pace.reserve(leaf.length, clock.nowMs())
      if (waitMs > 0) await clock.sleep(waitMs, frames.signal)
    }
  }

  async #exchange<T>(
    peerId: string,
    msMax: number,
    signal: AbortSignal,
    work: (frames: FrameStream) => Promise<T>,
  ): Promise<T> {
    let stream: Stream
    try {
      stream = await this.#parts.open(peerId, AbortSignal.any([signal, AbortSignal.timeout(pieceMsMax)]))
    } catch (cause) {
      throw new WorkersError('unreachable', `${peerId} is not reached: ${errorMessage(cause)}`, { cause })
    }
    try {
      return await withFrames(stream, { msMax, signal }, work)
    } catch (error) {
      if (error instanceof FormatError) throw new WorkersError('protocol', error.message, { cause: error })
      throw error
    }
  }

  /** Who has no such proof or no time has done nothing wrong. */
  #failed(peerId: string, error: unknown): void {
    const code = error instanceof WorkersError ? error.code : 'protocol'
    this.#results.inc({ result: code })
    if (code === 'lied' || code === 'too-large') this.#parts.count(peerId, 'lied')
    else if (code === 'slow' || code === 'protocol') this.#parts.count(peerId, 'idle')
  }
}

async function readHead(frames: FrameStream): Promise<ProofHead> {
  return decodeProofHead(await piece(frames, proofHeadBytes))
}

/** The next frame, soon. */
async function piece(frames: FrameStream, bytesMax: number): Promise<Uint8Array> {
  const step = { msMax: pieceMsMax, what: `nothing for ${pieceMsMax} ms` }
  const bytes = await inTime(frames, step, () => frames.receive(bytesMax))
  if (bytes === undefined) throw new WorkersError('withheld', 'the stream ends before its time')
  return bytes
}
