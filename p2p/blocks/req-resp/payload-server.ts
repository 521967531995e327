import type { Connection, Stream } from '@libp2p/interface'
import type { Counter, Registry } from 'prom-client'
import type { Clock } from '../../../common/clock.ts'
import type { Log } from '../../../common/log.ts'
import { LruCache } from '../../../common/lru-cache.ts'
import { counter } from '../../../common/metrics.ts'
import { FormatError } from '../../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../../protocol/engine-api.ts'
import {
  decodePayloadRequest,
  encodePayloadResponse,
  type PayloadResponse,
  payloadResponse,
} from '../../../protocol/req-resp.ts'
import type { RollupConfig } from '../../../protocol/rollup-config.ts'
import { readExactly, withStream } from '../../stream-io.ts'
import { TokenBucket } from '../../token-bucket.ts'
import { globalLimit, peerLimit, peersMax, responseBytesMax, throttleMsMax, transferMsMax } from './limits.ts'

/** Requests in work or waiting for their turn: of one peer, and of all. */
export const perPeerMax = 8
export const servingMax = 64

export type PayloadServerParts = {
  readonly rollup: RollupConfig
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Registry
  readonly payloadByNumber: (number: bigint) => Promise<PayloadEnvelope | undefined>
  /** The peer kept a stream busy without making a request. */
  readonly onFault: (peerId: string) => void
}

/** Serves `payload_by_number`. Spec: protocol/rollup-node-p2p.md, "payload_by_number". */
export class PayloadServer {
  readonly #parts: PayloadServerParts
  readonly #global: TokenBucket
  readonly #buckets = new LruCache<string, TokenBucket>(peersMax)
  readonly #serving = new Map<string, number>()
  readonly #stopped = new AbortController()
  readonly #requests: Counter<'result'>
  #total = 0

  constructor(parts: PayloadServerParts) {
    this.#parts = parts
    this.#global = new TokenBucket(globalLimit, parts.clock.nowMs())
    this.#requests = counter(parts.metrics, 'p2p_payload_requests_served_total', 'payload_by_number served', ['result'])
  }

  /** Handler of a libp2p protocol; never throws. */
  async handle(stream: Stream, connection: Connection): Promise<void> {
    const peerId = connection.remotePeer.toString()
    const serving = this.#serving.get(peerId) ?? 0
    if (serving >= perPeerMax || this.#total >= servingMax) {
      this.#requests.inc({ result: 'refused' })
      return stream.abort(new Error('too many requests at once'))
    }
    this.#serving.set(peerId, serving + 1)
    this.#total++
    try {
      this.#requests.inc({ result: await this.#serve(stream, peerId) })
    } catch (error) {
      this.#requests.inc({ result: 'failed' })
      this.#parts.log.debug('payload request failed', { peer: peerId, error })
    } finally {
      this.#total--
      const left = (this.#serving.get(peerId) ?? 1) - 1
      if (left === 0) this.#serving.delete(peerId)
      else this.#serving.set(peerId, left)
    }
  }

  /** Ends what is under way. */
  stop(): void {
    this.#stopped.abort()
  }

  async #serve(stream: Stream, peerId: string): Promise<PayloadResponse['kind']> {
    const { clock, onFault } = this.#parts
    const isInTime = await this.#takeTurn(peerId)
    const signal = this.#stopped.signal
    const startMs = clock.nowMs()
    let number: bigint | undefined
    const response = await withStream(stream, { msMax: 2 * transferMsMax, signal }, async () => {
      const timer = setTimeout(() => stream.abort(new Error('no request came')), transferMsMax)
      try {
        number = decodePayloadRequest(await readExactly(stream, 8))
      } catch (error) {
        onFault(peerId)
        throw error
      } finally {
        clearTimeout(timer)
      }
      await stream.closeRead()
      const answer: PayloadResponse = isInTime ? await this.#answer(number) : { kind: 'server error' }
      const late = setTimeout(() => stream.abort(new Error('the response is not read')), transferMsMax)
      try {
        await stream.sink([bounded(answer)])
      } finally {
        clearTimeout(late)
      }
      return answer
    })
    this.#parts.log.debug('payload request', {
      peer: peerId,
      number,
      result: response.kind,
      ms: clock.nowMs() - startMs,
    })
    return response.kind
  }

  /** Waits until the limits allow one more request; false where that takes too long. */
  async #takeTurn(peerId: string): Promise<boolean> {
    const { clock } = this.#parts
    const nowMs = clock.nowMs()
    const bucket = this.#buckets.get(peerId) ?? this.#buckets.set(peerId, new TokenBucket(peerLimit, nowMs))
    const waitMs = Math.max(this.#global.reserve(1, nowMs), bucket.reserve(1, nowMs))
    if (waitMs > throttleMsMax) {
      this.#global.release(1)
      bucket.release(1)
      return false
    }
    if (waitMs > 0) await clock.sleep(waitMs, this.#stopped.signal)
    return true
  }

  async #answer(number: bigint): Promise<PayloadResponse> {
    const { rollup, clock, payloadByNumber, log } = this.#parts
    const { l2, l2Time } = rollup.genesis
    const nowSeconds = BigInt(Math.floor(clock.nowMs() / 1_000))
    const newest = l2.number + (nowSeconds - l2Time) / rollup.blockTime
    if (number < l2.number || nowSeconds < l2Time || number > newest) return { kind: 'invalid request' }
    try {
      const envelope = await payloadByNumber(number)
      return envelope === undefined ? { kind: 'not found' } : payloadResponse(envelope, rollup.forkTimes)
    } catch (error) {
      log.warn('block for a peer could not be read', { number, error })
      return { kind: 'server error' }
    }
  }
}

function bounded(answer: PayloadResponse): Uint8Array {
  const bytes = encodePayloadResponse(answer)
  if (bytes.length > responseBytesMax) throw new FormatError(`payload response of ${bytes.length} bytes`)
  return bytes
}
