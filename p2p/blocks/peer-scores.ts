import { LruCache } from '../../common/lru-cache.ts'
import { decayFactor, decaySlots, decayToZero } from './gossip-params.ts'

/** What a peer did, as far as the gossip router does not see it. */
export type Deed = keyof typeof deeds

/**
 * Weights and caps. The first three are op-node's `LightApplicationScoreParams`. It penalises a refused gossip message
 * nowhere; we count one as a payload refused, so that the sixth bans.
 */
const deeds = {
  validResponse: { weight: 0.5, cap: 10 },
  errorResponse: { weight: -1, cap: 9 },
  /** A block or message that only a faulty or hostile peer sends. */
  rejectedPayload: { weight: -20, cap: 20 },
  /**
   * A block not signed by the sequencer we know. When the signer changes on L1, some nodes learn it minutes before
   * others: one such block a slot, which an honest peer may then send, never adds up to a ban.
   */
  unknownSigner: { weight: -2, cap: 100 },
  /** A block of the sequencer out of its time: a peer that catches up, or a replay. Never bans alone. */
  untimelyPayload: { weight: -1, cap: 9 },
  /** Messages, or 64 KiB of them, beyond the rate limit. */
  overLimit: { weight: -1, cap: 200 },
} as const

/** Peers remembered, connected or not. */
const peersMax = 1_000

type Counters = { [D in Deed]: number }

/** The application score of peers: sums of what they did, decaying with time. */
export class PeerScores {
  readonly #slotMs: number
  readonly #peers = new LruCache<string, { readonly counters: Counters; atMs: number }>(peersMax)

  constructor(blockTimeSeconds: number) {
    this.#slotMs = blockTimeSeconds * 1_000
  }

  /** Counts `times` of a deed; returns the score after it. */
  count(peerId: string, deed: Deed, nowMs: number, times = 1): number {
    const counters = this.#decayed(peerId, nowMs)
    counters[deed] = Math.min(deeds[deed].cap, counters[deed] + times)
    return total(counters)
  }

  score(peerId: string, nowMs: number): number {
    return this.#peers.get(peerId) === undefined ? 0 : total(this.#decayed(peerId, nowMs))
  }

  #decayed(peerId: string, nowMs: number): Counters {
    const peer = this.#peers.get(peerId) ?? this.#peers.set(peerId, { counters: noDeeds(), atMs: nowMs })
    const factor = decayFactor(decaySlots) ** (Math.max(0, nowMs - peer.atMs) / this.#slotMs)
    peer.atMs = nowMs
    for (const deed of deedNames) {
      const counter = peer.counters[deed] * factor
      peer.counters[deed] = counter < decayToZero ? 0 : counter
    }
    return peer.counters
  }
}

const deedNames = Object.keys(deeds) as Deed[]

function noDeeds(): Counters {
  return { validResponse: 0, errorResponse: 0, rejectedPayload: 0, unknownSigner: 0, untimelyPayload: 0, overLimit: 0 }
}

function total(counters: Counters): number {
  return deedNames.reduce((sum, deed) => sum + counters[deed] * deeds[deed].weight, 0)
}
