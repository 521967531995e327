import type { PayloadEnvelope } from '../../protocol/engine-api.ts'
import type { TopicVersion } from '../../protocol/gossip.ts'
import type { ConnectedPeer, ConnectedPeers } from '../gossip/connected-peers.ts'
import type { GossipPort } from '../gossip/gossip-port.ts'
import type { PeerGuard } from '../gossip/peer-guard.ts'
import { dialAddress, type Host } from '../host.ts'
import { P2pError } from '../p2p-error.ts'
import type { Pinger } from '../pinger.ts'
import type { Deed } from './block-deeds.ts'
import type { BlockNetwork, PeerSummary, RequestOptions } from './block-network.ts'
import type { BlockPublisher } from './block-publisher.ts'
import type { PayloadClient } from './req-resp/payload-client.ts'
import type { PayloadServer } from './req-resp/payload-server.ts'
import type { Inspector } from './validation/inspector.ts'

type Parts = {
  readonly host: Host
  readonly gossip: GossipPort
  readonly peers: ConnectedPeers
  readonly guard: PeerGuard
  readonly pinger: Pinger
  readonly client: PayloadClient
  readonly server: PayloadServer
  readonly publisher: BlockPublisher
  readonly inspector: Inspector
  readonly score: (peerId: string) => number
  readonly topics: ReadonlyMap<string, TopicVersion>
  readonly staticPeers: ReadonlySet<string>
  readonly count: (peerId: string, deed: Deed) => void
}

/** The running parts as one network. */
export class Libp2pBlockNetwork implements BlockNetwork {
  readonly #parts: Parts
  readonly #stopped = new AbortController()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get peerId(): string {
    return this.#parts.host.peerId.toString()
  }

  addresses(): readonly string[] {
    return this.#parts.host.getMultiaddrs().map(String)
  }

  async publish(envelope: PayloadEnvelope): Promise<number> {
    this.#assertRunning()
    return await this.#parts.publisher.publish(envelope)
  }

  async request(number: bigint, { peerId, signal }: RequestOptions = {}): Promise<PayloadEnvelope | undefined> {
    this.#assertRunning()
    const stopped = this.#stopped.signal
    const either = signal === undefined ? stopped : AbortSignal.any([stopped, signal])
    return await this.#parts.client.request(number, either, peerId)
  }

  reportInvalid(peerId: string): void {
    this.#parts.count(peerId, 'rejectedPayload')
  }

  async connect(address: string, signal?: AbortSignal): Promise<void> {
    this.#assertRunning()
    await dialAddress(this.#parts.host, address, signal)
  }

  async disconnect(peerId: string): Promise<void> {
    const id = this.#parts.peers.get(peerId)?.id
    if (id !== undefined) await this.#parts.host.hangUp(id)
  }

  peers(): readonly PeerSummary[] {
    const gossiping = new Set([...this.#parts.topics.keys()].flatMap((topic) => this.#parts.gossip.subscribers(topic)))
    return this.#parts.peers.list().map((peer) => this.#summary(peer, gossiping))
  }

  topicPeers(): Readonly<Record<TopicVersion, number>> {
    const counts: Record<TopicVersion, number> = { 0: 0, 1: 0, 2: 0, 3: 0 }
    for (const [topic, version] of this.#parts.topics) counts[version] = this.#parts.gossip.subscribers(topic).length
    return counts
  }

  async stop(): Promise<void> {
    const { guard, pinger, server, host, inspector } = this.#parts
    this.#stopped.abort()
    server.stop()
    await Promise.all([guard.stop(), pinger.stop()])
    await host.stop()
    await inspector.stop()
  }

  #assertRunning(): void {
    if (this.#stopped.signal.aborted) throw new P2pError('stopped', 'the block network is shut down')
  }

  #summary({ peerId, connection, agent, protocols }: ConnectedPeer, gossiping: ReadonlySet<string>): PeerSummary {
    const { score, staticPeers, pinger } = this.#parts
    return {
      peerId,
      address: connection.remoteAddr.toString(),
      direction: connection.direction,
      score: score(peerId),
      gossipBlocks: gossiping.has(peerId),
      protocols,
      isStatic: staticPeers.has(peerId),
      agent,
      latencyMs: pinger.latencyMs(peerId),
    }
  }
}
