import { randomBytes } from 'node:crypto'
import type { BlockId, L2BlockRef } from '../../protocol/block-ref.ts'
import { bytesToHex } from '../../protocol/bytes.ts'
import { encodeFrames, frameChannel, frameOverheadBytes } from '../../protocol/frame.ts'
import type { BatcherBlock } from './batcher-block.ts'
import type { ChannelCodec } from './channel-codec.ts'
import type { ClosedChannel } from './closed-channel.ts'
import type { DataAvailability } from './da-price.ts'

/** Bytes a block adds to a span batch besides its transactions, before compression: counts, bits and columns. */
const blockOverheadBytes = 64

export type OpenChannelOptions = {
  readonly da: DataAvailability
  /** Frames the channel aims at. */
  readonly targetFrames: number
  /** Bytes of one item, in calldata or a blob: version byte and a frame. */
  readonly itemBytes: number
  /** Spec: MAX_RLP_BYTES_PER_CHANNEL. */
  readonly rlpBytesMax: number
  /** L1 block number at which it must be closed because it has been open long enough; absent: never. */
  readonly closeAt?: bigint | undefined
  readonly seqWindowSize: bigint
  /** L1 blocks by which data should be on L1 before its sequencing window ends. */
  readonly subSafetyMargin: bigint
}

/**
 * Gathers consecutive L2 blocks until their compressed span batch fills the frames aimed at. A span batch does not grow
 * by a block at a time: it is encoded anew, so compression runs only when the blocks added since could have filled it.
 */
export class OpenChannel {
  readonly parent: BlockId
  readonly #options: OpenChannelOptions
  readonly #codec: ChannelCodec
  readonly #blocks: BatcherBlock[] = []
  #compressed: { readonly blocks: number; readonly data: Uint8Array } = { blocks: 0, data: new Uint8Array(0) }
  #bytesSinceCompressed = 0
  #inputBytes = 0
  #isFull = false

  constructor(parent: BlockId, options: OpenChannelOptions, codec: ChannelCodec) {
    this.parent = parent
    this.#options = options
    this.#codec = codec
  }

  get last(): L2BlockRef | undefined {
    return this.#blocks.at(-1)?.ref
  }

  /** Takes the block, or answers false: the channel is full and the block belongs into the next one. */
  add(block: BatcherBlock): boolean {
    if (this.#isFull) return false
    const bytes = block.bytes + blockOverheadBytes
    const isFirst = this.#blocks.length === 0
    if (!isFirst && this.#inputBytes + bytes > this.#options.rlpBytesMax) return this.#refuse()
    const mayFill = this.#compressed.data.length + this.#bytesSinceCompressed + bytes > this.#targetBytes
    if (mayFill) {
      const data = this.#codec([...this.#blocks, block])
      // One block alone is always kept: it has to go somewhere.
      if (data.length > this.#targetBytes && !isFirst) return this.#refuse()
      this.#isFull = data.length >= this.#targetBytes
      this.#compressed = { blocks: this.#blocks.length + 1, data }
      this.#bytesSinceCompressed = 0
    } else {
      this.#bytesSinceCompressed += bytes
    }
    this.#blocks.push(block)
    this.#inputBytes += bytes
    return true
  }

  /** True where the channel must be closed at that L1 head. Spec: op-batcher's channel timeouts. */
  isDue(l1Head: bigint): boolean {
    const first = this.#blocks[0]
    if (first === undefined) return false
    const { closeAt, seqWindowSize, subSafetyMargin } = this.#options
    if (this.#isFull || (closeAt !== undefined && l1Head >= closeAt)) return true
    return l1Head >= first.ref.l1Origin.number + seqWindowSize - subSafetyMargin
  }

  /** Cuts the frames; undefined where no block was added. */
  close(sequence: number): ClosedChannel | undefined {
    const [first, last] = [this.#blocks[0], this.#blocks.at(-1)]
    if (first === undefined || last === undefined) return undefined
    const isCurrent = this.#compressed.blocks === this.#blocks.length
    const data = isCurrent ? this.#compressed.data : this.#codec(this.#blocks)
    const id = bytesToHex(randomBytes(16))
    const frames = frameChannel(id, data, this.#options.itemBytes - 1)
    return {
      id,
      sequence,
      first: { hash: first.ref.hash, number: first.ref.number },
      last: { hash: last.ref.hash, number: last.ref.number },
      da: this.#options.da,
      items: frames.map((frame) => encodeFrames([frame])),
    }
  }

  get #targetBytes(): number {
    return this.#options.targetFrames * (this.#options.itemBytes - 1 - frameOverheadBytes)
  }

  #refuse(): false {
    this.#isFull = true
    return false
  }
}
