import type { Libp2pOptions } from 'libp2p'
import type { Registry } from 'prom-client'
import type { Clock } from '../../common/clock.ts'
import type { Log } from '../../common/log.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../protocol/engine-api.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { PeerGater } from '../gossip/peer-guard.ts'

/** A connected peer. */
export type PeerSummary = {
  readonly peerId: string
  /** Multiaddr of the connection. */
  readonly address: string
  readonly direction: 'inbound' | 'outbound'
  /** Gossip and application score together; below −100 the peer is banned. */
  readonly score: number
  /** The peer takes part in the gossip of blocks. */
  readonly gossipBlocks: boolean
  /** Protocols the peer said it speaks; empty until it has identified itself. */
  readonly protocols: readonly string[]
  readonly isStatic: boolean
  readonly agent?: string | undefined
  /** Round trip of the last ping. */
  readonly latencyMs?: number | undefined
}

export type BlockNetworkOptions = {
  /** Chain id, genesis and fork times. */
  readonly rollup: RollupConfig
  readonly listenIp: string
  /** 0 takes any free port. */
  readonly listenPort: number
  /** Multiaddrs told to peers in place of the listening ones. */
  readonly announce?: readonly string[]
  /** Identity of the host: 32 bytes, secp256k1. */
  readonly privateKey: Uint8Array
  /** Peer ids that are never banned nor pruned. */
  readonly staticPeers: readonly string[]
  /** Connections beyond this are pruned; op-node's `p2p.peers.hi`, 30. */
  readonly peersMax?: number
  /** Name and version told to peers. Default `openledger`. */
  readonly agent?: string
  /** A gossiped block older than this is refused; op-node's `p2p.gossip.timestamp.threshold`. Default 60. */
  readonly gossipAgeSecondsMax?: number
  /** Peers below this score are banned; op-node's `p2p.ban.threshold`, −100. Minus infinity: nobody. */
  readonly banScore?: number
  /** Serve `payload_by_number`; op-node's `p2p.sync.req-resp`. Default true. */
  readonly servePayloads?: boolean
}

export type BlockNetworkParts = {
  readonly log: Log
  readonly clock: Clock
  readonly metrics: Registry
  readonly gater: PeerGater
  /** Where libp2p keeps what it knows of peers; memory when absent. */
  readonly datastore?: NonNullable<Libp2pOptions['datastore']>
  /** Addresses whose blocks are accepted: the current signer, and a previous one in its grace period. Empty: none is known, blocks are ignored. */
  readonly blockSigners: () => readonly Hex[]
  /** Signs a block's digest, 65 bytes r ‖ s ‖ v; absent on a node that does not sequence. */
  readonly sign?: (digest: Uint8Array) => Promise<Uint8Array>
  /** A block of ours for a peer; undefined where we have none. */
  readonly payloadByNumber: (number: bigint) => Promise<PayloadEnvelope | undefined>
  /** Takes a gossiped block that is validated and signed by the sequencer. */
  readonly onBlock: (envelope: PayloadEnvelope, from: string) => void
}

/** op-node's block gossip and req/resp. Spec: protocol/rollup-node-p2p.md. */
export type BlockNetwork = {
  readonly peerId: string
  /** Multiaddrs with the peer id, as other nodes dial them. */
  readonly addresses: () => readonly string[]
  /**
   * Signs and gossips a block on the topic of its fork; resolves to the number of peers it was sent to at once. A block
   * so old that peers would refuse it is not sent: a sequencer that catches up makes many. Throws P2pError.
   */
  readonly publish: (envelope: PayloadEnvelope) => Promise<number>
  /**
   * The block at `number` by `payload_by_number`: from `peerId`, else from the best peer that serves it, then others.
   * Its block hash is verified, its place in the chain is not. Undefined: nobody asked has it. Throws P2pError.
   */
  readonly request: (number: bigint, options?: RequestOptions) => Promise<PayloadEnvelope | undefined>
  /** Counts against a peer that gave a block which turned out invalid. */
  readonly reportInvalid: (peerId: string) => void
  /** Dials a multiaddr that ends in `/p2p/<peer id>`. Throws P2pError. */
  readonly connect: (multiaddr: string, signal?: AbortSignal) => Promise<void>
  readonly disconnect: (peerId: string) => Promise<void>
  readonly peers: () => readonly PeerSummary[]
  /** Peers subscribed to the block topic of each version. */
  readonly topicPeers: () => Readonly<Record<0 | 1 | 2 | 3, number>>
  readonly stop: () => Promise<void>
}

export type RequestOptions = { readonly peerId?: string; readonly signal?: AbortSignal }

/** Starts the network: `startBlockNetwork` of start.ts. Throws P2pError where it cannot listen. */
export type StartBlockNetwork = (options: BlockNetworkOptions, parts: BlockNetworkParts) => Promise<BlockNetwork>
