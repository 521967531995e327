import { peerIdFromString } from '@libp2p/peer-id'
import { FormatError } from '../../protocol/bytes.ts'
import { blockTopic } from '../../protocol/gossip.ts'
import { payloadByNumberProtocols } from '../../protocol/req-resp.ts'
import { snappyDecodedLength } from '../../protocol/snappy.ts'
import { ConnectedPeers } from '../gossip/connected-peers.ts'
import { type MeteredGossip, meteredGossip } from '../gossip/gossipsub.ts'
import { PeerConduct } from '../gossip/peer-conduct.ts'
import { banScoreDefault, PeerGuard } from '../gossip/peer-guard.ts'
import { createHost, type HostOptions, startHost } from '../host.ts'
import { Pinger } from '../pinger.ts'
import { gateSockets } from '../socket-gate.ts'
import { blockDeeds, type Deed } from './block-deeds.ts'
import { blockLimits, frameBytesMax } from './block-limits.ts'
import type { BlockNetworkOptions, BlockNetworkParts, StartBlockNetwork } from './block-network.ts'
import { BlockPublisher } from './block-publisher.ts'
import { Libp2pBlockNetwork } from './libp2p-block-network.ts'
import { exportNetworkState } from './network-metrics.ts'
import { PayloadClient } from './req-resp/payload-client.ts'
import { PayloadServer, perPeerMax } from './req-resp/payload-server.ts'
import { BlockValidator } from './validation/block-validator.ts'
import type { Inspection } from './validation/inspect.ts'
import { Inspector } from './validation/inspector.ts'

/** op-node's defaults: `p2p.peers.hi` and `p2p.gossip.timestamp.threshold`. */
const defaults = { peersMax: 30, ageSecondsMax: 60, agent: 'openledger' } as const
/** Value by which libp2p keeps a static peer when it prunes; the highest it allows. */
const staticTagValue = 100

/** Starts block gossip and req/resp. Throws P2pError `listen`. */
export const startBlockNetwork: StartBlockNetwork = async (options, parts) => {
  const { rollup } = options
  const ageSecondsMax = BigInt(options.gossipAgeSecondsMax ?? defaults.ageSecondsMax)
  const inspector = new Inspector({ chainId: rollup.l2ChainId, forkTimes: rollup.forkTimes, ageSecondsMax })
  await inspector.start()
  try {
    return await assemble(options, parts, inspector, ageSecondsMax)
  } catch (error) {
    await inspector.stop()
    throw error
  }
}

