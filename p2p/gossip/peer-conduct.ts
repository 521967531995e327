import type { Counter, Registry } from 'prom-client'
import type { Clock } from '../../common/clock.ts'
import { counter } from '../../common/metrics.ts'
import type { RpcSize, Violation } from './gossip-port.ts'
import { type Deeds, PeerScores } from './peer-scores.ts'
import { type PeerLimits, RateLimits } from './rate-limits.ts'

export type ConductRules<D extends string> = {
  readonly deeds: Deeds<D>
  /** Time in which scores decay one step. */
  readonly slotSeconds: number
  readonly limitsOf: (peerId: string) => PeerLimits
  /** What a broken rule of the wire counts as, and a unit beyond the limits. */
  readonly faults: { readonly violation: D; readonly overLimit: D }
}

type Parts = {
  readonly clock: Clock
  readonly metrics: Registry
  readonly banScore: number
  /** The peer has just earned a ban. */
  readonly onBanEarned: (peerId: string) => void
}

/** How peers behave: what they send is metered, what they do is scored. */
export class PeerConduct<D extends string> {
  readonly #parts: Parts
  readonly #faults: ConductRules<D>['faults']
  readonly #scores: PeerScores<D>
  readonly #limits: RateLimits
  readonly #dropped: Counter<'reason'>

  constructor({ deeds, slotSeconds, limitsOf, faults }: ConductRules<D>, parts: Parts) {
    this.#parts = parts
    this.#faults = faults
    this.#scores = new PeerScores(deeds, slotSeconds)
    this.#limits = new RateLimits(limitsOf)
    this.#dropped = counter(parts.metrics, 'p2p_gossip_dropped_total', 'Gossip dropped before validation', ['reason'])
  }

  score(peerId: string): number {
    return this.#scores.score(peerId, this.#parts.clock.nowMs())
  }

  count(peerId: string, deed: D, times = 1): void {
    const { clock, banScore, onBanEarned } = this.#parts
    const nowMs = clock.nowMs()
    const before = this.#scores.score(peerId, nowMs)
    const after = this.#scores.count(peerId, deed, nowMs, times)
    if (before >= banScore && after < banScore) onBanEarned(peerId)
  }

  /** False for a frame beyond the peer's limits, which costs it. */
  admitFrame(peerId: string, bytes: number): boolean {
    return this.#admit(peerId, this.#limits.frame(peerId, bytes, this.#parts.clock.nowMs()), 'frame')
  }

  /** False for an RPC beyond the peer's limits, which costs it. */
  admitRpc(peerId: string, size: RpcSize): boolean {
    return this.#admit(peerId, this.#limits.rpc(peerId, size, this.#parts.clock.nowMs()), 'rpc')
  }

  /** The peer's limits are others from now on. */
  limitsChanged(peerId: string): void {
    this.#limits.changed(peerId)
  }

  /** A message that breaks the rules of the wire. */
  violation(peerId: string, what: Violation): void {
    this.#dropped.inc({ reason: what })
    this.count(peerId, this.#faults.violation)
  }

  #admit(peerId: string, excess: number, reason: 'frame' | 'rpc'): boolean {
    if (excess === 0) return true
    this.#dropped.inc({ reason })
    this.count(peerId, this.#faults.overLimit, excess)
    return false
  }
}
