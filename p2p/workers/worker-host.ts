import { join } from 'node:path'
import { type Closers, opened } from '../../common/closers.ts'
import { errorMessage } from '../../common/errors.ts'
import type { Log } from '../../common/log.ts'
import { BanList } from '../peers/ban-list.ts'
import { loadIdentity } from '../peers/identity.ts'
import { ipOf, parsePeerAddress } from '../peers/peer-address.ts'
import { openDatastore, openRecords } from '../peers/peer-store.ts'
import { StaticPeers } from '../peers/static-peers.ts'
import { startWorkerNetwork } from './start.ts'
import type { WorkerNetwork, WorkerNetworkOptions, WorkerNetworkParts } from './worker-network.ts'

export type WorkerHostOptions = Omit<WorkerNetworkOptions, 'privateKey' | 'staticPeers'> & {
  /** Key, stores and bans of the host; its own. */
  readonly dir: string
  /** Multiaddrs with peer id that are kept connected. */
  readonly staticPeers: readonly string[]
}

/** A host of the network of workers with what it keeps on disk. */
export type WorkerHost = {
  readonly network: WorkerNetwork
  /** Keeps the static peers connected until the signal. */
  readonly run: (signal: AbortSignal) => Promise<void>
  readonly close: () => Promise<void>
}

const banMs = 60 * 60_000

/** Throws P2pError and PeersError. */
export function openWorkerHost(
  { dir, staticPeers, ...options }: WorkerHostOptions,
  parts: Omit<WorkerNetworkParts, 'gater' | 'datastore'>,
): Promise<WorkerHost> {
  return opened(parts.log, async (closers) => {
    const { network, dialler } = await startHost({ dir, staticPeers, ...options }, parts, closers)
    return { network, run: (signal) => dialler.run(signal), close: () => closers.close() }
  })
}

async function startHost(
  { dir, staticPeers, ...options }: WorkerHostOptions,
  parts: Omit<WorkerNetworkParts, 'gater' | 'datastore'>,
  closers: Closers,
): Promise<{ readonly network: WorkerNetwork; readonly dialler: StaticPeers }> {
  const { clock, log, metrics } = parts
  const privateKey = await loadIdentity(join(dir, 'priv.txt'))
  const store = await openRecords(join(dir, 'peers'), notWritten(log))
  closers.add('peer records', () => store.close())
  const datastore = await openDatastore(join(dir, 'peers'))
  closers.add('peer store', () => datastore?.close())
  const statics = staticPeers.map(parsePeerAddress)
  const staticIps = new Set(statics.flatMap(({ multiaddr }) => ipOf(multiaddr) ?? []))
  const staticIds = statics.map(({ peerId }) => peerId)
  const bans = await BanList.open(
    { staticPeers: new Set(staticIds), staticIps },
    { store, clock, log, registry: metrics },
  )
  const network = await startWorkerNetwork(
    { ...options, privateKey, staticPeers: staticIds },
    {
      ...parts,
      gater: { isDenied: bans.isDenied, ban: (peerId, ip) => bans.ban(peerId, ip, banMs) },
      ...(datastore === undefined ? {} : { datastore }),
    },
  )
  closers.add('worker network', () => network.stop())
  log.info('worker network started', { peer: network.peerId, addresses: network.addresses() })
  return { network, dialler: new StaticPeers(staticPeers, { network, clock, log }) }
}

const notWritten = (log: Log) => (error: unknown) => log.warn('peer store not written', { error: errorMessage(error) })
