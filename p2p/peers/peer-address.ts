import { isIPv4 } from 'node:net'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { bytesToHex, concatBytes, hexToBytes } from '../../protocol/bytes.ts'
import { parseEnode } from '../../protocol/enode.ts'
import { decodeEnr, type Enr, enrAddress, enrNodeId, verifyEnr } from '../../protocol/enr.ts'
import { keccak256 } from '../../protocol/keccak.ts'
import { asBytes } from '../../protocol/rlp.ts'
import { expandPublicKey } from '../../protocol/secp256k1.ts'
import { canonicalIp } from './ip-address.ts'
import { PeersError } from './peers-error.ts'

/** A peer that can be dialled. */
export type PeerAddress = { readonly peerId: string; readonly multiaddr: string }

/** Reads a multiaddr that ends in `/p2p/<peer id>`. Throws PeersError `address`. */
export function parsePeerAddress(text: string): PeerAddress {
  try {
    const address = multiaddr(text)
    const peerId = address.getPeerId()
    if (peerId !== null) return { peerId: peerIdFromString(peerId).toString(), multiaddr: address.toString() }
  } catch (cause) {
    throw new PeersError('address', `${text} is not a multiaddr`, { cause })
  }
  throw new PeersError('address', `${text} does not end in /p2p/ and a peer id`)
}

/** Reads a peer id. Throws PeersError `address`. */
export function parsePeerId(text: string): string {
  try {
    return peerIdFromString(text).toString()
  } catch (cause) {
    throw new PeersError('address', `${text} is not a peer id`, { cause })
  }
}

/** The IP in a multiaddr; undefined for a name or another kind of address. */
export function ipOf(address: string): string | undefined {
  const [, , host = ''] = address.split('/')
  return canonicalIp(host)
}

/** Reads a signed node record. Throws PeersError `address`. */
export function parseRecord(text: string): Enr {
  try {
    const enr = decodeEnr(text)
    if (verifyEnr(enr)) return enr
  } catch (cause) {
    throw new PeersError('address', 'not a node record (enr:…)', { cause })
  }
  throw new PeersError('address', 'the signature of a node record is wrong')
}

/** Where the libp2p host of a node record listens; undefined where the record does not say. */
export function addressOfRecord(enr: Enr): PeerAddress | undefined {
  const { ip, tcp } = enrAddress(enr)
  if (ip === undefined || tcp === undefined || tcp === 0) return undefined
  const peerId = peerIdOfKey(asBytes(enr.pairs.get('secp256k1'), 'secp256k1', 33))
  return { peerId, multiaddr: `/ip4/${ip}/tcp/${tcp}/p2p/${peerId}` }
}

/** Where the node of an `enode:` URL is asked for its record. `publicKey` has 33 bytes. Throws FormatError and PeersError. */
export function parseEnodeAddress(url: string): {
  readonly ip: string
  readonly udp: number
  readonly publicKey: Uint8Array
} {
  const { publicKey, host, udp } = parseEnode(url)
  if (!isIPv4(host)) throw new PeersError('address', `the host of ${url} must be an IPv4 address`)
  return { ip: host, udp, publicKey: compress(hexToBytes(publicKey)) }
}

/** Identity in discovery of a peer: keccak256 of its key, or undefined where its id does not hold a key of secp256k1. */
export function nodeIdOfPeer(peerId: string): string | undefined {
  const { publicKey } = peerIdFromString(peerId)
  if (publicKey?.type !== 'secp256k1') return undefined
  return bytesToHex(keccak256(expandPublicKey(publicKey.raw))).slice(2)
}

export const nodeIdOfRecord = (enr: Enr): string => enrNodeId(enr).slice(2)

/** Peer id of a host by its key of secp256k1, compressed to 33 bytes. */
export function peerIdOfKey(compressed: Uint8Array): string {
  // Two versions of one interface are installed; what they describe is the same object.
  const key = publicKeyFromRaw(compressed) as unknown as Parameters<typeof peerIdFromPublicKey>[0]
  return peerIdFromPublicKey(key).toString()
}

/** 33 bytes from 64: the sign of y stands before x. */
function compress(xy: Uint8Array): Uint8Array {
  const isOdd = ((xy[63] ?? 0) & 1) === 1
  return concatBytes(Uint8Array.of(isOdd ? 3 : 2), xy.subarray(0, 32))
}