async function assemble(
  options: BlockNetworkOptions,
  parts: BlockNetworkParts,
  inspector: Inspector,
  ageSecondsMax: bigint,
): Promise<Libp2pBlockNetwork> {
  const { rollup } = options
  const { clock, log, metrics, gater, blockSigners, onBlock, payloadByNumber, sign } = parts
  const blockTimeSeconds = Number(rollup.blockTime)
  const topics = new Map(([0, 1, 2, 3] as const).map((version) => [blockTopic(rollup.l2ChainId, version), version]))
  const protocols = payloadByNumberProtocols(rollup.l2ChainId)
  const staticPeers = new Set(options.staticPeers)

  const { banScore = banScoreDefault } = options
  const onBanEarned = (peerId: string) => guard.lookAt(peerId)
  const conduct = new PeerConduct<Deed>(
    {
      deeds: blockDeeds,
      slotSeconds: blockTimeSeconds,
      limitsOf: () => blockLimits,
      faults: { violation: 'rejectedPayload', overLimit: 'overLimit' },
    },
    { clock, metrics, banScore, onBanEarned },
  )
  const count = conduct.count.bind(conduct)
  const validator = new BlockValidator({ clock, log, metrics, inspector, topics, blockSigners, onBlock, count })
  const host = await createHost<{ gossip: MeteredGossip<Inspection> }>(
    hostOptions(options),
    { isDenied: gater.isDenied, datastore: parts.datastore },
    {
      gossip: meteredGossip(
        {
          topics: [...topics.keys()],
          slotSeconds: blockTimeSeconds,
          frameBytesMax,
          costBytes: declaredBytes,
          holdMs: 0,
        },
        {
          admitFrame: conduct.admitFrame.bind(conduct),
          admitRpc: conduct.admitRpc.bind(conduct),
          admitMessage: () => true,
          onViolation: conduct.violation.bind(conduct),
          examine: validator.examine.bind(validator),
          judge: validator.judge.bind(validator),
          applicationScore: conduct.score.bind(conduct),
        },
      ),
    },
  )
  const gossip = host.services.gossip.port
  const peers = new ConnectedPeers(host)
  // The router caches its scores, and knows none of a peer that does not gossip: what the peer did counts at once.
  const score = (peerId: string) => {
    const application = conduct.score(peerId)
    return gossip.isReading(peerId) ? Math.min(gossip.score(peerId), application) : application
  }
  const guard = new PeerGuard({
    clock,
    log,
    metrics,
    banScore,
    gater,
    peers: () =>
      peers.list().map(({ peerId, ip, connection }) => ({
        peerId,
        ip,
        connectedAtMs: connection.timeline.open,
        score: score(peerId),
        isReading: gossip.isReading(peerId),
        isStatic: staticPeers.has(peerId),
      })),
    hangUp: peers.hangUp.bind(peers),
    onSilenced: (peerId) => count(peerId, 'rejectedPayload'),
  })
  const pinger = new Pinger({
    clock,
    log,
    peers: () => host.getPeers(),
    ping: (peer, signal) => host.services.ping.ping(peer, { signal }),
    hangUp: (peer, why) => peers.hangUp(peer.toString(), why),
  })
  const client = new PayloadClient({
    rollup,
    clock,
    metrics,
    count,
    candidates: () =>
      peers
        .list()
        .filter((peer) => protocols.some((name) => peer.protocols.includes(name)))
        .map(({ peerId }) => ({ peerId, score: score(peerId) }))
        .sort((a, b) => b.score - a.score)
        .map(({ peerId }) => peerId),
    open: (peerId, signal) => host.dialProtocol(peerIdFromString(peerId), [...protocols], { signal }),
  })
  const server = new PayloadServer({
    rollup,
    clock,
    log,
    metrics,
    payloadByNumber,
    onFault: (peerId) => count(peerId, 'errorResponse'),
  })
  const publisher = new BlockPublisher({
    rollup,
    ageSecondsMax,
    clock,
    sign,
    send: gossip.publish,
    onOwn: validator.noteOwn.bind(validator),
  })

  for (const name of options.servePayloads === false ? [] : protocols)
    await host.handle(name, ({ stream, connection }) => void server.handle(stream, connection), {
      maxInboundStreams: perPeerMax,
    })
  for (const peerId of options.staticPeers)
    await host.peerStore.merge(peerIdFromString(peerId), { tags: { static: { value: staticTagValue } } })
  await startHost(host, hostOptions(options))
  gateSockets(host, gater.isDenied)
  host.services.gossip.subscribeAll()
  exportNetworkState({ metrics, peers, gossip, topics, inspector })
  guard.start()
  pinger.start()
  return new Libp2pBlockNetwork({
    host,
    gossip,
    peers,
    guard,
    pinger,
    client,
    server,
    publisher,
    inspector,
    score,
    topics,
    staticPeers,
    count,
  })
}

/** What a message costs: its own size, or the size it says to have when decompressed. */
function declaredBytes(data: Uint8Array): number {
  try {
    return Math.max(data.length, Math.min(snappyDecodedLength(data), frameBytesMax))
  } catch (error) {
    if (error instanceof FormatError) return data.length
    throw error
  }
}

function hostOptions(options: BlockNetworkOptions): HostOptions {
  const { privateKey, listenIp, listenPort, announce = [], agent = defaults.agent } = options
  return { privateKey, listenIp, listenPort, announce, agent, connectionsMax: options.peersMax ?? defaults.peersMax }
}
