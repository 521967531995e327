import { LruCache } from '../../common/lru-cache.ts'
import { decayFactor, decaySlots, decayToZero } from './gossip-params.ts'

/** What peers may do: points for each time, and how many times count. */
export type Deeds<D extends string> = Readonly<Record<D, { readonly weight: number; readonly cap: number }>>

/** Peers remembered, connected or not. */
const peersMax = 1_000

/** The application score of peers: sums of what they did, decaying with time. */
export class PeerScores<D extends string> {
  readonly #deeds: Deeds<D>
  readonly #names: readonly D[]
  readonly #slotMs: number
  readonly #peers = new LruCache<string, { readonly counters: Record<D, number>; atMs: number }>(peersMax)

  constructor(deeds: Deeds<D>, slotSeconds: number) {
    this.#deeds = deeds
    this.#names = Object.keys(deeds) as D[]
    this.#slotMs = slotSeconds * 1_000
  }

  /** Counts `times` of a deed; returns the score after it. */
  count(peerId: string, deed: D, nowMs: number, times = 1): number {
    const counters = this.#decayed(peerId, nowMs)
    counters[deed] = Math.min(this.#deeds[deed].cap, counters[deed] + times)
    return this.#total(counters)
  }

  score(peerId: string, nowMs: number): number {
    return this.#peers.get(peerId) === undefined ? 0 : this.#total(this.#decayed(peerId, nowMs))
  }

  #decayed(peerId: string, nowMs: number): Record<D, number> {
    const peer = this.#peers.get(peerId) ?? this.#peers.set(peerId, { counters: this.#none(), atMs: nowMs })
    const factor = decayFactor(decaySlots) ** (Math.max(0, nowMs - peer.atMs) / this.#slotMs)
    peer.atMs = nowMs
    for (const name of this.#names) {
      const counter = peer.counters[name] * factor
      peer.counters[name] = counter < decayToZero ? 0 : counter
    }
    return peer.counters
  }

  #none(): Record<D, number> {
    return Object.fromEntries(this.#names.map((name) => [name, 0])) as Record<D, number>
  }

  #total(counters: Record<D, number>): number {
    return this.#names.reduce((sum, name) => sum + counters[name] * this.#deeds[name].weight, 0)
  }
}
