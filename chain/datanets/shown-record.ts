import { LeafTree } from '../../attribution/suffix/item-tree.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { chunks, contentChunkBytes, proveChunk } from '../../protocol/content-hash.ts'
import { batchLeaf, batchRecordBytes, type ItemRecord } from '../../protocol/datanets/item-record.ts'

/** A contribution's record as the DatanetJudge takes it; in a batch `size` is that of all items up to it. */
export type ShownRecord = {
  readonly contribId: bigint
  readonly record: ItemRecord & { readonly metaHash: Hex }
  readonly siblings: readonly Hex[]
}

/** A chunk of 1 KiB of a content as the DatanetJudge takes it. */
export type ShownChunk = { readonly index: number; readonly data: Hex; readonly siblings: readonly Hex[] }

/** The tree of a batch's list, for whoever shows many of its items. */
export function batchTree(records: Uint8Array): LeafTree {
  return new LeafTree(chunks(records, batchRecordBytes))
}

/** The record of an item of a batch, out of the batch's list. Throws FormatError where the list has no such item. */
export function recordInBatch(
  records: Uint8Array,
  batch: { readonly firstId: bigint; readonly metaHash: Hex },
  contribId: bigint,
  tree: LeafTree = batchTree(records),
): ShownRecord {
  const index = Number(contribId - batch.firstId)
  const record = { ...batchLeaf(records, index), metaHash: batch.metaHash }
  return { contribId, record, siblings: tree.siblings(index) }
}

/** The first or last 1 KiB of a content with its way to the content hash. */
export function chunkOf(content: Uint8Array, which: 'first' | 'last'): ShownChunk {
  const index = which === 'first' ? 0 : Math.max(0, Math.ceil(content.length / contentChunkBytes) - 1)
  const { chunk, siblings } = proveChunk(content, contentChunkBytes, index)
  return { index, data: bytesToHex(chunk), siblings: siblings.map(bytesToHex) }
}
