import type { Log } from '../../common/log.ts'
import { decodeBatch, readChannelBatch } from '../../protocol/batch.ts'
import type { L1BlockRef } from '../../protocol/block-ref.ts'
import { FormatError } from '../../protocol/bytes.ts'
import {
  decompressChannel,
  rlpBytesPerChannelMaxBedrock,
  rlpBytesPerChannelMaxFjord,
} from '../../protocol/channel-compression.ts'
import { type ForkTimes, isActive } from '../../protocol/hardforks.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { SingularBatch } from '../../protocol/singular-batch.ts'
import { deriveSpanBatch, type SpanBatch } from '../../protocol/span-batch.ts'
import type { DeriveCounters } from './counters.ts'
import { item, type Pull, retry } from './pull.ts'

/** Bytes a channel may have at an L1 block of this timestamp. Spec: `MAX_RLP_BYTES_PER_CHANNEL`. */
export function rlpBytesPerChannelMax(config: { readonly forkTimes: ForkTimes }, l1Timestamp: bigint): number {
  return isActive(config.forkTimes, 'fjord', l1Timestamp) ? rlpBytesPerChannelMaxFjord : rlpBytesPerChannelMaxBedrock
}

type Previous = { readonly origin: L1BlockRef; nextChannel(): Promise<Pull<Uint8Array>> }

/** Channels to batches. Spec: protocol/derivation.md, "Channel Reader (Batch Decoding)". */
export class ChannelReader {
  readonly #config: RollupConfig
  #previous: Previous
  readonly #parts: { readonly log: Log; readonly counters: DeriveCounters }
  #channel: Uint8Array | undefined
  #offset = 0

  constructor(
    config: RollupConfig,
    previous: Previous,
    parts: { readonly log: Log; readonly counters: DeriveCounters },
  ) {
    this.#config = config
    this.#previous = previous
    this.#parts = parts
  }

  get origin(): L1BlockRef {
    return this.#previous.origin
  }

  /** Reads from another stage from now on (bank to assembler, at Holocene). */
  readFrom(previous: Previous): void {
    this.#previous = previous
    this.flush()
  }

  async nextBatch(): Promise<Pull<SingularBatch | SpanBatch>> {
    if (this.#channel === undefined) {
      const channel = await this.#previous.nextChannel()
      if (channel.kind !== 'item') return channel
      await this.#open(channel.item)
      return retry
    }
    try {
      const next = readChannelBatch(this.#channel, this.#offset)
      if (next === undefined) {
        this.flush()
        return retry
      }
      this.#offset = next.end
      return this.#decode(next.data)
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      // What stands behind an undecodable batch cannot be trusted to be aligned: the rest of the channel is dropped.
      this.#parts.counters.count('batch')
      this.#parts.log.warn('rest of the channel dropped', { l1Block: this.origin.number, error })
      this.flush()
      return retry
    }
  }

  /** Forgets the channel being read. */
  flush(): void {
    this.#channel = undefined
    this.#offset = 0
  }

  async #open(data: Uint8Array): Promise<void> {
    const { timestamp } = this.origin
    const isFjord = isActive(this.#config.forkTimes, 'fjord', timestamp)
    try {
      this.#channel = await decompressChannel(data, isFjord, rlpBytesPerChannelMax(this.#config, timestamp))
      this.#offset = 0
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      this.#parts.counters.count('channel')
      this.#parts.log.warn('channel dropped', { l1Block: this.origin.number, error })
    }
  }

  #decode(data: Uint8Array): Pull<SingularBatch | SpanBatch> {
    const batch = decodeBatch(data)
    if (batch.kind === 'singular') return item(batch)
    if (!isActive(this.#config.forkTimes, 'delta', this.origin.timestamp)) {
      this.#parts.counters.count('batch')
      this.#parts.log.warn('span batch before Delta dropped', { l1Block: this.origin.number })
      return retry
    }
    try {
      return item(deriveSpanBatch(batch.raw, spanBatchChain(this.#config)))
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      this.#parts.counters.count('span_batch_invalid')
      this.#parts.log.warn('span batch dropped', { l1Block: this.origin.number, error })
      return retry
    }
  }
}

/** What the chain's span batches are relative to. */
export function spanBatchChain(config: Pick<RollupConfig, 'genesis' | 'blockTime' | 'l2ChainId'>) {
  return { genesisTimestamp: config.genesis.l2Time, blockTime: config.blockTime, chainId: config.l2ChainId }
}
