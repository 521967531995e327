import { isIPv4 } from 'node:net'
import { CodedError, errorMessage } from '../../common/errors.ts'
import { RpcError, rpcCodes } from '../../common/json-rpc.ts'
import type { RpcHandler, RpcMethods } from '../../common/json-rpc-server.ts'
import type { PeerSummary } from '../../p2p/blocks/block-network.ts'
import { canonicalCidr, canonicalIp } from '../../p2p/peers/ip-address.ts'
import { nodeIdOfPeer, parsePeerAddress, parsePeerId } from '../../p2p/peers/peer-address.ts'
import type { KnownPeer } from '../../p2p/peers/peer-book.ts'
import type { P2pPart } from '../p2p-part.ts'

/** A dial asked for over RPC may take that long; op-node's value. */
const connectMsMax = 30_000

/** What the `opp2p_` namespace shows and changes. */
export type P2pView = Pick<P2pPart, 'network' | 'bans' | 'book' | 'manager' | 'discovery' | 'chainId'>

/** The `opp2p_` namespace, as op-node answers it: enumerations as go-libp2p's numbers, durations in nanoseconds. */
export function p2pMethods(p2p: P2pView): RpcMethods {
  const { network, bans, book, manager, discovery } = p2p
  return told({
    opp2p_self: () => self(p2p),
    opp2p_peers: ([connected]) => peers(p2p, connected === true),
    opp2p_peerStats: () => peerStats(p2p),
    opp2p_discoveryTable: () => {
      if (discovery === undefined) throw new RpcError(rpcCodes.server, 'discovery disabled')
      return discovery.table()
    },
    opp2p_blockPeer: ([id]) => bans.block('peer', peerId(id)),
    opp2p_unblockPeer: ([id]) => bans.unblock('peer', peerId(id)),
    opp2p_listBlockedPeers: () => bans.list('peer'),
    opp2p_blockAddr: ([ip]) => bans.block('ip', ipAddress(ip)),
    opp2p_unblockAddr: ([ip]) => bans.unblock('ip', ipAddress(ip)),
    opp2p_listBlockedAddrs: () => bans.list('ip'),
    opp2p_blockSubnet: ([subnet]) => bans.block('subnet', cidr(subnet)),
    opp2p_unblockSubnet: ([subnet]) => bans.unblock('subnet', cidr(subnet)),
    opp2p_listBlockedSubnets: () => bans.list('subnet').map(goSubnet),
    opp2p_protectPeer: ([id]) => manager.protect(peerId(id)),
    opp2p_unprotectPeer: ([id]) => manager.unprotect(peerId(id)),
    opp2p_connectPeer: async ([address]) => {
      const { multiaddr } = parsePeerAddress(text(address, 'address'))
      await network.connect(multiaddr, AbortSignal.timeout(connectMsMax))
    },
    opp2p_disconnectPeer: async ([id]) => {
      const peer = peerId(id)
      await network.disconnect(peer)
      book.forget(peer)
      bans.unblock('peer', peer)
    },
  })
}

function self({ network, discovery, chainId }: P2pView): Record<string, unknown> {
  return {
    ...peerJson({ peerId: network.peerId }),
    userAgent: 'openledger',
    ENR: discovery?.enr ?? '',
    addresses: network.addresses(),
    gossipBlocks: true,
    chainID: Number(chainId),
  }
}

function peers({ network, bans, book, manager }: P2pView, connectedOnly: boolean): Record<string, unknown> {
  const connected = new Map(network.peers().map((peer) => [peer.peerId, peer]))
  const known = connectedOnly ? [] : book.all().map((peer) => peer.peerId)
  const ids = new Set([...connected.keys(), ...known])
  const entries = [...ids].map((id) => {
    const peer = peerJson({ peerId: id, connection: connected.get(id), known: book.get(id) })
    return [id, { ...peer, protected: manager.isProtected(id) || connected.get(id)?.isStatic === true }]
  })
  return {
    totalConnected: connected.size,
    peers: Object.fromEntries(entries),
    bannedPeers: bans.list('peer'),
    bannedIPS: bans.list('ip'),
    bannedSubnets: bans.list('subnet').map(goSubnet),
  }
}

