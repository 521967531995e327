import type { Log } from '../../common/log.ts'
import type { L1BlockRef } from '../../protocol/block-ref.ts'
import { FormatError, type Hex } from '../../protocol/bytes.ts'
import type { Frame } from '../../protocol/frame.ts'
import { isActive } from '../../protocol/hardforks.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { Channel } from './channel.ts'
import { channelTimeout } from './channel-timeout.ts'
import type { DeriveCounters } from './counters.ts'
import { item, type Pull, retry } from './pull.ts'

/** Bytes all open channels may have together, before Fjord and from it on. Spec: `MAX_CHANNEL_BANK_SIZE`. */
export const channelBankBytesMaxBedrock = 100_000_000
export const channelBankBytesMaxFjord = 1_000_000_000

type Previous = { readonly origin: L1BlockRef; nextFrame(): Promise<Pull<Frame>> }

/** Frames to channels before Holocene: many channels open at once, read first-in first-out. Spec: protocol/derivation.md, "Channel Bank". */
export class ChannelBank {
  readonly #config: RollupConfig
  readonly #previous: Previous
  readonly #parts: { readonly log: Log; readonly counters: DeriveCounters }
  /** In the order of their first frames. */
  readonly #channels = new Map<Hex, Channel>()

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

  /** A complete channel's bytes, or one more frame taken in. */
  async nextChannel(): Promise<Pull<Uint8Array>> {
    const ready = this.#read()
    if (ready !== undefined) return ready
    const frame = await this.#previous.nextFrame()
    if (frame.kind !== 'item') return frame
    this.ingest(frame.item)
    return retry
  }

  /** A frame that does not fit is dropped and counted. */
  ingest(frame: Frame): void {
    const channel = this.#channels.get(frame.channelId) ?? new Channel(frame.channelId, this.origin)
    this.#channels.set(frame.channelId, channel)
    if (this.#isTimedOut(channel)) {
      this.#dropFrame(frame, 'channel timed out')
      return
    }
    try {
      channel.addFrame(frame)
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      this.#dropFrame(frame, error.message)
      return
    }
    this.#prune()
  }

  reset(): void {
    this.#channels.clear()
  }

  #read(): Pull<Uint8Array> | undefined {
    const first = this.#channels.values().next().value
    if (first === undefined) return undefined
    if (this.#isTimedOut(first)) {
      this.#channels.delete(first.id)
      this.#parts.log.info('channel timed out', { channel: first.id })
      return retry
    }
    // Before Canyon only the oldest channel was looked at.
    const isCanyon = isActive(this.#config.forkTimes, 'canyon', this.origin.timestamp)
    for (const channel of isCanyon ? this.#channels.values() : [first]) {
      if (!channel.isReady || this.#isTimedOut(channel)) continue
      this.#channels.delete(channel.id)
      return item(channel.data())
    }
    return undefined
  }

  #prune(): void {
    const isFjord = isActive(this.#config.forkTimes, 'fjord', this.origin.timestamp)
    const bytesMax = isFjord ? channelBankBytesMaxFjord : channelBankBytesMaxBedrock
    let size = 0
    for (const channel of this.#channels.values()) size += channel.size
    for (const channel of this.#channels.values()) {
      if (size <= bytesMax) return
      this.#channels.delete(channel.id)
      size -= channel.size
      this.#parts.counters.count('channel')
      this.#parts.log.warn('channel bank full, oldest channel dropped', { channel: channel.id })
    }
  }

  #isTimedOut(channel: Channel): boolean {
    return channel.isTimedOut(this.origin, channelTimeout(this.#config, this.origin.timestamp))
  }

  #dropFrame(frame: Frame, why: string): void {
    this.#parts.counters.count('frame')
    this.#parts.log.debug('frame dropped', { channel: frame.channelId, frame: frame.frameNumber, why })
  }
}
