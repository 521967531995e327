import type { BlockId } from '../../protocol/block-ref.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { DataAvailability } from './da-price.ts'

/** A channel whose content is final: frames cut, ready to be posted in order. */
export type ClosedChannel = {
  /** 16 random bytes. */
  readonly id: Hex
  /** Channels are numbered in the order in which they must reach L1. */
  readonly sequence: number
  /** First and last L2 block inside. */
  readonly first: BlockId
  readonly last: BlockId
  readonly da: DataAvailability
  /** What goes into one calldata transaction or one blob each: version byte and a frame. */
  readonly items: readonly Uint8Array[]
}

/** One L1 transaction of a channel. `key` names it across restarts. */
export type ChannelTx = { readonly key: string; readonly items: readonly Uint8Array[] }

/** The transactions of a channel in order: a frame each in calldata, up to `blobsPerTx` frames each in blobs. */
export function channelTxs(channel: ClosedChannel, blobsPerTx: number): ChannelTx[] {
  const perTx = channel.da === 'blobs' ? blobsPerTx : 1
  const txs: ChannelTx[] = []
  for (let start = 0; start < channel.items.length; start += perTx) {
    txs.push({ key: `${channel.id}:${start}`, items: channel.items.slice(start, start + perTx) })
  }
  return txs
}
