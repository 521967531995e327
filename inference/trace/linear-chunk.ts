import { CodedError } from '../../common/errors.ts'
import { concatBytes, equalBytes } from '../../protocol/bytes.ts'
import { absent, foldNodes, leafHashes, nodeHash } from './hash.ts'
import type { TraceHead } from './head.ts'
import type { TraceExtent, TraceLayout } from './layout.ts'
import type { CommittedTrace } from './opening.ts'

/** Records of a chunk have so many bytes at most, where one alone has not more. docs/canonical-inference.md §12.5. */
const recordsBytesMax = 2 ** 20

/** `truncated`: bytes are missing. `oversized`: more than belong to it. `tampered`: not what the linearRoot commits to. */
export class ChunkError extends CodedError<'truncated' | 'oversized' | 'tampered'> {}

/** Records `first` … `end − 1` of a slab of the linear tree, under the node `levels` of positions above them. */
export type LinearChunk = {
  readonly slab: number
  readonly first: number
  readonly end: number
  readonly levels: number
  readonly recordBytes: number
}

/** A chunk's records in order; views of what was sent. */
export type LinearRecords = LinearChunk & { readonly records: readonly Uint8Array[] }

/** All chunks of a trace in the order in which they are sent. */
export function linearChunks(layout: TraceLayout, extent: TraceExtent): LinearChunk[] {
  const { positions, tin } = extent
  const chunks: LinearChunk[] = []
  for (let slab = 1; slab < layout.slabs.linear; slab++) {
    const recordBytes = layout.recordBytes('linear', slab, positions - 1, extent)
    if (recordBytes === 0) continue
    const fitting = Math.floor(Math.log2(recordsBytesMax / recordBytes))
    const levels = Math.max(0, Math.min(layout.bits.linear.position, fitting))
    const begin = slab > layout.config.layers ? tin - 1 : 0
    for (let start = Math.floor(begin / 2 ** levels) * 2 ** levels; start < positions; start += 2 ** levels) {
      const [first, end] = [Math.max(begin, start), Math.min(positions, start + 2 ** levels)]
      chunks.push({ slab, first, end, levels, recordBytes })
    }
  }
  return chunks
}

/** Bytes of an encoded chunk. */
export function linearChunkBytes(layout: TraceLayout, { first, end, levels, recordBytes }: LinearChunk): number {
  return (end - first) * recordBytes + 32 * siblingCount(layout, levels)
}

export function encodeLinearChunk(trace: CommittedTrace, chunk: LinearChunk): Uint8Array {
  const { slab, first, end, levels } = chunk
  const { layout } = trace
  const records = Array.from({ length: end - first }, (_, i) => trace.record('linear', slab, first + i))
  let index = nodeIndex(layout, chunk)
  const siblings: Uint8Array[] = []
  for (let depth = siblingCount(layout, levels); depth > 0; depth--) {
    siblings.push(trace.node('linear', depth, index % 2 === 0 ? index + 1 : index - 1))
    index = Math.floor(index / 2)
  }
  return concatBytes(...records, ...siblings)
}

/** The records of a chunk that was sent. Throws {@link ChunkError} for anything but what the head commits to. */
export function decodeLinearChunk(
  layout: TraceLayout,
  head: TraceHead,
  chunk: LinearChunk,
  bytes: Uint8Array,
): LinearRecords {
  const { slab, first, end, recordBytes } = chunk
  const length = linearChunkBytes(layout, chunk)
  const name = `chunk of slab ${slab}, positions ${first} to ${end - 1}`
  if (bytes.length < length) throw new ChunkError('truncated', `${name}: ${bytes.length} of ${length} bytes`)
  if (bytes.length > length) throw new ChunkError('oversized', `${name}: ${bytes.length} bytes, not ${length}`)
  const records = Array.from({ length: end - first }, (_, i) => bytes.subarray(i * recordBytes, (i + 1) * recordBytes))
  let node = chunkNode(layout, chunk, records)
  let index = nodeIndex(layout, chunk)
  for (let at = (end - first) * recordBytes; at < length; at += 32) {
    const sibling = bytes.subarray(at, at + 32)
    node = index % 2 === 0 ? nodeHash(node, sibling) : nodeHash(sibling, node)
    index = Math.floor(index / 2)
  }
  if (!equalBytes(node, head.linearRoot)) throw new ChunkError('tampered', `${name} is not under the root`)
  return { ...chunk, records }
}

/** The node over a chunk's records. */
function chunkNode(layout: TraceLayout, { slab, first, levels }: LinearChunk, records: readonly Uint8Array[]) {
  const roots = records.map((record, i) => {
    const hashes = leafHashes('linear', layout.leafIndex('linear', slab, first + i, 0), record)
    return foldNodes(hashes, layout.bits.linear.leaf)
  })
  return foldNodes([...Array(first % 2 ** levels).fill(absent), ...roots], levels)
}

/** Its place among the nodes of its height. */
function nodeIndex(layout: TraceLayout, { slab, first, levels }: LinearChunk): number {
  return Math.floor((slab * 2 ** layout.bits.linear.position + first) / 2 ** levels)
}

function siblingCount(layout: TraceLayout, levels: number): number {
  return layout.bits.linear.slab + layout.bits.linear.position - levels
}
