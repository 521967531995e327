import type { Clock } from '../../common/clock.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { dial } from './dial.ts'
import { parsePeerAddress } from './peer-address.ts'

/** Time between looks whether they are all connected. */
const lookMs = 1_000
/** Wait after a dial that failed, doubling up to the second value. */
const redialMs = { first: 1_000, max: 60_000 } as const
/** A dial may take that long; op-node's `p2p.timeout.dial`, with time to negotiate. */
const dialMsMax = 20_000

/** A peer with all its addresses. */
type StaticPeer = { readonly peerId: string; readonly multiaddrs: readonly string[]; waitMs: number; nextMs: number }

/** What is asked of a network. */
type Network = {
  readonly peerId: string
  readonly connect: (multiaddr: string, signal?: AbortSignal) => Promise<void>
  readonly peers: () => readonly { readonly peerId: string }[]
}

/** Keeps the connections that the operator named: dials again with back-off, for ever. */
export class StaticPeers {
  readonly #parts: {
    readonly network: Network
    readonly clock: Clock
    readonly log: Log
  }
  readonly #peers: readonly StaticPeer[]

  /** `addresses` are multiaddrs with peer id; several of one peer are tried in turn. Throws PeersError. */
  constructor(
    addresses: readonly string[],
    parts: {
      readonly network: Network
      readonly clock: Clock
      readonly log: Log
    },
  ) {
    this.#parts = parts
    const byPeer = new Map<string, string[]>()
    for (const { peerId, multiaddr } of addresses.map(parsePeerAddress)) {
      // One list may serve all nodes of an operator.
      if (peerId === parts.network.peerId) continue
      byPeer.set(peerId, [...(byPeer.get(peerId) ?? []), multiaddr])
    }
    this.#peers = [...byPeer].map(([peerId, multiaddrs]) => ({
      peerId,
      multiaddrs,
      waitMs: redialMs.first,
      nextMs: 0,
    }))
  }

  async run(signal: AbortSignal): Promise<void> {
    while (this.#peers.length > 0 && !signal.aborted) {
      await this.dialMissing(signal)
      await this.#parts.clock.sleep(lookMs, signal)
    }
  }

  /** Dials those that are not connected and due; what tests call instead of `run`. */
  async dialMissing(signal: AbortSignal): Promise<void> {
    const connected = new Set(this.#parts.network.peers().map(({ peerId }) => peerId))
    const now = this.#parts.clock.nowMs()
    for (const peer of this.#peers) if (connected.has(peer.peerId)) peer.waitMs = redialMs.first
    const due = this.#peers.filter((peer) => !connected.has(peer.peerId) && peer.nextMs <= now)
    await Promise.all(due.map((peer) => this.#dial(peer, signal)))
  }

  async #dial(peer: StaticPeer, signal: AbortSignal): Promise<void> {
    const { network, clock, log } = this.#parts
    for (const address of peer.multiaddrs) {
      try {
        await dial(network, address, dialMsMax, signal)
        log.info('static peer connected', { peer: peer.peerId })
        return
      } catch (error) {
        if (signal.aborted) return
        log.warn('static peer is not reached', { address, retryMs: peer.waitMs, error: errorMessage(error) })
      }
    }
    peer.nextMs = clock.nowMs() + peer.waitMs
    peer.waitMs = Math.min(2 * peer.waitMs, redialMs.max)
  }
}
