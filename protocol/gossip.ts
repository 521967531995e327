import { createHash } from 'node:crypto'
import { bytesToHex, concatBytes, FormatError, type Hex, hexToBytes, uintBytes } from './bytes.ts'
import type { PayloadEnvelope } from './engine-api.ts'
import { type ForkTimes, isActive } from './hardforks.ts'
import { keccak256 } from './keccak.ts'
import { payloadBlockHash } from './payload-block.ts'
import { decodePayloadSsz, encodePayloadSsz, type PayloadVersion } from './payload-ssz.ts'
import { recoverAddress, signDigest } from './secp256k1.ts'
import { snappyDecode, snappyEncode } from './snappy.ts'

/** Version in a block topic: 0 before Canyon, 1 Canyon, 2 from Ecotone, 3 from Isthmus. */
export type TopicVersion = 0 | 1 | 2 | 3

/** A message's content after decompression. Spec: protocol/rollup-node-p2p.md, "blocksv1" and on. */
export const gossipBytesMin = 66
export const gossipBytesMax = 10_485_760

/** A block as gossip carries it. */
export type GossipBlock = {
  /** r ‖ s ‖ v, 65 bytes. */
  readonly signature: Uint8Array
  /** What is signed: the payload's SSZ, from Ecotone with the parent beacon block root before it. */
  readonly signedBytes: Uint8Array
}

/** The topic of blocks with a version. */
export function blockTopic(chainId: bigint, version: TopicVersion): string {
  return `/optimism/${chainId}/${version}/blocks`
}

/** The version of the topic on which a block of this time is published. */
export function topicVersion(forkTimes: ForkTimes, timestamp: bigint): TopicVersion {
  if (isActive(forkTimes, 'isthmus', timestamp)) return 3
  if (isActive(forkTimes, 'ecotone', timestamp)) return 2
  return isActive(forkTimes, 'canyon', timestamp) ? 1 : 0
}

/** Signs and compresses a block for the topic of its version. */
export function encodeGossipBlock(
  envelope: PayloadEnvelope,
  version: TopicVersion,
  chainId: bigint,
  privateKey: Uint8Array,
): Uint8Array {
  const signedBytes = encodeSignedBytes(envelope, version)
  const { rs, yParity } = signDigest(gossipSigningHash(chainId, signedBytes), privateKey)
  return writeGossipBlock({ signature: concatBytes(rs, Uint8Array.of(yParity)), signedBytes })
}

/** Compresses a block that is signed. */
export function writeGossipBlock(block: GossipBlock): Uint8Array {
  return snappyEncode(concatBytes(block.signature, block.signedBytes))
}

/** Decompresses a message, whose declared length is checked first. Throws {@link FormatError}. */
export function decodeGossipBlock(message: Uint8Array): GossipBlock {
  return readGossipBlock(snappyDecode(message, gossipBytesMax))
}

/** Reads a message that is decompressed. Throws {@link FormatError}. */
export function readGossipBlock(content: Uint8Array): GossipBlock {
  if (content.length < gossipBytesMin) throw new FormatError(`gossip message of ${content.length} bytes`)
  return { signature: content.subarray(0, 65), signedBytes: content.subarray(65) }
}

/** The address that signed a block. Throws {@link FormatError}. */
export function gossipSigner(block: GossipBlock, chainId: bigint): Hex {
  const digest = gossipSigningHash(chainId, block.signedBytes)
  const parity = block.signature[64] ?? 0
  return bytesToHex(recoverAddress(digest, block.signature.subarray(0, 64), parity, false))
}

/** What is signed: domain 0 ‖ chain id ‖ hash of the payload bytes. Spec: protocol/rollup-node-p2p.md, "Block signatures". */
export function gossipSigningHash(chainId: bigint, signedBytes: Uint8Array): Uint8Array {
  return keccak256(concatBytes(new Uint8Array(32), uintBytes(chainId, 32), keccak256(signedBytes)))
}

/** The bytes to be signed. */
export function encodeSignedBytes(envelope: PayloadEnvelope, version: TopicVersion): Uint8Array {
  const ssz = encodePayloadSsz(envelope.executionPayload, payloadVersion(version))
  if (version < 2) return ssz
  if (envelope.parentBeaconBlockRoot === undefined) throw new FormatError('block without parent beacon block root')
  return concatBytes(hexToBytes(envelope.parentBeaconBlockRoot), ssz)
}

/** Reads the signed bytes of a block on a topic. Throws {@link FormatError}. */
export function decodeSignedBytes(signedBytes: Uint8Array, version: TopicVersion): PayloadEnvelope {
  if (version < 2) return { executionPayload: decodePayloadSsz(signedBytes, payloadVersion(version)) }
  return {
    executionPayload: decodePayloadSsz(signedBytes.subarray(32), payloadVersion(version)),
    parentBeaconBlockRoot: bytesToHex(signedBytes.subarray(0, 32)),
  }
}

/** Rules that need nothing but the block: hash and blob fields. Throws {@link FormatError}. Spec: "Block validation". */
export function checkGossipBlock(envelope: PayloadEnvelope, version: TopicVersion, forkTimes: ForkTimes): void {
  const { blockHash, blobGasUsed, excessBlobGas, timestamp } = envelope.executionPayload
  const actual = payloadBlockHash(envelope, forkTimes)
  if (actual !== blockHash) throw new FormatError(`block hash is ${actual}, the message says ${blockHash}`)
  if (version < 2) return
  if (excessBlobGas !== 0n) throw new FormatError(`excess blob gas ${excessBlobGas}`)
  // Jovian keeps the DA footprint in this field.
  if (blobGasUsed !== 0n && !isActive(forkTimes, 'jovian', timestamp))
    throw new FormatError(`blob gas used ${blobGasUsed}`)
}

/**
 * Id of a message, 20 bytes. The specification and kona hash domain ‖ data; op-node puts the topic, length first, in
 * between. The id is local to a node, so mixing them costs duplicates only.
 */
export function gossipMessageId(topic: string, data: Uint8Array, rule: 'spec' | 'op-node'): Uint8Array {
  let content: Uint8Array | undefined
  try {
    content = snappyDecode(data, gossipBytesMax)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
  }
  return gossipContentId(topic, data, content, rule)
}

/** As {@link gossipMessageId}, of data decompressed already; `content` is undefined where that is impossible. */
export function gossipContentId(
  topic: string,
  data: Uint8Array,
  content: Uint8Array | undefined,
  rule: 'spec' | 'op-node',
): Uint8Array {
  const name = new TextEncoder().encode(topic)
  const hash = createHash('sha256').update(content === undefined ? invalidSnappyDomain : validSnappyDomain)
  if (rule === 'op-node') hash.update(uintBytes(name.length, 8).toReversed()).update(name)
  const id = hash.update(content ?? data).digest()
  return new Uint8Array(id.subarray(0, 20))
}

const validSnappyDomain = Uint8Array.of(1, 0, 0, 0)
const invalidSnappyDomain = new Uint8Array(4)

function payloadVersion(version: TopicVersion): PayloadVersion {
  return (version + 1) as PayloadVersion
}
