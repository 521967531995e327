import type { Stream } from '@libp2p/interface'
import type { Counter, Registry } from 'prom-client'
import type { Clock } from '../../../common/clock.ts'
import { errorMessage } from '../../../common/errors.ts'
import { LruCache } from '../../../common/lru-cache.ts'
import { counter } from '../../../common/metrics.ts'
import { FormatError } from '../../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../../protocol/engine-api.ts'
import { payloadBlockHash } from '../../../protocol/payload-block.ts'
import { decodePayloadResponse, encodePayloadRequest, payloadOfResponse } from '../../../protocol/req-resp.ts'
import type { RollupConfig } from '../../../protocol/rollup-config.ts'
import { P2pError } from '../../p2p-error.ts'
import { readToEnd, withStream } from '../../stream-io.ts'
import { TokenBucket } from '../../token-bucket.ts'
import type { Deed } from '../block-deeds.ts'
import { globalLimit, openMsMax, peerLimit, peersMax, responseBytesMax, transferMsMax } from './limits.ts'

/** Peers asked for one block before giving up. */
export const peersAskedMax = 4
/** Requests under way or waiting. */
export const requestsMax = 64
/** Tokens a failed request costs: the peer is left alone for some seconds. */
const errorTokens = 15

export type PayloadClientParts = {
  readonly rollup: RollupConfig
  readonly clock: Clock
  readonly metrics: Registry
  /** Connected peers that serve payloads, best first. */
  readonly candidates: () => readonly string[]
  /** Opens a stream of `payload_by_number` by whichever of its names the peer knows. */
  readonly open: (peerId: string, signal: AbortSignal) => Promise<Stream>
  readonly count: (peerId: string, deed: Deed) => void
}

/** What one peer answered. */
type Answer =
  | { readonly kind: 'block'; readonly envelope: PayloadEnvelope }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly why: string }

/** Asks peers for blocks by `payload_by_number`. Spec: protocol/rollup-node-p2p.md, "payload_by_number". */
export class PayloadClient {
  readonly #parts: PayloadClientParts
  readonly #global: TokenBucket
  readonly #buckets = new LruCache<string, TokenBucket>(peersMax)
  readonly #requests: Counter<'result'>
  #underWay = 0

  constructor(parts: PayloadClientParts) {
    this.#parts = parts
    this.#global = new TokenBucket(globalLimit, parts.clock.nowMs())
    this.#requests = counter(parts.metrics, 'p2p_payload_requests_total', 'payload_by_number requested', ['result'])
  }

  /** The block at a number from `peerId`, or else from any peer. Undefined: those asked have none. Throws P2pError. */
  async request(number: bigint, signal: AbortSignal, peerId?: string): Promise<PayloadEnvelope | undefined> {
    if (this.#underWay >= requestsMax) throw new P2pError('busy', `${requestsMax} payload requests are under way`)
    this.#underWay++
    try {
      return await this.#requestFromPeers(number, signal, peerId)
    } finally {
      this.#underWay--
    }
  }

  async #requestFromPeers(number: bigint, signal: AbortSignal, first?: string): Promise<PayloadEnvelope | undefined> {
    const others = this.#parts.candidates().filter((peerId) => peerId !== first)
    const peers = [...(first === undefined ? [] : [first]), ...others].slice(0, peersAskedMax)
    if (peers.length === 0) throw new P2pError('no-peers', 'no connected peer serves blocks by number')
    const failures: string[] = []
    for (const peerId of peers) {
      const answer = await this.#ask(peerId, number, signal)
      this.#requests.inc({ result: answer.kind })
      if (answer.kind === 'block') return answer.envelope
      if (answer.kind === 'failed') failures.push(`${peerId}: ${answer.why}`)
    }
    if (failures.length < peers.length) return undefined
    throw new P2pError('request', `block ${number} was not answered by ${failures.join('; ')}`)
  }

  async #ask(peerId: string, number: bigint, signal: AbortSignal): Promise<Answer> {
    const { clock, count, rollup } = this.#parts
    const nowMs = clock.nowMs()
    const bucket = this.#buckets.get(peerId) ?? this.#buckets.set(peerId, new TokenBucket(peerLimit, nowMs))
    const waitMs = Math.max(this.#global.reserve(1, nowMs), bucket.reserve(1, nowMs))
    if (waitMs > 0) await clock.sleep(waitMs, signal)
    if (signal.aborted) throw new P2pError('stopped', 'the request was given up')
    let bytes: Uint8Array
    try {
      bytes = await this.#exchange(peerId, number, signal)
    } catch (error) {
      if (signal.aborted) throw new P2pError('stopped', 'the request was given up', { cause: error })
      return this.#failed(peerId, bucket, 'errorResponse', errorMessage(error))
    }
    try {
      const response = decodePayloadResponse(bytes)
      if (response.kind === 'not found') return { kind: 'none' }
      if (response.kind !== 'payload') return this.#failed(peerId, bucket, 'errorResponse', response.kind)
      const timestamp = rollup.genesis.l2Time + (number - rollup.genesis.l2.number) * rollup.blockTime
      const envelope = payloadOfResponse(response, rollup.forkTimes, timestamp)
      checkIsBlock(envelope, number, rollup)
      count(peerId, 'validResponse')
      return { kind: 'block', envelope }
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      return this.#failed(peerId, bucket, 'rejectedPayload', error.message)
    }
  }

  async #exchange(peerId: string, number: bigint, signal: AbortSignal): Promise<Uint8Array> {
    const stream = await this.#parts.open(peerId, AbortSignal.any([signal, AbortSignal.timeout(openMsMax)]))
    return await withStream(stream, { msMax: transferMsMax, signal }, async () => {
      // The sink ends our side, which tells the peer that the request is complete.
      await stream.sink([encodePayloadRequest(number)])
      return await readToEnd(stream, responseBytesMax)
    })
  }

  #failed(peerId: string, bucket: TokenBucket, deed: Deed, why: string): Answer {
    bucket.reserve(errorTokens, this.#parts.clock.nowMs())
    this.#parts.count(peerId, deed)
    return { kind: 'failed', why }
  }
}

function checkIsBlock(envelope: PayloadEnvelope, number: bigint, rollup: RollupConfig): void {
  const { blockNumber, blockHash } = envelope.executionPayload
  if (blockNumber !== number) throw new FormatError(`block ${blockNumber} in place of ${number}`)
  const actual = payloadBlockHash(envelope, rollup.forkTimes)
  if (actual !== blockHash) throw new FormatError(`block hash is ${actual}, the payload says ${blockHash}`)
}
