import '../common/polyfill.ts'
import { noise } from '@chainsafe/libp2p-noise'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { type Identify, identify } from '@libp2p/identify'
import type { Connection, ConnectionGater, Libp2p, MultiaddrConnection } from '@libp2p/interface'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { isMultiaddr, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2pOptions, type ServiceFactoryMap } from 'libp2p'
import { errorMessage } from '../common/errors.ts'
import { P2pError } from './p2p-error.ts'
import { readPacedYamux } from './read-paced-yamux.ts'

export type HostOptions = {
  /** 32 bytes, secp256k1. */
  readonly privateKey: Uint8Array
  readonly listenIp: string
  /** 0 takes any free port. */
  readonly listenPort: number
  readonly announce: readonly string[]
  /** Name and version told to peers: `openledger/0.1.0`. */
  readonly agent: string
  /** Inbound connections are refused beyond this. */
  readonly connectionsMax: number
}

export type HostParts = {
  /** Peer ids and IPs that may not connect. */
  readonly isDenied: (peerIdOrIp: string) => boolean
  readonly datastore?: Libp2pOptions['datastore'] | undefined
}

export type HostServices = { readonly identify: Identify; readonly ping: Ping }
export type Host<S = unknown> = Libp2p<HostServices & S & Record<string, unknown>>

/** op-node's time to connect and to agree on protocols. */
const dialMsMax = 10_000
/** A connection on which nothing comes is closed; op-node's hour. */
const idleMsMax = 3_600_000
/** Connections that have not said who they are. */
const pendingMax = 20
/** Connections a second from one address. */
const connectionsPerSecondMax = 20
/** Streams a peer may have open towards us: gossip, ping, identify and requests need a dozen. */
const streamsMax = 32

/** A libp2p host that speaks to op-node: TCP, noise, yamux, identify, ping. Not started yet. */
export function createHost<S extends Record<string, unknown>>(
  options: HostOptions,
  parts: HostParts,
  services: ServiceFactoryMap<S>,
): Promise<Host<S>> {
  const family = options.listenIp.includes(':') ? 'ip6' : 'ip4'
  const base: ServiceFactoryMap<HostServices & Record<string, unknown>> = {
    identify: identify({ runOnLimitedConnection: false }),
    ping: ping({ runOnLimitedConnection: false }),
  }
  return createLibp2p({
    start: false,
    // The packages carry two versions of this type, which differ in nothing that runs.
    privateKey: privateKeyFromRaw(options.privateKey) as NonNullable<Libp2pOptions['privateKey']>,
    nodeInfo: { userAgent: options.agent },
    addresses: {
      listen: [`/${family}/${options.listenIp}/tcp/${options.listenPort}`],
      announce: [...options.announce],
    },
    transports: [
      tcp({
        inboundSocketInactivityTimeout: idleMsMax,
        outboundSocketInactivityTimeout: idleMsMax,
        maxConnections: options.connectionsMax + pendingMax,
        backlog: pendingMax,
      }),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [readPacedYamux({ maxInboundStreams: streamsMax, maxOutboundStreams: streamsMax })],
    connectionGater: gate(parts.isDenied),
    connectionManager: {
      maxConnections: options.connectionsMax,
      maxIncomingPendingConnections: pendingMax,
      inboundConnectionThreshold: connectionsPerSecondMax,
      inboundUpgradeTimeout: dialMsMax,
      dialTimeout: dialMsMax,
      reconnectRetries: 0,
    },
    // It aborts a connection whose ping is late, and an overloaded event loop makes every ping late: see pinger.ts.
    connectionMonitor: { enabled: false },
    ...(parts.datastore === undefined ? {} : { datastore: parts.datastore }),
    services: { ...base, ...services } as ServiceFactoryMap<HostServices & S & Record<string, unknown>>,
  })
}

/** Starts to listen. Throws P2pError `listen`. */
export async function startHost(host: Host, { listenIp, listenPort }: HostOptions): Promise<void> {
  try {
    await host.start()
  } catch (cause) {
    await host.stop()
    const where = `${listenIp}:${listenPort}`
    throw new P2pError('listen', `p2p cannot listen on ${where}: ${errorMessage(cause)}`, { cause })
  }
}

/** Dials a multiaddr that ends in `/p2p/<peer id>`. Throws P2pError `banned` and `dial`. */
export async function dialAddress(host: Host, address: string, signal?: AbortSignal): Promise<void> {
  try {
    await host.dial(multiaddr(address), signal === undefined ? {} : { signal })
  } catch (cause) {
    const isDenied = cause instanceof Error && cause.name === 'DialDeniedError'
    throw new P2pError(isDenied ? 'banned' : 'dial', `${address} is not reached: ${errorMessage(cause)}`, { cause })
  }
}

/** The IP of the other end. */
export function remoteIp(address: Multiaddr): string | undefined {
  const [first] = address.tuples()
  return first === undefined ? undefined : address.toOptions().host
}

/** Refuses addresses before the handshake, and peers as soon as they have a name. */
function gate(isDenied: (peerIdOrIp: string) => boolean): ConnectionGater {
  const deniesIp = (address: Multiaddr) => {
    const ip = isMultiaddr(address) ? remoteIp(address) : undefined
    return ip !== undefined && isDenied(ip)
  }
  return {
    denyDialPeer: (peerId) => isDenied(peerId.toString()),
    // The default refuses private addresses only in browsers; ours refuses the banned ones everywhere.
    denyDialMultiaddr: deniesIp,
    denyInboundConnection: (connection: MultiaddrConnection) => deniesIp(connection.remoteAddr),
    denyInboundEncryptedConnection: (peerId) => isDenied(peerId.toString()),
    denyOutboundEncryptedConnection: (peerId) => isDenied(peerId.toString()),
  }
}

/** Ends a peer's connections at once, without asking it to agree. */
export function cut(connections: readonly Connection[], why: string): void {
  for (const connection of connections) connection.abort(new P2pError('banned', why))
}
