import { bytesToHex, concatBytes, type Hex, hexToBytes, uintBytes } from '../../protocol/bytes.ts'
import {
  type ChunkProof,
  contentChunkBytes,
  contentHash,
  proveChunk,
  verifyChunk,
} from '../../protocol/content-hash.ts'
import { itemTree, type VersionItem } from '../suffix/item-tree.ts'
import type { Passage } from './passages.ts'
import { RetrievalError } from './retrieval-error.ts'

/** Shows that a citation's bytes are a contribution's, and the contribution one of a Datanet version. */
export type CitationProof = {
  /** The record `contribId u64 ‖ contentHash` under the version's `itemsRoot`. */
  readonly item: ChunkProof
  /** The content's chunks that the citation touches, ascending. */
  readonly chunks: readonly ChunkProof[]
}

/** Items: those of the version, in order. Throws {@link RetrievalError} `unproven` where the content is not the item's. */
export function proveCitation(
  items: readonly VersionItem[],
  content: Uint8Array,
  { contribId, start, end }: Passage,
): CitationProof {
  const place = items.findIndex((item) => item.contribId === contribId)
  const item = items[place]
  if (item === undefined) throw new RetrievalError('unproven', `contribution ${contribId} is not in the version`)
  if (contentHash(content) !== item.contentHash || start >= end || end > content.length) {
    throw new RetrievalError('unproven', `contribution ${contribId} has no bytes ${start} to ${end} such as these`)
  }
  const siblings = itemTree(items).siblings(place).map(hexToBytes)
  const [first, last] = chunksOf({ start, end })
  return {
    item: { index: place, count: items.length, chunk: recordOf(item), siblings },
    chunks: Array.from({ length: last - first + 1 }, (_, i) => proveChunk(content, contentChunkBytes, first + i)),
  }
}

/** The bytes that a citation names. Throws {@link RetrievalError} `unproven` where the proof does not show them. */
export function citedBytes(itemsRoot: Hex, { contribId, start, end }: Passage, proof: CitationProof): Uint8Array {
  const { item, chunks } = proof
  const isItem =
    item.chunk.length === 40 && bytesToHex(item.chunk.subarray(0, 8)) === bytesToHex(uintBytes(contribId, 8))
  if (!isItem || !verifyChunk(itemsRoot, item)) {
    throw new RetrievalError('unproven', `contribution ${contribId} is not shown to be in the version`)
  }
  const root = bytesToHex(item.chunk.subarray(8))
  const [first, last] = chunksOf({ start, end })
  const isWhole = start < end && chunks.length === last - first + 1
  const isShown = chunks.every((chunk, i) => {
    const isFull = chunk.chunk.length === contentChunkBytes || chunk.index === chunk.count - 1
    return chunk.index === first + i && isFull && verifyChunk(root, chunk)
  })
  const bytes = concatBytes(...chunks.map(({ chunk }) => chunk))
  const from = start - first * contentChunkBytes
  if (!isWhole || !isShown || from + end - start > bytes.length) {
    throw new RetrievalError('unproven', `contribution ${contribId}: bytes ${start} to ${end} are not shown`)
  }
  return bytes.subarray(from, from + end - start)
}

function chunksOf({ start, end }: { readonly start: number; readonly end: number }): readonly [number, number] {
  return [Math.floor(start / contentChunkBytes), Math.floor((end - 1) / contentChunkBytes)]
}

function recordOf({ contribId, contentHash: hash }: VersionItem): Uint8Array {
  return concatBytes(uintBytes(contribId, 8), hexToBytes(hash))
}
