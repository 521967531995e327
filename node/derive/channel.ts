import type { L1BlockRef } from '../../protocol/block-ref.ts'
import { concatBytes, FormatError, type Hex } from '../../protocol/bytes.ts'
import type { Frame } from '../../protocol/frame.ts'

/** Bytes a frame counts beyond its data in a channel's size. Spec: protocol/derivation.md, "Channel Bank". */
export const frameOverheadCounted = 200

/** Frames of one channel as they arrive. Spec: protocol/derivation.md, "Channel Bank". */
export class Channel {
  readonly id: Hex
  readonly openBlock: L1BlockRef
  /** Holocene: only the next frame fits. */
  readonly #isOrdered: boolean
  readonly #frames = new Map<number, Frame>()
  #size = 0
  #endNumber: number | undefined
  #highest = 0

  constructor(id: Hex, openBlock: L1BlockRef, isOrdered = false) {
    this.id = id
    this.openBlock = openBlock
    this.#isOrdered = isOrdered
  }

  get size(): number {
    return this.#size
  }

  /** Closed, and every frame is there. */
  get isReady(): boolean {
    return this.#endNumber !== undefined && this.#frames.size === this.#endNumber + 1
  }

  /** Throws {@link FormatError} for a frame that does not fit; it is to be ignored. */
  addFrame(frame: Frame): void {
    const { frameNumber, isLast } = frame
    if (frame.channelId !== this.id) throw new FormatError(`frame of channel ${frame.channelId}, not ${this.id}`)
    if (this.#isOrdered && frameNumber !== this.#frames.size) {
      throw new FormatError(`frame ${frameNumber} where ${this.#frames.size} comes next`)
    }
    if (isLast && this.#endNumber !== undefined) throw new FormatError('channel is closed twice')
    if (this.#frames.has(frameNumber)) throw new FormatError(`frame ${frameNumber} came before`)
    if (this.#endNumber !== undefined && frameNumber >= this.#endNumber) {
      throw new FormatError(`frame ${frameNumber} behind the last one, ${this.#endNumber}`)
    }
    if (isLast) this.#close(frameNumber)
    this.#highest = Math.max(this.#highest, frameNumber)
    this.#frames.set(frameNumber, frame)
    this.#size += frame.data.length + frameOverheadCounted
  }

  isTimedOut(origin: L1BlockRef, timeout: bigint): boolean {
    return this.openBlock.number + timeout < origin.number
  }

  /** All data in order. */
  data(): Uint8Array {
    return concatBytes(
      ...Array.from({ length: this.#frames.size }, (_, i) => this.#frames.get(i)?.data ?? new Uint8Array(0)),
    )
  }

  /** Frames at or past the last one cannot belong to the channel. */
  #close(endNumber: number): void {
    this.#endNumber = endNumber
    if (this.#highest <= endNumber) return
    for (const [number, frame] of this.#frames) {
      if (number < endNumber) continue
      this.#frames.delete(number)
      this.#size -= frame.data.length + frameOverheadCounted
    }
    this.#highest = endNumber
  }
}
