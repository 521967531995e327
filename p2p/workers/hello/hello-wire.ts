import type { PeerId } from '@libp2p/interface'
import {
  bytesToHex,
  concatBytes,
  equalBytes,
  FormatError,
  type Hex,
  hexToBytes,
  uintBytes,
} from '../../../protocol/bytes.ts'
import { recoverCompact } from '../../../protocol/compact-signature.ts'
import { keccak256 } from '../../../protocol/keccak.ts'
import { expandPublicKey } from '../../../protocol/secp256k1.ts'
import { Container, type ObjectOf } from '../wire/container.ts'
import { peerBinding } from '../wire/messages.ts'
import { wireVersion } from '../wire/signed-message.ts'

/** Who a peer says it is. A client asks workers for answers, and takes no part in gossip. */
export const roleNumbers = { client: 0, worker: 1, checker: 2 } as const
export type Role = keyof typeof roleNumbers

/** What the listener answers at the end. */
export const helloStatuses = [
  'welcome',
  'not-registered',
  'bad-binding',
  'bad-proof',
  'too-many',
  'other-chain',
] as const
export type HelloStatus = (typeof helloStatuses)[number]

const helloFields = new Container([
  ['version', 'uint8'],
  ['chainId', 'uint64'],
  ['role', 'uint8'],
  ['challenge', 'bytes32'],
] as const)
/** Then the binding, zeros for a client. */
export const helloBytes = helloFields.byteLength + peerBinding.byteLength
export const proofBytes = 64

export type Hello = {
  readonly chainId: bigint
  readonly role: Role
  readonly challenge: Hex
  readonly binding: Uint8Array | undefined
}

export function encodeHello({ chainId, role, challenge, binding }: Hello): Uint8Array {
  const head = helloFields.encode({ version: wireVersion, chainId, role: roleNumbers[role], challenge })
  return concatBytes(head, binding ?? new Uint8Array(peerBinding.byteLength))
}

/** Throws {@link FormatError}. */
export function decodeHello(bytes: Uint8Array): Hello {
  if (bytes.length !== helloBytes) throw new FormatError(`a hello of ${bytes.length} bytes`)
  const head: ObjectOf<typeof helloFields.fields> = helloFields.decode(bytes.subarray(0, helloFields.byteLength))
  const role = (Object.keys(roleNumbers) as Role[]).find((name) => roleNumbers[name] === head.role)
  if (head.version !== wireVersion || role === undefined)
    throw new FormatError(`hello ${head.version}, role ${head.role}`)
  const binding = bytes.slice(helloFields.byteLength)
  const isEmpty = binding.every((byte) => byte === 0)
  if (isEmpty !== (role === 'client')) throw new FormatError(`a ${role} ${isEmpty ? 'without' : 'with'} binding`)
  return { chainId: head.chainId, role, challenge: head.challenge, binding: isEmpty ? undefined : binding }
}

/** What the host of a peer signs of the other's challenge: which chain, which challenge, who answers whom. */
export function challengeDigest(chainId: bigint, challenge: Hex, from: PeerId, to: PeerId): Uint8Array {
  return keccak256(
    concatBytes(challengeDomain, uintBytes(chainId, 8), hexToBytes(challenge), multihash(from), multihash(to)),
  )
}

/** True where the host of `peer` made the signature, 64 bytes `r ‖ vs`. */
export function isSignedByHost(digest: Uint8Array, signature: Uint8Array, peer: PeerId): boolean {
  const key = peer.publicKey
  if (key?.type !== 'secp256k1') return false
  try {
    return equalBytes(recoverCompact(digest, signature), keccak256(expandPublicKey(key.raw)).slice(12))
  } catch (error) {
    if (error instanceof FormatError) return false
    throw error
  }
}

/** How a binding names a host. */
export function peerIdHash(peer: PeerId): Hex {
  return bytesToHex(keccak256(multihash(peer)))
}

const multihash = (peer: PeerId): Uint8Array => peer.toMultihash().bytes
const challengeDomain = new TextEncoder().encode('openledger hello 1')
