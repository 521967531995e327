import type { Clock } from '../../common/clock.ts'
import { concatBytes } from '../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../protocol/engine-api.ts'
import {
  blockTopic,
  encodeSignedBytes,
  gossipBytesMax,
  gossipContentId,
  gossipSigningHash,
  topicVersion,
  writeGossipBlock,
} from '../../protocol/gossip.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { P2pError } from '../p2p-error.ts'

export type BlockPublisherParts = {
  readonly rollup: RollupConfig
  /** Peers refuse older blocks. */
  readonly ageSecondsMax: bigint
  readonly clock: Clock
  readonly sign: ((digest: Uint8Array) => Promise<Uint8Array>) | undefined
  readonly send: (topic: string, data: Uint8Array, id: Uint8Array) => Promise<number>
  readonly onOwn: (topic: string, payload: PayloadEnvelope['executionPayload']) => void
}

/** Signs blocks and gossips them. Spec: protocol/rollup-node-p2p.md, "Block signatures". */
export class BlockPublisher {
  readonly #parts: BlockPublisherParts

  constructor(parts: BlockPublisherParts) {
    this.#parts = parts
  }

  /** Resolves to the number of peers it went to. Throws P2pError `no-signer`, `too-large`. */
  async publish(envelope: PayloadEnvelope): Promise<number> {
    const { rollup, ageSecondsMax, clock, sign, send, onOwn } = this.#parts
    if (sign === undefined) throw new P2pError('no-signer', 'this node has no key to sign blocks with')
    const { timestamp, blockNumber } = envelope.executionPayload
    if (timestamp < BigInt(Math.floor(clock.nowMs() / 1_000)) - ageSecondsMax) return 0
    const version = topicVersion(rollup.forkTimes, timestamp)
    const signedBytes = encodeSignedBytes(envelope, version)
    const signature = compact(await sign(gossipSigningHash(rollup.l2ChainId, signedBytes)))
    const size = signature.length + signedBytes.length
    if (size > gossipBytesMax)
      throw new P2pError('too-large', `block ${blockNumber} has ${size} bytes, gossip carries ${gossipBytesMax}`)
    const data = writeGossipBlock({ signature, signedBytes })
    const topic = blockTopic(rollup.l2ChainId, version)
    onOwn(topic, envelope.executionPayload)
    return await send(topic, data, gossipContentId(topic, data, concatBytes(signature, signedBytes), 'op-node'))
  }
}

/** Ethereum's v of 27 and 28 is 0 and 1 here. */
function compact(signature: Uint8Array): Uint8Array {
  if (signature.length !== 65) throw new P2pError('no-signer', `a block signature of ${signature.length} bytes`)
  const v = signature[64] ?? 0
  return v < 27 ? signature : concatBytes(signature.subarray(0, 64), Uint8Array.of(v - 27))
}
