import { batchVersion, channelBatch } from '../../protocol/batch.ts'
import { concatBytes } from '../../protocol/bytes.ts'
import { type Compression, compressChannel } from '../../protocol/channel-compression.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { encodeSingularBatch } from '../../protocol/singular-batch.ts'
import { encodeSpanBatch } from '../../protocol/span-batch.ts'
import type { BatcherBlock } from './batcher-block.ts'

/** Turns consecutive L2 blocks into the bytes of one channel. */
export type ChannelCodec = (blocks: readonly BatcherBlock[]) => Uint8Array

/** `batches`: one span batch for all blocks from Delta on, one singular batch a block before it. */
export function channelCodec(
  config: RollupConfig,
  kinds: { readonly batches: 'span' | 'singular'; readonly compression: Compression },
): ChannelCodec {
  const chain = { genesisTimestamp: config.genesis.l2Time, blockTime: config.blockTime, chainId: config.l2ChainId }
  const encode =
    kinds.batches === 'span' ? (blocks: readonly BatcherBlock[]) => spanBatch(blocks, chain) : singularBatches
  return (blocks) => compressChannel(encode(blocks), kinds.compression)
}

function spanBatch(blocks: readonly BatcherBlock[], chain: Parameters<typeof encodeSpanBatch>[1]): Uint8Array {
  const spanBlocks = blocks.map((block) => ({ ...batchFields(block), isEpochStart: block.ref.sequenceNumber === 0n }))
  return channelBatch(batchVersion.span, encodeSpanBatch(spanBlocks, chain))
}

function singularBatches(blocks: readonly BatcherBlock[]): Uint8Array {
  return concatBytes(
    ...blocks.map((block) => channelBatch(batchVersion.singular, encodeSingularBatch(batchFields(block)))),
  )
}

function batchFields({ ref, transactions }: BatcherBlock) {
  return {
    parentHash: ref.parentHash,
    timestamp: ref.timestamp,
    epochNum: ref.l1Origin.number,
    epochHash: ref.l1Origin.hash,
    transactions,
  }
}