function peerStats({ network, bans, book, discovery }: P2pView): Record<string, unknown> {
  const topics = network.topicPeers()
  const connected = network.peers()
  const known = new Set([...connected, ...book.all()].map(({ peerId }) => peerId))
  return {
    connected: connected.length,
    table: discovery?.table().length ?? 0,
    blocksTopic: topics[0],
    blocksTopicV2: topics[1],
    blocksTopicV3: topics[2],
    blocksTopicV4: topics[3],
    banned: bans.list('peer').length,
    known: known.size,
  }
}

/** Numbers of go-libp2p's `network.Connectedness` and `network.Direction`. */
const connectedness = { no: 0, yes: 1 } as const
const direction = { unknown: 0, inbound: 1, outbound: 2 } as const

function peerJson(peer: {
  readonly peerId: string
  readonly connection?: PeerSummary | undefined
  readonly known?: KnownPeer | undefined
}): Record<string, unknown> {
  const { peerId: id, connection, known } = peer
  const address = known?.multiaddr ?? connection?.address
  return {
    peerID: id,
    nodeID: nodeIdOfPeer(id) ?? '00'.repeat(32),
    userAgent: connection?.agent ?? '',
    protocolVersion: '',
    ENR: known?.enr ?? '',
    addresses: address === undefined ? [] : [address],
    protocols: connection?.protocols ?? [],
    connectedness: connection === undefined ? connectedness.no : connectedness.yes,
    direction: direction[connection?.direction ?? 'unknown'],
    protected: false,
    chainID: Number(known?.chainId ?? 0),
    latency: Math.round((connection?.latencyMs ?? 0) * 1_000_000),
    gossipBlocks: connection?.gossipBlocks ?? false,
    scores: { gossip: { total: connection?.score ?? 0 } },
  }
}

/** Go's `net.IPNet`: the mask in base64. */
function goSubnet(subnet: string): { readonly IP: string; readonly Mask: string } {
  const [ip = '', prefix = ''] = subnet.split('/')
  const mask = Buffer.alloc(isIPv4(ip) ? 4 : 16)
  for (let bit = 0; bit < Number(prefix); bit++) mask[bit >> 3] = (mask[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  return { IP: ip, Mask: mask.toString('base64') }
}

/** `10.0.0.0/8`, or Go's `net.IPNet`. */
function cidr(param: unknown): string {
  if (typeof param === 'string') return canonicalCidr(param)
  const { IP, Mask } = (typeof param === 'object' && param !== null ? param : {}) as Record<string, unknown>
  const bits = [...Buffer.from(text(Mask, 'subnet mask'), 'base64')].map((byte) => byte.toString(2).padStart(8, '0'))
  const prefix = /^(1*)0*$/.exec(bits.join(''))?.[1]?.length
  if (prefix === undefined) throw invalid('the subnet mask must be ones, then zeros')
  return canonicalCidr(`${text(IP, 'subnet address')}/${prefix}`)
}

function peerId(param: unknown): string {
  return parsePeerId(text(param, 'peer id'))
}

function ipAddress(param: unknown): string {
  const ip = canonicalIp(text(param, 'IP address'))
  if (ip === undefined) throw invalid('the IP address cannot be read')
  return ip
}

function text(param: unknown, what: string): string {
  if (typeof param !== 'string') throw invalid(`the ${what} is missing`)
  return param
}

const invalid = (message: string) => new RpcError(rpcCodes.invalidParams, message)

/** Errors of the network are the caller's to read. */
function told(methods: RpcMethods): RpcMethods {
  const wrap =
    (handler: RpcHandler): RpcHandler =>
    async (params, context) => {
      try {
        return await handler(params, context)
      } catch (error) {
        if (error instanceof RpcError || !(error instanceof CodedError)) throw error
        throw new RpcError(rpcCodes.server, errorMessage(error))
      }
    }
  return Object.fromEntries(Object.entries(methods).map(([name, handler]) => [name, wrap(handler)]))
}
