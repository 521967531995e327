import { LruCache } from '../../common/lru-cache.ts'
import { type RateLimit, TokenBucket } from '../token-bucket.ts'
import type { RpcSize } from './gossip-port.ts'

/** What one peer may send. */
export type PeerLimits = {
  readonly frames: RateLimit
  readonly messages: RateLimit
  /** Of frames, and again of messages by what they cost. */
  readonly bytes: RateLimit
  /** Entries of control messages. */
  readonly control: RateLimit
}

/** Bytes beyond the limit that count as one message beyond it. */
const bytesPerUnit = 65_536
/** Peers whose buckets are kept: more than can be connected. */
const peersMax = 1_000

type Buckets = { readonly [K in 'frames' | 'messages' | 'bytes' | 'decoded' | 'control']: TokenBucket }

/** Per-peer token buckets, taken from before a message costs anything. */
export class RateLimits {
  readonly #limitsOf: (peerId: string) => PeerLimits
  readonly #peers = new LruCache<string, Buckets>(peersMax)

  constructor(limitsOf: (peerId: string) => PeerLimits) {
    this.#limitsOf = limitsOf
  }

  /** The peer's limits are others from now on. */
  changed(peerId: string): void {
    this.#peers.delete(peerId)
  }

  /** 0, or by how many units a frame exceeds the peer's limits. */
  frame(peerId: string, bytes: number, nowMs: number): number {
    const { frames, bytes: raw } = this.#buckets(peerId, nowMs)
    return (frames.take(1, nowMs) ? 0 : 1) + excess(raw, bytes, bytesPerUnit, nowMs)
  }

  /** 0, or by how many units an RPC does. */
  rpc(peerId: string, size: RpcSize, nowMs: number): number {
    const { messages, decoded, control } = this.#buckets(peerId, nowMs)
    return (
      excess(messages, size.messages, 1, nowMs) +
      excess(decoded, size.bytes, bytesPerUnit, nowMs) +
      excess(control, size.controlEntries, 1, nowMs)
    )
  }

  #buckets(peerId: string, nowMs: number): Buckets {
    const known = this.#peers.get(peerId)
    if (known !== undefined) return known
    const { frames, messages, bytes, control } = this.#limitsOf(peerId)
    const bucket = (limit: RateLimit) => new TokenBucket(limit, nowMs)
    return this.#peers.set(peerId, {
      frames: bucket(frames),
      messages: bucket(messages),
      bytes: bucket(bytes),
      decoded: bucket(bytes),
      control: bucket(control),
    })
  }
}

function excess(bucket: TokenBucket, count: number, perUnit: number, nowMs: number): number {
  return bucket.take(count, nowMs) ? 0 : Math.ceil(count / perUnit)
}
