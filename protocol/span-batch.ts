import { bitAt, encodeBitlist, readBitlist } from './bitlist.ts'
import { concatBytes, FormatError, type Hex, hexToBytes } from './bytes.ts'
import {
  encodeSpanTxColumns,
  readSpanTxColumns,
  rebuildSpanTxs,
  type SpanTxColumns,
  spanTxColumns,
} from './span-batch-txs.ts'
import { encodeUvarint, readUvarint } from './uvarint.ts'

/** Blocks, and transactions in all, that a span batch may have. Spec: delta/span-batches.md, `MAX_SPAN_BATCH_ELEMENT_COUNT`. */
export const spanBatchElementsMax = 10_000_000

/** A span batch as it stands on L1. Spec: protocol/delta/span-batches.md, "Span batch format". */
export type RawSpanBatch = {
  /** Timestamp of the first block, relative to the L2 genesis. */
  readonly relTimestamp: bigint
  /** L1 origin of the last block. */
  readonly l1OriginNum: bigint
  /** First 20 bytes of the hash of the first block's parent. */
  readonly parentCheck: Uint8Array
  /** First 20 bytes of the hash of the last block's L1 origin. */
  readonly l1OriginCheck: Uint8Array
  readonly blockCount: number
  /** Bit i: block i has another L1 origin than the block before it. */
  readonly originBits: Uint8Array
  readonly blockTxCounts: readonly number[]
  readonly txs: SpanTxColumns
}

/** A block of a span with its L1 origin by number. */
export type SpanBatchElement = {
  readonly epochNum: bigint
  readonly timestamp: bigint
  readonly transactions: readonly Uint8Array[]
}

/** A span batch with its blocks rebuilt. */
export type SpanBatch = {
  readonly kind: 'span'
  readonly parentCheck: Uint8Array
  readonly l1OriginCheck: Uint8Array
  readonly blocks: readonly SpanBatchElement[]
}

/** What a chain's span batches are relative to. */
export type SpanBatchChain = { readonly genesisTimestamp: bigint; readonly blockTime: bigint; readonly chainId: bigint }

/** Content of a version 1 batch (without the version byte); bytes behind it are ignored. Throws {@link FormatError}. */
export function decodeSpanBatch(content: Uint8Array): RawSpanBatch {
  let position = 0
  const uvarint = () => {
    const { value, end } = readUvarint(content, position)
    position = end
    return value
  }
  const take = (length: number) => {
    if (position + length > content.length) throw new FormatError('span batch is cut short')
    position += length
    return content.subarray(position - length, position)
  }
  const relTimestamp = uvarint()
  const l1OriginNum = uvarint()
  const parentCheck = take(20)
  const l1OriginCheck = take(20)
  const blockCount = elementCount(uvarint(), 'blocks')
  if (blockCount === 0) throw new FormatError('span batch without blocks')
  const originBits = readBitlist(content, position, blockCount)
  position += originBits.length
  const blockTxCounts: number[] = []
  let total = 0
  for (let i = 0; i < blockCount; i++) {
    const count = elementCount(uvarint(), 'transactions')
    total += count
    if (total > spanBatchElementsMax)
      throw new FormatError(`span batch of more than ${spanBatchElementsMax} transactions`)
    blockTxCounts.push(count)
  }
  const { columns } = readSpanTxColumns(content, position, total)
  return { relTimestamp, l1OriginNum, parentCheck, l1OriginCheck, blockCount, originBits, blockTxCounts, txs: columns }
}

/** The content's bytes. */
export function encodeRawSpanBatch(batch: RawSpanBatch): Uint8Array {
  return concatBytes(
    encodeUvarint(batch.relTimestamp),
    encodeUvarint(batch.l1OriginNum),
    batch.parentCheck,
    batch.l1OriginCheck,
    encodeUvarint(batch.blockCount),
    batch.originBits,
    ...batch.blockTxCounts.map(encodeUvarint),
    encodeSpanTxColumns(batch.txs),
  )
}

/** Rebuilds the blocks. Throws {@link FormatError} where a transaction cannot be rebuilt. */
export function deriveSpanBatch(raw: RawSpanBatch, chain: SpanBatchChain): SpanBatch {
  const origins = spanL1Origins(raw)
  const txs = rebuildSpanTxs(raw.txs, chain.chainId)
  let next = 0
  const blocks = raw.blockTxCounts.map((count, i) => {
    const transactions = txs.slice(next, next + count)
    next += count
    const timestamp = BigInt.asUintN(64, chain.genesisTimestamp + raw.relTimestamp + BigInt(i) * chain.blockTime)
    return { epochNum: origins[i] ?? 0n, timestamp, transactions }
  })
  return { kind: 'span', parentCheck: raw.parentCheck, l1OriginCheck: raw.l1OriginCheck, blocks }
}

/**
 * L1 origin of each block, walked back from the last one's. Below 0 they wrap as op-node's 64-bit integers do: such a
 * span must reach the batch rules and be refused there, which discards the rest of its channel.
 */
export function spanL1Origins(raw: Pick<RawSpanBatch, 'l1OriginNum' | 'blockCount' | 'originBits'>): bigint[] {
  const origins = new Array<bigint>(raw.blockCount)
  let origin = raw.l1OriginNum
  for (let i = raw.blockCount - 1; i >= 0; i--) {
    origins[i] = origin
    if (bitAt(raw.originBits, i) === 1) origin = BigInt.asUintN(64, origin - 1n)
  }
  return origins
}

/** A block as the batcher puts it into a span: deposits removed. */
export type SpanBatchBlock = {
  readonly timestamp: bigint
  readonly parentHash: Hex
  readonly epochNum: bigint
  readonly epochHash: Hex
  /** The first block of its epoch. */
  readonly isEpochStart: boolean
  readonly transactions: readonly Uint8Array[]
}

/** Consecutive blocks as one span batch's content. Throws {@link FormatError} for none or for unencodable transactions. */
export function encodeSpanBatch(blocks: readonly SpanBatchBlock[], chain: SpanBatchChain): Uint8Array {
  return encodeRawSpanBatch(rawSpanBatch(blocks, chain))
}

function rawSpanBatch(blocks: readonly SpanBatchBlock[], chain: SpanBatchChain): RawSpanBatch {
  const [first, last] = [blocks[0], blocks.at(-1)]
  if (first === undefined || last === undefined) throw new FormatError('a span batch needs a block')
  const bits = blocks.map((block, i) => (i === 0 ? block.isEpochStart : block.epochNum !== blocks[i - 1]?.epochNum))
  return {
    relTimestamp: first.timestamp - chain.genesisTimestamp,
    l1OriginNum: last.epochNum,
    parentCheck: hexToBytes(first.parentHash).subarray(0, 20),
    l1OriginCheck: hexToBytes(last.epochHash).subarray(0, 20),
    blockCount: blocks.length,
    originBits: encodeBitlist(bits),
    blockTxCounts: blocks.map((block) => block.transactions.length),
    txs: spanTxColumns(
      blocks.flatMap((block) => block.transactions),
      chain.chainId,
    ),
  }
}

function elementCount(value: bigint, what: string): number {
  if (value > BigInt(spanBatchElementsMax)) throw new FormatError(`span batch of ${value} ${what}`)
  return Number(value)
}
