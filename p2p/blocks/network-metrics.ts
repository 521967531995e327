import { Gauge, type Registry } from 'prom-client'
import type { TopicVersion } from '../../protocol/gossip.ts'
import type { ConnectedPeers } from '../gossip/connected-peers.ts'
import type { GossipPort } from '../gossip/gossip-port.ts'
import type { Inspector } from './validation/inspector.ts'

type Parts = {
  readonly metrics: Registry
  readonly peers: ConnectedPeers
  readonly gossip: GossipPort
  readonly topics: ReadonlyMap<string, TopicVersion>
  readonly inspector: Inspector
}

/** Gauges of a network's state, read when they are scraped. */
export function exportNetworkState({ metrics, peers, gossip, topics, inspector }: Parts): void {
  const registers = [metrics]
  new Gauge({
    name: 'p2p_peers',
    help: 'Connected peers',
    labelNames: ['direction'],
    registers,
    collect() {
      const directions = peers.list().map(({ connection }) => connection.direction)
      for (const direction of ['inbound', 'outbound'] as const)
        this.set({ direction }, directions.filter((known) => known === direction).length)
    },
  })
  new Gauge({
    name: 'p2p_gossip_mesh_peers',
    help: 'Peers that blocks are forwarded to and come from at once',
    labelNames: ['topic'],
    registers,
    collect() {
      for (const [topic, version] of topics) this.set({ topic: version }, gossip.meshPeers(topic).length)
    },
  })
  new Gauge({
    name: 'p2p_validation_queued',
    help: 'Gossiped blocks that wait for validation or are in it',
    registers,
    collect() {
      this.set(inspector.queued)
    },
  })
}
