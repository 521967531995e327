import { LruCache } from '../../common/lru-cache.ts'
import { gossipBytesMax } from '../../protocol/gossip.ts'
import { type RateLimit, TokenBucket } from '../token-bucket.ts'
import type { RpcSize } from './gossip-port.ts'

/** Gossip accepted from one peer: a chain has a block a second at most, and a sequencer that catches up has some tens. */
const messageLimit: RateLimit = { perSecond: 50, burst: 256 }
/** The largest message each second, and a few at once. */
const byteLimit: RateLimit = { perSecond: 1.2 * gossipBytesMax, burst: 48 * 1024 * 1024 }
/** Announcements of three windows each heartbeat for four topics are below a hundred. */
const controlLimit: RateLimit = { perSecond: 200, burst: 2_000 }
/** A message each, and two heartbeats a second. */
const frameLimit: RateLimit = { perSecond: 100, burst: 512 }

/** Bytes beyond the limit that count as one message beyond it. */
const bytesPerUnit = 65_536
/** Peers whose buckets are kept: more than can be connected. */
const peersMax = 1_000

type Buckets = { readonly [K in 'frames' | 'messages' | 'bytes' | 'decoded' | 'control']: TokenBucket }

/** Per-peer token buckets, taken from before a message costs anything. */
export class RateLimits {
  readonly #peers = new LruCache<string, Buckets>(peersMax)

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
    const bucket = (limit: RateLimit) => new TokenBucket(limit, nowMs)
    return (
      this.#peers.get(peerId) ??
      this.#peers.set(peerId, {
        frames: bucket(frameLimit),
        messages: bucket(messageLimit),
        bytes: bucket(byteLimit),
        decoded: bucket(byteLimit),
        control: bucket(controlLimit),
      })
    )
  }
}

function excess(bucket: TokenBucket, count: number, perUnit: number, nowMs: number): number {
  return bucket.take(count, nowMs) ? 0 : Math.ceil(count / perUnit)
}
