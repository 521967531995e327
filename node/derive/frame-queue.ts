import type { Log } from '../../common/log.ts'
import type { L1BlockRef } from '../../protocol/block-ref.ts'
import { FormatError } from '../../protocol/bytes.ts'
import { type Frame, parseFrames } from '../../protocol/frame.ts'
import { isActive } from '../../protocol/hardforks.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { DeriveCounters } from './counters.ts'
import { end, item, type Pull, retry } from './pull.ts'

type Previous = { readonly origin: L1BlockRef; nextData(): Promise<Pull<Uint8Array>> }

/** Batcher data to frames. Spec: protocol/derivation.md and holocene/derivation.md, "Frame Queue". */
export class FrameQueue {
  readonly #config: RollupConfig
  readonly #previous: Previous
  readonly #parts: { readonly log: Log; readonly counters: DeriveCounters }
  #frames: Frame[] = []

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

  async nextFrame(): Promise<Pull<Frame>> {
    if (this.#frames.length === 0) {
      const data = await this.#previous.nextData()
      if (data.kind !== 'item') return data.kind === 'end' ? end : retry
      this.#load(data.item)
    }
    const frame = this.#frames.shift()
    return frame === undefined ? retry : item(frame)
  }

  reset(): void {
    this.#frames = []
  }

  #load(data: Uint8Array): void {
    try {
      this.#frames.push(...parseFrames(data))
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      this.#parts.counters.count('batcher_datum')
      this.#parts.log.warn('batcher data dropped', { l1Block: this.origin.number, error })
      return
    }
    if (isActive(this.#config.forkTimes, 'holocene', this.origin.timestamp)) this.#frames = pruneFrames(this.#frames)
  }
}

/** Frames out of order are dropped, and so is a channel that another one interrupts. Spec: holocene/derivation.md, "Frame Queue". */
export function pruneFrames(frames: readonly Frame[]): Frame[] {
  const kept: Frame[] = []
  for (const frame of frames) {
    const last = kept.at(-1)
    if (last === undefined) kept.push(frame)
    else if (follows(frame, last)) kept.push(frame)
    else if (abandons(frame, last)) {
      while (kept.at(-1)?.channelId === last.channelId) kept.pop()
      kept.push(frame)
    } else if (startsAnew(frame, last)) kept.push(frame)
  }
  return kept
}

const follows = (frame: Frame, last: Frame): boolean =>
  frame.channelId === last.channelId && !last.isLast && frame.frameNumber === last.frameNumber + 1

const startsAnew = (frame: Frame, last: Frame): boolean =>
  frame.channelId !== last.channelId && frame.frameNumber === 0 && last.isLast

const abandons = (frame: Frame, last: Frame): boolean =>
  frame.channelId !== last.channelId && frame.frameNumber === 0 && !last.isLast
