import { LruCache } from '../../common/lru-cache.ts'
import { type RateLimit, TokenBucket } from '../token-bucket.ts'
import type { FrameStream } from './frame-stream.ts'
import { WorkersError } from './workers-error.ts'

export type TurnstileLimits = {
  readonly perPeerMax: number
  readonly totalMax: number
  /** Of one peer. */
  readonly rate: RateLimit
}

/** Peers whose buckets are kept. */
const peersMax = 1_000

/** One stream's place inside. */
export type Place = {
  /** Called where all places are taken and another stream comes, once {@link leave} was: set while nothing was asked yet. */
  onNeeded: (() => void) | undefined
  /** What is called again does nothing. */
  readonly leave: () => void
}

/**
 * Lets so many streams of a protocol in at a time, of one peer and of all, and so many a second of one. Where all places are taken, the
 * oldest stream that asked nothing yet loses its own: who only holds places keeps nobody out.
 */
export class Turnstile {
  readonly #limits: TurnstileLimits
  readonly #buckets = new LruCache<string, TokenBucket>(peersMax)
  readonly #inside = new Map<string, number>()
  readonly #places = new Set<Place>()

  constructor(limits: TurnstileLimits) {
    this.#limits = limits
  }

  /** `full`: not now. `rate`: the peer asks too often. */
  enter(peerId: string, nowMs: number): Place | 'full' | 'rate' {
    const { perPeerMax, totalMax, rate } = this.#limits
    const bucket = this.#buckets.get(peerId) ?? this.#buckets.set(peerId, new TokenBucket(rate, nowMs))
    if (!bucket.take(1, nowMs)) return 'rate'
    const inside = this.#inside.get(peerId) ?? 0
    if (inside >= perPeerMax || (this.#places.size >= totalMax && !this.#freeOne())) return 'full'
    this.#inside.set(peerId, (this.#inside.get(peerId) ?? 0) + 1)
    const place: Place = { onNeeded: undefined, leave: () => this.#leave(peerId, place) }
    this.#places.add(place)
    return place
  }

  /** False where all that are inside have asked. */
  #freeOne(): boolean {
    for (const place of this.#places) {
      const { onNeeded } = place
      if (onNeeded === undefined) continue
      place.leave()
      onNeeded()
      return true
    }
    return false
  }

  #leave(peerId: string, place: Place): void {
    if (!this.#places.delete(place)) return
    const left = (this.#inside.get(peerId) ?? 1) - 1
    if (left === 0) this.#inside.delete(peerId)
    else this.#inside.set(peerId, left)
  }
}

/** Reads what a stream asks; meanwhile its place can go to another, with WorkersError `slow`. */
export async function asking<T>(place: Place, frames: FrameStream, read: () => Promise<T>): Promise<T> {
  place.onNeeded = () => frames.abort(new WorkersError('slow', 'nothing was asked, and others needed its place'))
  try {
    return await read()
  } finally {
    place.onNeeded = undefined
  }
}
