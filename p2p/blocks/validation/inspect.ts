import { FormatError, type Hex } from '../../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../../protocol/engine-api.ts'
import {
  checkGossipBlock,
  decodeSignedBytes,
  type GossipBlock,
  gossipBytesMax,
  gossipBytesMin,
  gossipContentId,
  gossipSigner,
  readGossipBlock,
  type TopicVersion,
} from '../../../protocol/gossip.ts'
import type { ForkTimes } from '../../../protocol/hardforks.ts'
import { snappyDecode, snappyDecodedLength } from '../../../protocol/snappy.ts'

/** Why a message is refused, in the order of op-node's checks; `repeated` heights are the caller's to see. */
export type RejectReason =
  | 'compression'
  | 'size'
  | 'signature'
  | 'encoding'
  | 'stale'
  | 'future'
  | 'block'
  | 'too-many-at-height'

export type Verdict =
  /** `signedBytes` are the payload's, to be decoded by who wants the block. */
  | { readonly kind: 'accept'; readonly signedBytes: Uint8Array }
  | { readonly kind: 'ignore'; readonly reason: 'no-signer' }
  | { readonly kind: 'reject'; readonly reason: Exclude<RejectReason, 'too-many-at-height'>; readonly detail: string }

/** What is known of a message after looking at nothing but it and the clock. */
export type Inspection = {
  readonly id: Uint8Array
  readonly verdict: Verdict
  /** Size of the content when decompressed; 0 where that was not done. */
  readonly contentBytes: number
}

export type InspectionTask = {
  readonly topic: string
  readonly version: TopicVersion
  readonly data: Uint8Array
  /** Addresses whose signature is accepted; none: the sequencer is not known. */
  readonly signers: readonly Hex[]
  readonly nowSeconds: bigint
}

export type InspectionRules = {
  readonly chainId: bigint
  readonly forkTimes: ForkTimes
  /** A block older than this is refused; op-node's `p2p.gossip.timestamp.threshold`. */
  readonly ageSecondsMax: bigint
}

/** A block this far ahead of our clock is refused. Spec: protocol/rollup-node-p2p.md, "Block validation". */
export const aheadSecondsMax = 5n

/**
 * Message id and verdict in one pass over the data. The order is op-node's: the signature comes right after
 * decompression, so that a stranger's message costs no more than that.
 */
export function inspect(task: InspectionTask, rules: InspectionRules): Inspection {
  const content = decompress(task.data)
  const bytes = content instanceof Uint8Array ? content : undefined
  const id = gossipContentId(task.topic, task.data, bytes, 'op-node')
  const verdict = content instanceof Uint8Array ? judge(content, task, rules) : content
  return { id, verdict, contentBytes: bytes?.length ?? 0 }
}

function decompress(data: Uint8Array): Uint8Array | Verdict {
  try {
    const length = snappyDecodedLength(data)
    if (length > gossipBytesMax) return reject('size', `${length} bytes when decompressed`)
    return snappyDecode(data, gossipBytesMax)
  } catch (error) {
    return rejectFor('compression', error)
  }
}

function judge(content: Uint8Array, { version, signers, nowSeconds }: InspectionTask, rules: InspectionRules): Verdict {
  if (content.length < gossipBytesMin) return reject('size', `${content.length} bytes when decompressed`)
  if (signers.length === 0) return { kind: 'ignore', reason: 'no-signer' }
  const block = readGossipBlock(content)
  const signer = signerOf(block, rules.chainId)
  if (signer === undefined || !signers.includes(signer)) return reject('signature', `signed by ${signer ?? 'nobody'}`)
  let envelope: PayloadEnvelope
  try {
    envelope = decodeSignedBytes(block.signedBytes, version)
  } catch (error) {
    return rejectFor('encoding', error)
  }
  const { timestamp } = envelope.executionPayload
  if (timestamp < nowSeconds - rules.ageSecondsMax) return reject('stale', `of ${timestamp}, now is ${nowSeconds}`)
  if (timestamp > nowSeconds + aheadSecondsMax) return reject('future', `of ${timestamp}, now is ${nowSeconds}`)
  try {
    checkGossipBlock(envelope, version, rules.forkTimes)
  } catch (error) {
    return rejectFor('block', error)
  }
  return { kind: 'accept', signedBytes: block.signedBytes }
}

function signerOf(block: GossipBlock, chainId: bigint): Hex | undefined {
  try {
    return gossipSigner(block, chainId)
  } catch (error) {
    if (error instanceof FormatError) return undefined
    throw error
  }
}

function reject(reason: Exclude<RejectReason, 'too-many-at-height'>, detail: string): Verdict {
  return { kind: 'reject', reason, detail }
}

function rejectFor(reason: Exclude<RejectReason, 'too-many-at-height'>, error: unknown): Verdict {
  if (!(error instanceof FormatError)) throw error
  return reject(reason, error.message)
}
