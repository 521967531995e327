import type { Registry } from 'prom-client'
import type { Clock } from '../../common/clock.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { gauge } from '../../common/metrics.ts'
import type { BlockNetwork, PeerSummary } from '../blocks/block-network.ts'
import { dial } from './dial.ts'
import { ipOf } from './peer-address.ts'
import type { KnownPeer, PeerBook } from './peer-book.ts'

/** Time between looks at the connections. */
const lookMs = 1_000
/** Dials under way at once; op-node's value. */
const dialsMax = 4
/** A dial may take that long. */
const dialMsMax = 10_000

export type PeerLimits = {
  /** Below it peers are looked for: `p2p.peers.lo`. */
  readonly lo: number
  /** Above it connections are closed until `lo` are left: `p2p.peers.hi`. */
  readonly hi: number
  /** A connection is left alone that long: `p2p.peers.grace`. */
  readonly graceMs: number
}

type Parts = {
  readonly network: Pick<BlockNetwork, 'connect' | 'disconnect' | 'peers' | 'peerId'>
  readonly book: PeerBook
  readonly isDenied: (peerIdOrIp: string) => boolean
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
}

/** Keeps the number of connections between its marks: dials peers of the book, closes the worst connections. */
export class PeerManager {
  readonly #limits: PeerLimits
  readonly #parts: Parts
  readonly #protected = new Set<string>()
  /** When a connection was first seen, ms since 1970. */
  readonly #since = new Map<string, number>()

  constructor(limits: PeerLimits, parts: Parts) {
    this.#limits = limits
    this.#parts = parts
  }

  /** More peers are wanted. */
  get isHungry(): boolean {
    return this.#parts.network.peers().length < this.#limits.lo
  }

  /** A protected peer's connection is never closed to make room. */
  protect(peerId: string): void {
    this.#protected.add(peerId)
  }

  unprotect(peerId: string): void {
    this.#protected.delete(peerId)
  }

  isProtected(peerId: string): boolean {
    return this.#protected.has(peerId)
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look(signal)
      await this.#parts.clock.sleep(lookMs, signal)
    }
  }

  /** One look; what tests call instead of `run`. */
  async look(signal: AbortSignal): Promise<void> {
    const { network, book, clock, registry } = this.#parts
    const peers = network.peers()
    this.#note(peers)
    knownGauge(registry).set(book.all().length)
    const isKept = (peer: PeerSummary) => peer.isStatic || this.isProtected(peer.peerId)
    const sinceMs = (peer: PeerSummary) => this.#since.get(peer.peerId) ?? clock.nowMs()
    for (const { peerId } of superfluous(peers, this.#limits, clock.nowMs(), { isKept, sinceMs })) {
      await this.#close(peerId)
    }
    if (peers.length < this.#limits.lo) await this.#dial(peers, signal)
  }

  #note(peers: readonly PeerSummary[]): void {
    const { clock, book } = this.#parts
    const connected = new Set(peers.map(({ peerId }) => peerId))
    for (const peerId of this.#since.keys()) if (!connected.has(peerId)) this.#since.delete(peerId)
    for (const { peerId, direction, address } of peers) {
      if (this.#since.has(peerId)) continue
      this.#since.set(peerId, clock.nowMs())
      book.dialled(peerId, true)
      // The port of an inbound connection is not where the peer listens.
      if (direction === 'outbound') book.seen({ peerId, multiaddr: withPeerId(address, peerId), answered: true })
    }
  }

  async #close(peerId: string): Promise<void> {
    const { network, log } = this.#parts
    log.debug('connection closed to make room', { peer: peerId })
    await network.disconnect(peerId).catch((error: unknown) => log.debug('not closed', { error: errorMessage(error) }))
  }

  async #dial(peers: readonly PeerSummary[], signal: AbortSignal): Promise<void> {
    const { network, book, isDenied } = this.#parts
    const connected = new Set([network.peerId, ...peers.map(({ peerId }) => peerId)])
    const isWanted = ({ peerId, multiaddr }: KnownPeer) => {
      const ip = ipOf(multiaddr)
      return !connected.has(peerId) && !isDenied(peerId) && (ip === undefined || !isDenied(ip))
    }
    const wanted = book
      .candidates()
      .filter(isWanted)
      .slice(0, this.#limits.lo - peers.length)
    const worker = async () => {
      for (let peer = wanted.shift(); peer !== undefined && !signal.aborted; peer = wanted.shift()) {
        await this.#dialOne(peer, signal)
      }
    }
    await Promise.all(Array.from({ length: dialsMax }, worker))
  }

  async #dialOne({ peerId, multiaddr }: KnownPeer, signal: AbortSignal): Promise<void> {
    const { network, book, log } = this.#parts
    try {
      await dial(network, multiaddr, dialMsMax, signal)
      book.dialled(peerId, true)
    } catch (error) {
      if (signal.aborted) return
      book.dialled(peerId, false)
      log.debug('peer is not reached', { address: multiaddr, error: errorMessage(error) })
    }
  }
}

/**
 * The connections to close: none up to `hi`, else the worst until `lo` are left. Kept ones and those in their grace
 * period stay. Source: go-libp2p's connection manager, which op-node uses.
 */
export function superfluous(
  peers: readonly PeerSummary[],
  { lo, hi, graceMs }: PeerLimits,
  nowMs: number,
  rules: {
    readonly isKept: (peer: PeerSummary) => boolean
    readonly sinceMs: (peer: PeerSummary) => number
  },
): readonly PeerSummary[] {
  if (peers.length <= hi) return []
  const { isKept, sinceMs } = rules
  const value = (peer: PeerSummary) => peer.score + (peer.gossipBlocks ? gossipBonus : 0)
  return peers
    .filter((peer) => !isKept(peer) && nowMs - sinceMs(peer) >= graceMs)
    .toSorted((a, b) => value(a) - value(b) || sinceMs(b) - sinceMs(a))
    .slice(0, peers.length - lo)
}

/** Worth of a peer that gossips blocks over one that does not: more than any score that is not an offence. */
const gossipBonus = 100

function withPeerId(address: string, peerId: string): string {
  return address.includes('/p2p/') ? address : `${address}/p2p/${peerId}`
}

const knownGauge = (registry: Registry) => gauge(registry, 'p2p_peers_known', 'peers in the book')
