import { LruCache } from '../../common/lru-cache.ts'
import { TokenBucket } from '../token-bucket.ts'

/** Packets a second that one address may send unasked, and how many at once. A lookup is a few dozen. */
export const packetsPerIp = { perSecond: 50, burst: 200 } as const
/** The same of all addresses together: decoding and a handshake cost some hundred microseconds each. */
export const packetsInAll = { perSecond: 1_000, burst: 2_000 } as const
/** Addresses whose rate is remembered. */
const addressesMax = 4_096
/** Packets of one answer: a handshake and the most NODES messages that a lookup takes. */
const packetsPerAnswer = 16

/** Token buckets for packets by sender. Senders can be forged, so nobody is shut out for longer than the rate says. */
export class PacketLimit {
  readonly #nowMs: () => number
  readonly #byIp = new LruCache<string, TokenBucket>(addressesMax)
  readonly #all: TokenBucket

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
    this.#all = new TokenBucket(packetsInAll, nowMs())
  }

  allows(ip: string): boolean {
    const now = this.#nowMs()
    return this.#bucket(ip).take(1, now) && this.#all.take(1, now)
  }

  /** We asked that address for something: its answer is not counted against it. */
  expect(ip: string): void {
    this.#bucket(ip).release(packetsPerAnswer)
  }

  #bucket(ip: string): TokenBucket {
    return this.#byIp.get(ip) ?? this.#byIp.set(ip, new TokenBucket(packetsPerIp, this.#nowMs()))
  }
}
