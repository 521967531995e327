import type { PeerLimits } from '../gossip/rate-limits.ts'
import type { RateLimit } from '../token-bucket.ts'
import type { Role } from './hello/hello-wire.ts'
import { messageBytesMax } from './wire/messages.ts'

/** Bytes of an RPC: 256 of the largest messages, ids of control messages, and room. */
export const frameBytesMax = 512 * 1024
/** Time in which scores decay one step; see gossip-params.ts. */
export const slotSeconds = 2

export type NetworkLimits = {
  readonly peers: Readonly<Record<Role | 'unbound', PeerLimits>>
  /** Signatures looked at, of all peers together. */
  readonly global: RateLimit
  /** Bytes of proofs, of all pulls together: the thread that decrypts and hashes them may import blocks too. */
  readonly pulled: RateLimit
}

/** A rate that blocks do not feel. */
export const pulledBytesPerSecondDefault = 8 * 1024 * 1024

/** A checker passes on what all workers say, a worker little more than its own. */
export const limitsDefault: NetworkLimits = {
  peers: {
    checker: gossipLimits(2_000),
    worker: gossipLimits(200),
    client: gossipLimits(10),
    unbound: gossipLimits(10),
  },
  global: { perSecond: 2_000, burst: 4_000 },
  pulled: pulledAt(pulledBytesPerSecondDefault),
}

/** So many bytes a second, and those of an eighth of it at once. */
export function pulledAt(bytesPerSecond: number): RateLimit {
  return { perSecond: bytesPerSecond, burst: bytesPerSecond / 8 }
}

/** Messages a second and twice as many at once; frames and ids to match: each message may come with one and be told by another. */
export function gossipLimits(perSecond: number): PeerLimits {
  const rate = (factor: number, least: number): RateLimit => {
    const each = Math.max(least, factor * perSecond)
    return { perSecond: each, burst: 2 * each }
  }
  return {
    messages: rate(1, 0),
    frames: rate(1.25, 20),
    bytes: rate(1.25 * messageBytesMax, 256 * 1024),
    control: rate(4, 500),
  }
}
