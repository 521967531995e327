import type { Counter, Registry } from 'prom-client'
import type { Clock } from '../../../common/clock.ts'
import type { Log } from '../../../common/log.ts'
import { counter } from '../../../common/metrics.ts'
import type { Hex } from '../../../protocol/bytes.ts'
import type { PayloadEnvelope } from '../../../protocol/engine-api.ts'
import { decodeSignedBytes, type TopicVersion } from '../../../protocol/gossip.ts'
import type { Deed } from '../block-deeds.ts'
import type { Inspection, RejectReason } from './inspect.ts'
import type { Inspector } from './inspector.ts'
import { SeenBlocks } from './seen-blocks.ts'

export type BlockValidatorParts = {
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Registry
  readonly inspector: Inspector
  /** Versions of the topics by name. */
  readonly topics: ReadonlyMap<string, TopicVersion>
  readonly blockSigners: () => readonly Hex[]
  readonly onBlock: (envelope: PayloadEnvelope, from: string) => void
  readonly count: (peerId: string, deed: Deed, times: number) => void
}

/** Decides what becomes of a gossiped block. Spec: protocol/rollup-node-p2p.md, "Block validation". */
export class BlockValidator {
  readonly #parts: BlockValidatorParts
  readonly #seen: ReadonlyMap<string, SeenBlocks>
  readonly #results: Counter<'topic' | 'result' | 'reason'>

  constructor(parts: BlockValidatorParts) {
    this.#parts = parts
    this.#seen = new Map([...parts.topics.keys()].map((topic) => [topic, new SeenBlocks()]))
    this.#results = counter(parts.metrics, 'p2p_gossip_blocks_total', 'Gossiped blocks by what became of them', [
      'topic',
      'result',
      'reason',
    ])
  }

  /** Everything that needs no memory, on the inspector's thread. Throws P2pError `busy`. */
  examine(topic: string, data: Uint8Array): Promise<Inspection> {
    const { inspector, topics, blockSigners, clock } = this.#parts
    const version = topics.get(topic)
    if (version === undefined) throw new Error(`unexpected topic ${topic}`)
    const nowSeconds = BigInt(Math.floor(clock.nowMs() / 1_000))
    return inspector.inspect({ topic, version, data, signers: blockSigners(), nowSeconds })
  }

  /** The rest: blocks seen at the height. A block that is accepted is handed on. Never throws. */
  judge(from: string, topic: string, { verdict, contentBytes }: Inspection): 'accept' | 'ignore' | 'reject' {
    const version = this.#parts.topics.get(topic)
    if (version === undefined) return 'ignore'
    if (verdict.kind === 'ignore') return this.#ignore(version, verdict.reason)
    if (verdict.kind === 'reject') return this.#reject(from, version, verdict, contentBytes)
    const envelope = decodeSignedBytes(verdict.signedBytes, version)
    const { blockNumber, blockHash } = envelope.executionPayload
    const seen = this.#seen.get(topic)?.add(blockNumber, blockHash)
    if (seen === 'seen') return this.#ignore(version, 'seen')
    if (seen === 'too-many')
      return this.#reject(
        from,
        version,
        { reason: 'too-many-at-height', detail: `height ${blockNumber}` },
        contentBytes,
      )
    this.#results.inc({ topic: version, result: 'accept', reason: '' })
    try {
      this.#parts.onBlock(envelope, from)
    } catch (error) {
      this.#parts.log.error('gossiped block could not be handed on', { number: blockNumber, error })
    }
    return 'accept'
  }

  /** Notes a block of our own, which peers may send back. */
  noteOwn(topic: string, { blockNumber, blockHash }: PayloadEnvelope['executionPayload']): void {
    this.#seen.get(topic)?.add(blockNumber, blockHash)
  }

  #ignore(version: TopicVersion, reason: 'seen' | 'no-signer'): 'ignore' {
    this.#results.inc({ topic: version, result: 'ignore', reason })
    return 'ignore'
  }

  #reject(from: string, version: TopicVersion, { reason, detail }: Refusal, contentBytes: number): 'reject' {
    this.#results.inc({ topic: version, result: 'reject', reason })
    this.#parts.log.debug('gossiped block refused', { peer: from, topic: version, reason, detail })
    this.#parts.count(from, deedOf[reason], Math.max(1, Math.ceil(contentBytes / bytesPerDeed)))
    return 'reject'
  }
}

type Refusal = { readonly reason: RejectReason; readonly detail: string }

/** What is larger counts more often: decompressing and hashing it is what a bomb is sent for. */
const bytesPerDeed = 1024 * 1024

/** What a refusal says about the peer. Only the sequencer can make a block that is signed and still untimely. */
const deedOf: Readonly<Record<RejectReason, Deed>> = {
  compression: 'rejectedPayload',
  size: 'rejectedPayload',
  signature: 'unknownSigner',
  encoding: 'rejectedPayload',
  block: 'rejectedPayload',
  stale: 'untimelyPayload',
  future: 'untimelyPayload',
  'too-many-at-height': 'untimelyPayload',
}
