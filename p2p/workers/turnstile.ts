import { LruCache } from '../../common/lru-cache.ts'
import { type RateLimit, TokenBucket } from '../token-bucket.ts'

export type TurnstileLimits = {
  readonly perPeerMax: number
  readonly totalMax: number
  /** Of one peer. */
  readonly rate: RateLimit
}

/** Peers whose buckets are kept. */
const peersMax = 1_000

/** Lets so many streams of a protocol in at a time, of one peer and of all, and so many a second of one. */
export class Turnstile {
  readonly #limits: TurnstileLimits
  readonly #buckets = new LruCache<string, TokenBucket>(peersMax)
  readonly #inside = new Map<string, number>()
  #total = 0

  constructor(limits: TurnstileLimits) {
    this.#limits = limits
  }

  /** What leaves again; undefined: not now. `rate`: the peer asks too often. */
  enter(peerId: string, nowMs: number): (() => void) | 'full' | 'rate' {
    const { perPeerMax, totalMax, rate } = this.#limits
    const bucket = this.#buckets.get(peerId) ?? this.#buckets.set(peerId, new TokenBucket(rate, nowMs))
    if (!bucket.take(1, nowMs)) return 'rate'
    const inside = this.#inside.get(peerId) ?? 0
    if (inside >= perPeerMax || this.#total >= totalMax) return 'full'
    this.#inside.set(peerId, inside + 1)
    this.#total++
    return () => this.#leave(peerId)
  }

  #leave(peerId: string): void {
    this.#total--
    const left = (this.#inside.get(peerId) ?? 1) - 1
    if (left === 0) this.#inside.delete(peerId)
    else this.#inside.set(peerId, left)
  }
}
