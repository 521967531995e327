import type { Log } from '../../common/log.ts'
import type { L1BlockRef } from '../../protocol/block-ref.ts'
import { FormatError } from '../../protocol/bytes.ts'
import type { Frame } from '../../protocol/frame.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { Channel } from './channel.ts'
import { rlpBytesPerChannelMax } from './channel-reader.ts'
import { channelTimeout } from './channel-timeout.ts'
import type { DeriveCounters } from './counters.ts'
import { item, type Pull, retry } from './pull.ts'

type Previous = { readonly origin: L1BlockRef; nextFrame(): Promise<Pull<Frame>> }

/** Frames to channels from Holocene on: one channel at a time, frames in order. Spec: holocene/derivation.md, "Channel Assembly". */
export class ChannelAssembler {
  readonly #config: RollupConfig
  readonly #previous: Previous
  readonly #parts: { readonly log: Log; readonly counters: DeriveCounters; readonly channelBytesMax?: number }
  #staging: Channel | undefined

  constructor(
    config: RollupConfig,
    previous: Previous,
    parts: { readonly log: Log; readonly counters: DeriveCounters; readonly channelBytesMax?: number },
  ) {
    this.#config = config
    this.#previous = previous
    this.#parts = parts
  }

  get origin(): L1BlockRef {
    return this.#previous.origin
  }

  /** The channel whose frames are being collected. */
  get staging(): Channel | undefined {
    return this.#staging
  }

  async nextChannel(): Promise<Pull<Uint8Array>> {
    this.#dropTimedOut()
    const frame = await this.#previous.nextFrame()
    return frame.kind === 'item' ? this.ingest(frame.item) : frame
  }

  ingest(frame: Frame): Pull<Uint8Array> {
    this.#dropTimedOut()
    // A first frame opens a channel whatever was open.
    if (frame.frameNumber === 0) this.#staging = new Channel(frame.channelId, this.origin, true)
    const channel = this.#staging
    if (channel === undefined) return this.#dropFrame(frame, 'no channel is open')
    try {
      channel.addFrame(frame)
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      return this.#dropFrame(frame, error.message)
    }
    const bytesMax = this.#parts.channelBytesMax ?? rlpBytesPerChannelMax(this.#config, this.origin.timestamp)
    if (channel.size > bytesMax) {
      this.#staging = undefined
      this.#parts.counters.count('channel')
      this.#parts.log.warn('oversized channel dropped', { channel: channel.id, bytes: channel.size })
      return retry
    }
    if (!channel.isReady) return retry
    this.#staging = undefined
    return item(channel.data())
  }

  reset(): void {
    this.#staging = undefined
  }

  /** Discards the channel being collected. */
  flush(): void {
    this.#staging = undefined
  }

  #dropTimedOut(): void {
    if (this.#staging?.isTimedOut(this.origin, channelTimeout(this.#config, this.origin.timestamp)) !== true) return
    this.#parts.log.info('channel timed out', { channel: this.#staging.id })
    this.#staging = undefined
  }

  #dropFrame(frame: Frame, why: string): Pull<Uint8Array> {
    this.#parts.counters.count('frame')
    this.#parts.log.debug('frame dropped', { channel: frame.channelId, frame: frame.frameNumber, why })
    return retry
  }
}
