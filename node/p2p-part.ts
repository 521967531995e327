import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Registry } from 'prom-client'
import type { Clock } from '../common/clock.ts'
import type { Closers } from '../common/closers.ts'
import { errorMessage } from '../common/errors.ts'
import type { Log } from '../common/log.ts'
import { counter } from '../common/metrics.ts'
import type { BlockNetwork } from '../p2p/blocks/block-network.ts'
import { startBlockNetwork } from '../p2p/blocks/start.ts'
import type { PeerGater } from '../p2p/gossip/peer-guard.ts'
import { P2pError } from '../p2p/p2p-error.ts'
import { BanList } from '../p2p/peers/ban-list.ts'
import { Discovery } from '../p2p/peers/discovery.ts'
import { loadIdentity } from '../p2p/peers/identity.ts'
import { subnets } from '../p2p/peers/ip-address.ts'
import { ipOf, parsePeerAddress } from '../p2p/peers/peer-address.ts'
import { PeerBook } from '../p2p/peers/peer-book.ts'
import { PeerManager } from '../p2p/peers/peer-manager.ts'
import { openDatastore, openRecords } from '../p2p/peers/peer-store.ts'
import { PeersError } from '../p2p/peers/peers-error.ts'
import { StaticPeers } from '../p2p/peers/static-peers.ts'
import { bytesToHex, concatBytes, hexToBytes } from '../protocol/bytes.ts'
import type { PayloadEnvelope } from '../protocol/engine-api.ts'
import type { RollupConfig } from '../protocol/rollup-config.ts'
import { privateKeyAddress, signDigest } from '../protocol/secp256k1.ts'
import { runTogether } from './driver/loop.ts'
import { NodeError } from './node-error.ts'
import type { P2pOptions } from './node-options.ts'
import type { BlockSigner } from './unsafe-sync/block-signer.ts'

/** Connections beyond the high mark that are let in until the worst ones are closed. */
const connectionsSpare = 10

export type P2pParts = {
  readonly config: RollupConfig
  readonly signer: Pick<BlockSigner, 'accepted'>
  readonly payloadByNumber: (number: bigint) => Promise<PayloadEnvelope | undefined>
  /** Takes a gossiped block; false: its sender gave one that cannot be. */
  readonly onBlock: (envelope: PayloadEnvelope) => boolean
  readonly clock: Clock
  readonly log: Log
  readonly registry: Registry
}

/** The node in the network of the chain's nodes. */
export type P2pPart = {
  readonly network: BlockNetwork
  readonly bans: BanList
  readonly book: PeerBook
  readonly manager: PeerManager
  readonly discovery: Discovery | undefined
  readonly chainId: bigint
  /** Gives a sealed block to the peers; absent without a key to sign it. Never throws, and does not wait for them. */
  readonly publish: ((envelope: PayloadEnvelope) => Promise<void>) | undefined
}

/** Joins the network. Throws NodeError where a port is taken, PeersError for addresses, keys and stores. */
export async function startP2p(options: P2pOptions, parts: P2pParts, closers: Closers): Promise<P2pPart> {
  const { config, clock, registry } = parts
  const log = parts.log.with({ component: 'p2p' })
  const privateKey = await loadIdentity(options.privateKeyPath)
  const store = await openRecords(options.peerstorePath, notWritten(log))
  closers.add('peer store', () => store.close())
  const staticPeers = options.staticPeers.map(parsePeerAddress)
  const staticIds = staticPeers.map(({ peerId }) => peerId)
  const staticIps = new Set(staticPeers.flatMap(({ multiaddr }) => ipOf(multiaddr) ?? []))
  const bans = await BanList.open({ staticPeers: new Set(staticIds), staticIps }, { store, clock, log, registry })
  const book = await PeerBook.open({ store, clock })
  const ip = await advertisedIp(options.advertise.host)
  const datastore = await openDatastore(options.peerstorePath)
  closers.add('libp2p store', () => datastore?.close())

  const network = await naming('p2p.listen.tcp', () =>
    startBlockNetwork(
      {
        rollup: config,
        listenIp: options.listen.ip,
        listenPort: options.listen.tcp,
        announce: announced(ip, options.advertise.tcp || options.listen.tcp),
        privateKey,
        staticPeers: staticIds,
        peersMax: options.peers.hi + connectionsSpare,
        agent: options.agent,
        gossipAgeSecondsMax: options.gossipAgeSecondsMax,
        servePayloads: options.reqResp,
        banScore: options.banScore,
      },
      {
        log,
        clock,
        metrics: registry,
        gater: withDuration(bans, options.banMs),
        ...(datastore === undefined ? {} : { datastore }),
        blockSigners: parts.signer.accepted,
        ...(options.signerKey === undefined ? {} : { sign: signing(hexToBytes(options.signerKey)) }),
        payloadByNumber: parts.payloadByNumber,
        onBlock: (envelope, from) => {
          if (!parts.onBlock(envelope)) network.reportInvalid(from)
        },
      },
    ),
  )
  closers.add('p2p', () => network.stop())

  const allowed = options.netRestrict.length === 0 ? undefined : subnets(options.netRestrict)
  const isDenied = (peerIdOrIp: string) =>
    bans.isDenied(peerIdOrIp) || (isIP(peerIdOrIp) !== 0 && allowed?.has(peerIdOrIp) === false)
  const manager = new PeerManager(options.peers, { network, book, isDenied, clock, log, registry })
  const discovery = options.discovery
    ? await startDiscovery(options, { ...parts, log }, { privateKey, ip, network, isDenied, manager, book }, closers)
    : undefined
  if (discovery !== undefined) closers.add('discovery', () => discovery.stop())
  const statics = new StaticPeers(options.staticPeers, { network, clock, log })
  follow([(signal) => statics.run(signal), (signal) => manager.run(signal)], log, closers)
  log.info('p2p started', { peer: network.peerId, addresses: network.addresses() })
  const publish = options.signerKey === undefined ? undefined : publisher(network, { ...parts, log }, closers)
  return { network, bans, book, manager, discovery, chainId: config.l2ChainId, publish }
}

