import type { Counter, Registry } from 'prom-client'
import type { Clock } from '../../common/clock.ts'
import { counter } from '../../common/metrics.ts'
import type { RpcSize, Violation } from './gossip-port.ts'
import { type Deed, PeerScores } from './peer-scores.ts'
import { RateLimits } from './rate-limits.ts'

type Parts = {
  readonly clock: Clock
  readonly metrics: Registry
  readonly banScore: number
  /** The peer has just earned a ban. */
  readonly onBanEarned: (peerId: string) => void
}

/** How peers behave: what they send is metered, what they do is scored. */
export class PeerConduct {
  readonly #parts: Parts
  readonly #scores: PeerScores
  readonly #limits = new RateLimits()
  readonly #dropped: Counter<'reason'>

  constructor(blockTimeSeconds: number, parts: Parts) {
    this.#parts = parts
    this.#scores = new PeerScores(blockTimeSeconds)
    this.#dropped = counter(parts.metrics, 'p2p_gossip_dropped_total', 'Gossip dropped before validation', ['reason'])
  }

  score(peerId: string): number {
    return this.#scores.score(peerId, this.#parts.clock.nowMs())
  }

  count(peerId: string, deed: Deed, times = 1): void {
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

  /** A message that breaks the rules of the wire. */
  violation(peerId: string, what: Violation): void {
    this.#dropped.inc({ reason: what })
    this.count(peerId, 'rejectedPayload')
  }

  #admit(peerId: string, excess: number, reason: 'frame' | 'rpc'): boolean {
    if (excess === 0) return true
    this.#dropped.inc({ reason })
    this.count(peerId, 'overLimit', excess)
    return false
  }
}
