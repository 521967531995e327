import type { L1Source } from '../../node/l1/l1-source.ts'
import { decodeBatch, readChannelBatch } from '../../protocol/batch.ts'
import { decodeBlob } from '../../protocol/blob-codec.ts'
import { concatBytes, type Hex } from '../../protocol/bytes.ts'
import { decompressChannel } from '../../protocol/channel-compression.ts'
import { type Frame, parseFrames } from '../../protocol/frame.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import { deriveSpanBatch } from '../../protocol/span-batch.ts'

/** An L2 block found on L1. */
export type PostedBlock = {
  readonly kind: 'singular' | 'span'
  readonly timestamp: bigint
  readonly transactions: readonly Uint8Array[]
  readonly l1Block: bigint
}

/**
 * All L2 blocks in complete channels on L1, in the order in which their channels were completed: what a verifier reads,
 * by the shortest way and without its rules. Frames must come in order, as Holocene wants it.
 */
export async function postedBlocks(
  config: RollupConfig,
  l1: L1Source,
  upTo: bigint,
  batcher: Hex,
): Promise<PostedBlock[]> {
  const found: PostedBlock[] = []
  let channel: Frame[] = []
  for (let number = 0n; number <= upTo; number++) {
    for (const item of await itemsOf(config, l1, number, batcher)) {
      for (const frame of parseFrames(item)) {
        if (frame.frameNumber === 0) channel = []
        if (frame.frameNumber !== channel.length) throw new Error('a frame out of order')
        if (channel.some((other) => other.channelId !== frame.channelId)) throw new Error('a frame of another channel')
        channel.push(frame)
        if (!frame.isLast) continue
        for (const block of await channelBlocks(config, channel)) found.push({ ...block, l1Block: number })
        channel = []
      }
    }
  }
  return found
}

async function itemsOf(config: RollupConfig, l1: L1Source, number: bigint, batcher: Hex): Promise<Uint8Array[]> {
  const ref = await l1.blockRefByNumber(number)
  if (ref === undefined) return []
  const items: Uint8Array[] = []
  let blobIndex = 0
  for (const tx of await l1.transactions(ref.hash)) {
    const hashes = tx.blobVersionedHashes.map((hash, i) => ({ hash, index: blobIndex + i }))
    blobIndex += hashes.length
    if (tx.to !== config.batchInboxAddress || tx.sender() !== batcher) continue
    if (tx.type === 3) items.push(...(await l1.blobs(ref, hashes)).map(decodeBlob))
    else items.push(tx.data)
  }
  return items
}

async function channelBlocks(config: RollupConfig, frames: readonly Frame[]) {
  const data = await decompressChannel(concatBytes(...frames.map((frame) => frame.data)), true, 100_000_000)
  const chain = { genesisTimestamp: config.genesis.l2Time, blockTime: config.blockTime, chainId: config.l2ChainId }
  const blocks: Omit<PostedBlock, 'l1Block'>[] = []
  let offset = 0
  for (let next = readChannelBatch(data, offset); next !== undefined; next = readChannelBatch(data, offset)) {
    offset = next.end
    const batch = decodeBatch(next.data)
    if (batch.kind === 'singular') blocks.push(batch)
    else blocks.push(...deriveSpanBatch(batch.raw, chain).blocks.map((block) => ({ ...block, kind: 'span' as const })))
  }
  return blocks
}
