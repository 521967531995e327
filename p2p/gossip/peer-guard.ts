import type { Counter, Registry } from 'prom-client'
import type { Clock } from '../../common/clock.ts'
import type { Log } from '../../common/log.ts'
import { counter } from '../../common/metrics.ts'
import { loopbackIps } from './gossip-params.ts'

/** A peer below this score is banned, unless told otherwise; op-node's `p2p.ban.threshold`. */
export const banScoreDefault = -100
/** op-node's `p2p.ban.duration`. */
export const banMs = 3_600_000
/** Time between looks at all peers; op-node looks at one a second. */
const pollMs = 250
/** A connected peer without a gossip stream to us is of no use, and may have lost it by a frame that was too large. */
const silentMsMax = 10_000

/** Who may not connect. */
export type PeerGater = {
  readonly isDenied: (peerIdOrIp: string) => boolean
  readonly ban: (peerId: string, ip: string | undefined, durationMs: number) => void
}

/** A connected peer as the guard sees it. */
export type GuardedPeer = {
  readonly peerId: string
  readonly ip: string | undefined
  readonly connectedAtMs: number
  readonly score: number
  readonly isReading: boolean
  readonly isStatic: boolean
}

export type PeerGuardParts = {
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Registry
  readonly gater: PeerGater
  readonly banScore: number
  readonly peers: () => readonly GuardedPeer[]
  readonly hangUp: (peerId: string, why: string) => void
  /** The peer lost its gossip stream while connected. */
  readonly onSilenced: (peerId: string) => void
}

/** Does what a gossip router does not: bans peers with a bad score, and disconnects those it has silently dropped. */
export class PeerGuard {
  readonly #parts: PeerGuardParts
  readonly #disconnects: Counter<'reason'>
  readonly #stopped = new AbortController()
  /** When a peer that gossips was last seen with its stream. */
  readonly #readingAtMs = new Map<string, number>()
  #running: Promise<void> | undefined

  constructor(parts: PeerGuardParts) {
    this.#parts = parts
    this.#disconnects = counter(parts.metrics, 'p2p_peers_cut_total', 'Peers disconnected by us', ['reason'])
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running
  }

  /** Looks at all peers once. */
  poll(): void {
    const { peers, clock } = this.#parts
    const nowMs = clock.nowMs()
    const connected = peers()
    for (const peer of connected) this.#look(peer, nowMs)
    const names = new Set(connected.map(({ peerId }) => peerId))
    for (const name of this.#readingAtMs.keys()) if (!names.has(name)) this.#readingAtMs.delete(name)
  }

  /** Looks at one peer, whose score is known to have fallen. */
  lookAt(peerId: string): void {
    const peer = this.#parts.peers().find((connected) => connected.peerId === peerId)
    if (peer !== undefined) this.#look(peer, this.#parts.clock.nowMs())
  }

  #look(peer: GuardedPeer, nowMs: number): void {
    if (peer.score < this.#parts.banScore && !peer.isStatic) this.#ban(peer)
    else if (!peer.isReading) this.#checkSilent(peer, nowMs)
    else this.#readingAtMs.set(peer.peerId, nowMs)
  }

  #checkSilent(peer: GuardedPeer, nowMs: number): void {
    const seenAtMs = this.#readingAtMs.get(peer.peerId)
    if (nowMs - (seenAtMs ?? peer.connectedAtMs) <= silentMsMax) return
    this.#readingAtMs.delete(peer.peerId)
    if (seenAtMs !== undefined) this.#parts.onSilenced(peer.peerId)
    this.#disconnects.inc({ reason: 'silent' })
    this.#parts.hangUp(peer.peerId, `no gossip stream for ${silentMsMax} ms`)
  }

  #ban({ peerId, ip, score }: GuardedPeer): void {
    const { peers, gater, hangUp, log } = this.#parts
    // Banning the address of a static peer would ban that with it.
    const isShared = ip !== undefined && peers().some((other) => other.isStatic && other.ip === ip)
    const isLoopback = ip !== undefined && loopbackIps.includes(ip)
    gater.ban(peerId, isShared || isLoopback ? undefined : ip, banMs)
    this.#disconnects.inc({ reason: 'banned' })
    log.warn('peer banned', { peer: peerId, ip, score: Math.round(score) })
    hangUp(peerId, 'banned')
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.poll()
      await this.#parts.clock.sleep(pollMs, this.#stopped.signal)
    }
  }
}