async function startDiscovery(
  options: P2pOptions,
  { config, clock, log, registry }: P2pParts,
  deps: {
    readonly privateKey: Uint8Array
    readonly ip: string | undefined
    readonly network: BlockNetwork
    readonly isDenied: (ip: string) => boolean
    readonly manager: PeerManager
    readonly book: PeerBook
  },
  closers: Closers,
): Promise<Discovery> {
  const { listen, advertise, bootnodes } = options
  const tcp = portOf(deps.network.addresses()) ?? listen.tcp
  const store = await openRecords(options.discoveryPath, notWritten(log))
  closers.add('discovery store', () => store.close())
  return await naming('p2p.listen.udp', () =>
    Discovery.start(
      {
        privateKey: deps.privateKey,
        chainId: config.l2ChainId,
        listenIp: listen.ip,
        listenPort: listen.udp || tcp,
        advertise: { ip: deps.ip, udp: advertise.udp || undefined, tcp: advertise.tcp || tcp },
        bootnodes,
      },
      {
        store,
        clock,
        log,
        registry,
        isDenied: deps.isDenied,
        isHungry: () => deps.manager.isHungry,
        onPeer: ({ peerId, multiaddr, enr }) => {
          if (peerId === deps.network.peerId) return
          deps.book.seen({ peerId, multiaddr, enr, chainId: String(config.l2ChainId) })
        },
      },
    ),
  )
}

/** Runs until the closers stop it. */
function follow(loops: readonly ((signal: AbortSignal) => Promise<void>)[], log: Log, closers: Closers): void {
  const stopping = new AbortController()
  const running = runTogether(stopping.signal, loops).catch((error: unknown) => {
    log.error('peers are not looked after any more', { error })
  })
  closers.add('peers', async () => {
    stopping.abort()
    await running
  })
}

function publisher(network: BlockNetwork, { log, registry }: P2pParts, closers: Closers) {
  let last: Promise<void> = Promise.resolve()
  closers.add('publishing', () => last)
  return async (envelope: PayloadEnvelope): Promise<void> => {
    const { blockNumber: number } = envelope.executionPayload
    // Insertion does not wait for the peers, and a network that fails must not stop the chain.
    last = network.publish(envelope).then(
      (peers) => {
        published(registry).inc({ result: 'sent' })
        log.debug('block published', { number, peers })
      },
      (error: unknown) => {
        published(registry).inc({ result: 'failed' })
        log.warn('block not published', { number, error: errorMessage(error) })
      },
    )
  }
}

function signing(key: Uint8Array): (digest: Uint8Array) => Promise<Uint8Array> {
  return async (digest) => {
    const { rs, yParity } = signDigest(digest, key)
    return concatBytes(rs, Uint8Array.of(yParity))
  }
}

/** Address of the key that signs unsafe blocks. */
export const signerAddress = (key: `0x${string}`) => bytesToHex(privateKeyAddress(hexToBytes(key)))

/** The network's ban with the operator's duration. */
function withDuration(bans: BanList, banMs: number): PeerGater {
  return { isDenied: bans.isDenied, ban: (peerId, ip) => bans.ban(peerId, ip, banMs) }
}

const notWritten = (log: Log) => (error: unknown) => log.warn('peer store not written', { error: errorMessage(error) })

/** A host name is looked up once, as op-node does. Throws PeersError. */
async function advertisedIp(host: string | undefined): Promise<string | undefined> {
  if (host === undefined) return undefined
  try {
    return (await lookup(host)).address
  } catch (cause) {
    throw new PeersError('address', `--p2p.advertise.ip ${host} has no address: ${errorMessage(cause)}`, { cause })
  }
}

/** A port that is taken is the operator's to settle: says which flag. */
async function naming<T>(flag: string, start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (cause) {
    const isPort =
      (cause instanceof P2pError && cause.code === 'listen') ||
      (cause instanceof PeersError && cause.code === 'discovery')
    if (!isPort) throw cause
    throw new NodeError('port-in-use', `${errorMessage(cause)}; see --${flag}, or --p2p.disable`, { cause })
  }
}

/** What peers are told; nothing where the address is not known, then they are told what is listened on. */
function announced(ip: string | undefined, port: number): readonly string[] {
  return ip === undefined || port === 0 ? [] : [`/${ip.includes(':') ? 'ip6' : 'ip4'}/${ip}/tcp/${port}`]
}

function portOf(addresses: readonly string[]): number | undefined {
  const port = /\/tcp\/(\d+)/.exec(addresses[0] ?? '')?.[1]
  return port === undefined ? undefined : Number(port)
}

const published = (registry: Registry) =>
  counter(registry, 'p2p_blocks_published_total', 'blocks of this sequencer given to peers', ['result'])
