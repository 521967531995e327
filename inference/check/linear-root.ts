import { hash } from 'node:crypto'
import { leafBytes, type TraceExtent, type TraceLayout } from '../trace/layout.ts'
import { linearSlabs } from '../trace/proof-file.ts'

/**
 * Root of the linear tree over slabs 1, 2, …, each its records one after another. docs/canonical-inference.md §12. Hashes go as
 * strings of 32 bytes: to make a buffer of each costs more than the hash.
 */
export function linearRoot(layout: TraceLayout, extent: TraceExtent, slabs: readonly Uint8Array[]): Uint8Array {
  let row = new Map<number, string>()
  for (const { slab, from, bytes: size } of linearSlabs(layout, extent)) {
    const recordBytes = size / (extent.positions - from)
    for (let position = from; position < extent.positions; position++) {
      const first = layout.leafIndex('linear', slab, position, 0)
      const at = (position - from) * recordBytes
      putLeaves(row, first, slabs[slab - 1]?.subarray(at, at + recordBytes) ?? new Uint8Array(0))
    }
  }
  for (let height = 0; height < layout.depth('linear'); height++) row = above(row)
  return Buffer.from(row.get(0) ?? absent, 'latin1')
}

const absent = '\0'.repeat(32)
const prefixBytes = 5
const leaf = Buffer.alloc(prefixBytes + leafBytes.linear)
const pair = Buffer.alloc(65)
pair[0] = 1

function putLeaves(row: Map<number, string>, first: number, record: Uint8Array): void {
  for (let at = 0, index = first; at < record.length; at += leafBytes.linear, index++) {
    const bytes = record.subarray(at, at + leafBytes.linear)
    leaf.writeUInt32BE(index, 1)
    leaf.set(bytes, prefixBytes)
    row.set(index, hash('sha256', leaf.subarray(0, prefixBytes + bytes.length), 'binary'))
  }
}

/** The nodes over a level's, in the order in which their left ends come. */
function above(below: ReadonlyMap<number, string>): Map<number, string> {
  const row = new Map<number, string>()
  for (const index of below.keys()) {
    const parent = Math.floor(index / 2)
    if (row.has(parent)) continue
    pair.write(below.get(2 * parent) ?? absent, 1, 'latin1')
    pair.write(below.get(2 * parent + 1) ?? absent, 33, 'latin1')
    row.set(parent, hash('sha256', pair, 'binary'))
  }
  return row
}
