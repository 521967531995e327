import { createHash, hash } from 'node:crypto'
import { leafBytes, type TraceTree } from './layout.ts'

/** What stands where nothing is, at every height. docs/canonical-inference.md §12.1. */
export const absent: Uint8Array = new Uint8Array(32)

const leafPrefix = Buffer.alloc(5)
const pair = Buffer.alloc(65)
pair[0] = 1

export function leafHash(index: number, bytes: Uint8Array): Uint8Array {
  leafPrefix.writeUInt32BE(index, 1)
  return plain(createHash('sha256').update(leafPrefix).update(bytes).digest())
}

/** One call of the hash on one buffer: half of what two updates cost. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left === absent && right === absent) return absent
  pair.set(left, 1)
  pair.set(right, 33)
  return plain(hash('sha256', pair, 'buffer'))
}

/** Hashes of a record's leaves; `firstIndex` is its first one's. */
export function leafHashes(tree: TraceTree, firstIndex: number, record: Uint8Array): Uint8Array[] {
  const size = leafBytes[tree]
  return Array.from({ length: Math.ceil(record.length / size) }, (_, i) =>
    leafHash(firstIndex + i, record.subarray(i * size, (i + 1) * size)),
  )
}

/** The node `levels` above a row of nodes that begins at a multiple of 2^levels; what is missing on the right is absent. */
export function foldNodes(nodes: readonly Uint8Array[], levels: number): Uint8Array {
  let row = nodes
  for (let level = 0; level < levels; level++) {
    const above: Uint8Array[] = []
    for (let i = 0; i < row.length; i += 2) above.push(nodeHash(row[i] ?? absent, row[i + 1] ?? absent))
    row = above
  }
  return row[0] ?? absent
}

function plain({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length)
}
