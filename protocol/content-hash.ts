import { createHash } from 'node:crypto'
import { bytesToHex, equalBytes, FormatError, type Hex, hexToBytes } from './bytes.ts'

/** Chunk of content: large enough that a proof is short, small enough that a chunk fits a transaction. */
export const contentChunkBytes = 1024
/** Leaves have a 32-bit index. */
const leavesMax = 2 ** 32

/** A chunk with the siblings that lead to the root. */
export type ChunkProof = {
  readonly index: number
  /** Number of leaves; a claim about an index is only as good as this number, so the verifier must know it. */
  readonly count: number
  readonly chunk: Uint8Array
  /** From the leaf upwards. */
  readonly siblings: readonly Uint8Array[]
}

/** The hash under which a content is stored and named on chain: the Merkle root over its 1 KiB chunks. */
export function contentHash(bytes: Uint8Array): Hex {
  return merkleRoot(bytes, contentChunkBytes)
}

/** Hashes between two turns of {@link contentHashInTurns}: some ms of work. */
const hashesPerTurn = 512

/** {@link contentHash} for large content on a thread that has other work: waits for `turn` now and then. */
export async function contentHashInTurns(bytes: Uint8Array, turn: () => Promise<void>): Promise<Hex> {
  let hashes = 0
  let level: Uint8Array[] = []
  for (const [index, item] of chunks(bytes, contentChunkBytes).entries()) {
    level.push(leafHash(index, item))
    if (++hashes % hashesPerTurn === 0) await turn()
  }
  for (let height = 0; level.length > 1; height++) {
    const above: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2) {
      above.push(nodeHash(level[i] ?? absentLeaf, level[i + 1] ?? absentNode(height)))
      if (++hashes % hashesPerTurn === 0) await turn()
    }
    level = above
  }
  return bytesToHex(level[0] ?? absentLeaf)
}

/**
 * SHA-256 Merkle root of `bytes` cut into chunks: leaf `0x00 ‖ index u32 ‖ chunk`, node `0x01 ‖ left ‖ right`, a perfect
 * tree of depth ⌈log2 n⌉ whose absent leaves are 32 zero bytes. Empty content is one empty chunk.
 */
export function merkleRoot(bytes: Uint8Array, chunkBytes: number): Hex {
  return bytesToHex(merkleRootOf(chunks(bytes, chunkBytes)))
}

/** As {@link merkleRoot}, of items that need not have one size. Throws {@link FormatError} for none. */
export function merkleRootOf(items: readonly Uint8Array[]): Uint8Array {
  const levels = merkleLevels(items)
  return levels[levels.length - 1]?.[0] ?? absentLeaf
}

/** Proof that chunk `index` of `bytes` is under {@link merkleRoot}. */
export function proveChunk(bytes: Uint8Array, chunkBytes: number, index: number): ChunkProof {
  const items = chunks(bytes, chunkBytes)
  const chunk = items[index]
  if (chunk === undefined) throw new FormatError(`chunk ${index} of ${items.length}`)
  const levels = merkleLevels(items)
  const siblings = levels.slice(0, -1).map((level, height) => level[(index >> height) ^ 1] ?? absentNode(height))
  return { index, count: items.length, chunk, siblings }
}

/** True where the proof leads to `root` and its index is one of the tree's `count` leaves. */
export function verifyChunk(root: Hex, proof: ChunkProof): boolean {
  const { index, count, chunk, siblings } = proof
  const inRange = Number.isSafeInteger(count) && count >= 1 && count <= leavesMax && Number.isInteger(index)
  if (!inRange || index < 0 || index >= count || siblings.length !== treeDepth(count)) return false
  let node = leafHash(index, chunk)
  let position = index
  for (const sibling of siblings) {
    node = position % 2 === 0 ? nodeHash(node, sibling) : nodeHash(sibling, node)
    position = Math.floor(position / 2)
  }
  return equalBytes(node, hexToBytes(root))
}

/** Cuts bytes into chunks; the last may be shorter, and empty bytes are one empty chunk. */
export function chunks(bytes: Uint8Array, chunkBytes: number): Uint8Array[] {
  if (!Number.isInteger(chunkBytes) || chunkBytes < 1) throw new FormatError(`chunk size ${chunkBytes}`)
  const list: Uint8Array[] = []
  for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
    list.push(bytes.subarray(offset, offset + chunkBytes))
  }
  return list.length === 0 ? [bytes] : list
}

const absentLeaf = new Uint8Array(32)

/** Level 0 are the leaves; absent nodes on the right are not stored. */
export function merkleLevels(items: readonly Uint8Array[]): Uint8Array[][] {
  if (items.length === 0 || items.length > leavesMax) throw new FormatError(`a tree of ${items.length} leaves`)
  let level = items.map((item, index) => leafHash(index, item))
  const levels = [level]
  for (let height = 0; level.length > 1; height++) {
    const above: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2) {
      above.push(nodeHash(level[i] ?? absentLeaf, level[i + 1] ?? absentNode(height)))
    }
    levels.push(above)
    level = above
  }
  return levels
}

function treeDepth(count: number): number {
  return Math.ceil(Math.log2(count))
}

const absentNodes: Uint8Array[] = [absentLeaf]

/** The node over absent leaves only, at a height. */
export function absentNode(height: number): Uint8Array {
  for (let i = absentNodes.length; i <= height; i++) {
    const below = absentNodes[i - 1] ?? absentLeaf
    absentNodes.push(nodeHash(below, below))
  }
  return absentNodes[height] ?? absentLeaf
}

export function leafHash(index: number, chunk: Uint8Array): Uint8Array {
  const prefix = new Uint8Array(5)
  new DataView(prefix.buffer).setUint32(1, index)
  return new Uint8Array(createHash('sha256').update(prefix).update(chunk).digest())
}

const nodePrefix = Uint8Array.of(1)

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(nodePrefix).update(left).update(right).digest())
}
