import { concatBytes, equalBytes } from '../../protocol/bytes.ts'
import { absent, leafHash, nodeHash } from './hash.ts'
import type { TraceHead } from './head.ts'
import { leafBytes, leavesOf, type TraceLayout, type TraceTree } from './layout.ts'
import type { CommittedTrace } from './opening.ts'
import { ProofError, type ProofReader } from './proof-file.ts'

/** Bytes `from` … `to − 1` of a slab's records, of the positions from `first` on. */
export type SlabPart = {
  readonly tree: TraceTree
  readonly slab: number
  readonly first: number
  readonly from: number
  readonly to: number
}

/**
 * Shows a part of a slab: of every position the leaves that hold it and the nodes beside them that are there, lower ones and left ones
 * first, or the node over a record of which nothing is wanted; then the siblings of the slab. docs/canonical-inference.md §12.5.
 */
export function encodeSlabPart(trace: CommittedTrace, part: SlabPart): Uint8Array {
  const { tree, slab, first } = part
  const { layout, head } = trace
  const bits = layout.bits[tree]
  const parts: Uint8Array[] = []
  for (let position = 0; position < head.positions; position++) {
    const record = layout.leafIndex(tree, slab, position, 0)
    const nodeDepth = layout.depth(tree) - bits.leaf
    if (layout.recordBytes(tree, slab, position, head) === 0) continue
    if (position < first) parts.push(trace.node(tree, nodeDepth, record / 2 ** bits.leaf))
    else {
      const run = runOf(layout, part, position, head)
      const bytes = trace.record(tree, slab, position)
      parts.push(bytes.subarray(run.first * leafBytes[tree], run.end * leafBytes[tree]))
      for (const { height, index } of besides(run)) {
        parts.push(trace.node(tree, layout.depth(tree) - height, record / 2 ** height + index))
      }
    }
  }
  for (let depth = bits.slab, index = slab; depth > 0; depth--, index = Math.floor(index / 2)) {
    parts.push(trace.node(tree, depth, index % 2 === 0 ? index + 1 : index - 1))
  }
  return concatBytes(...parts)
}

/** What a part shows: of each position from `first` on the bytes wanted. Throws {@link ProofError} `tampered` where they are not under the root. */
export function decodeSlabPart(
  reader: ProofReader,
  layout: TraceLayout,
  head: TraceHead,
  part: SlabPart,
): readonly Uint8Array[] {
  const { tree, slab, first, from, to } = part
  const bits = layout.bits[tree]
  const wanted: Uint8Array[] = []
  let row: Uint8Array[] = []
  for (let position = 0; position < head.positions; position++) {
    const length = layout.recordBytes(tree, slab, position, head)
    if (length === 0) row.push(absent)
    else if (position < first) row.push(reader.take(32))
    else {
      const run = runOf(layout, part, position, head)
      const start = run.first * leafBytes[tree]
      const bytes = reader.take(Math.min(length, run.end * leafBytes[tree]) - start)
      wanted.push(bytes.subarray(from - start, to - start))
      row.push(recordNode(layout, part, position, run, bytes, reader))
    }
  }
  for (let height = 0; height < bits.position; height++) row = above(row)
  let node = row[0] ?? absent
  for (let height = 0, index = slab; height < bits.slab; height++, index = Math.floor(index / 2)) {
    const sibling = reader.take(32)
    node = index % 2 === 0 ? nodeHash(node, sibling) : nodeHash(sibling, node)
  }
  const root = tree === 'linear' ? head.linearRoot : head.derivedRoot
  if (!equalBytes(node, root)) throw new ProofError('tampered', `slab ${slab} is not under the ${tree} root`)
  return wanted
}

/** Leaves `first` … `end − 1` of a record of `count`, in a tree of `levels`. */
type LeafRun = { readonly first: number; readonly end: number; readonly count: number; readonly levels: number }

function runOf(layout: TraceLayout, { tree, slab, from, to }: SlabPart, position: number, head: TraceHead): LeafRun {
  const count = leavesOf(tree, layout.recordBytes(tree, slab, position, head))
  const [first, end] = [Math.floor(from / leafBytes[tree]), Math.ceil(to / leafBytes[tree])]
  return { first, end, count, levels: layout.bits[tree].leaf }
}

/** Nodes beside a run's way up that hold leaves: `index` counts those of the record at a height. */
function besides({ first, end, count, levels }: LeafRun): { readonly height: number; readonly index: number }[] {
  const list: { height: number; index: number }[] = []
  let [left, right] = [first, end - 1]
  for (let height = 0; height < levels; height++) {
    if (left % 2 === 1) list.push({ height, index: left - 1 })
    if (right % 2 === 0 && (right + 1) * 2 ** height < count) list.push({ height, index: right + 1 })
    left = Math.floor(left / 2)
    right = Math.floor(right / 2)
  }
  return list
}

function recordNode(
  layout: TraceLayout,
  { tree, slab }: SlabPart,
  position: number,
  run: LeafRun,
  bytes: Uint8Array,
  reader: ProofReader,
): Uint8Array {
  const base = layout.leafIndex(tree, slab, position, run.first)
  let row = Array.from({ length: run.end - run.first }, (_, i) =>
    leafHash(base + i, bytes.subarray(i * leafBytes[tree], (i + 1) * leafBytes[tree])),
  )
  let [left, right] = [run.first, run.end - 1]
  for (let height = 0; height < run.levels; height++) {
    if (left % 2 === 1) row.unshift(reader.take(32))
    if (right % 2 === 0 && (right + 1) * 2 ** height < run.count) row.push(reader.take(32))
    row = above(row)
    left = Math.floor(left / 2)
    right = Math.floor(right / 2)
  }
  return row[0] ?? absent
}

function above(row: readonly Uint8Array[]): Uint8Array[] {
  return Array.from({ length: Math.ceil(row.length / 2) }, (_, i) =>
    nodeHash(row[2 * i] ?? absent, row[2 * i + 1] ?? absent),
  )
}
