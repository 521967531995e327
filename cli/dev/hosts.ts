import { join } from 'node:path'
import { peerIdFromString } from '@libp2p/peer-id'
import secp256k1 from 'secp256k1'
import { loadIdentity } from '../../p2p/peers/identity.ts'
import { parsePeerAddress, peerIdOfKey } from '../../p2p/peers/peer-address.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import type { DevLayout, DevPorts } from './layout.ts'

/** Where the hosts of the network of workers are dialled: multiaddrs with peer id. Keys that are not there yet are made. */
export async function devHosts(layout: DevLayout, ports: DevPorts) {
  const at = async (dir: string, port: number) => {
    const key = await loadIdentity(join(dir, 'p2p', 'priv.txt'))
    return `/ip4/127.0.0.1/tcp/${port}/p2p/${peerIdOfKey(secp256k1.publicKeyCreate(key, true))}`
  }
  const [worker, sequencerChecker, verifierChecker] = await Promise.all([
    at(layout.worker, ports.worker),
    at(join(layout.sequencer, 'checker'), ports.sequencerChecker),
    at(join(layout.verifier, 'checker'), ports.verifierChecker),
  ])
  return { worker, sequencerChecker, verifierChecker }
}

export type DevHosts = Awaited<ReturnType<typeof devHosts>>

/** The peer id of a multiaddr as WorkerRegistry has it: its multihash. */
export function peerIdBytes(address: string): Hex {
  return bytesToHex(peerIdFromString(parsePeerAddress(address).peerId).toMultihash().bytes)
}
