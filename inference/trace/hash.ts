import { hash } from 'node:crypto'
import { leafBytes, type TraceTree } from './layout.ts'

/** What stands where nothing is, at every height. docs/canonical-inference.md §12.1. */
export const absent: Uint8Array = new Uint8Array(32)

/** Hashes as strings of a character a byte, for who makes many: to make a buffer of each costs as much as the hash of a node. */
export const absentText: string = '\0'.repeat(32)

const prefixBytes = 5
const leaf = Buffer.alloc(prefixBytes + Math.max(...Object.values(leafBytes)))
const pair = Buffer.alloc(65)
pair[0] = 1

/** One call of the hash on one buffer, here and below: half of what two updates cost. */
export function leafText(index: number, bytes: Uint8Array): string {
  const length = prefixBytes + bytes.length
  const whole = length > leaf.length ? Buffer.alloc(length) : leaf.subarray(0, length)
  whole.writeUInt32BE(index, 1)
  whole.set(bytes, prefixBytes)
  return hash('sha256', whole, 'binary')
}

export function nodeText(left: string, right: string): string {
  pair.write(left, 1, 'latin1')
  pair.write(right, 33, 'latin1')
  return hash('sha256', pair, 'binary')
}

export function bytesOfText(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'))
}

export function leafHash(index: number, bytes: Uint8Array): Uint8Array {
  return bytesOfText(leafText(index, bytes))
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left === absent && right === absent) return absent
  pair.set(left, 1)
  pair.set(right, 33)
  return bytesOfText(hash('sha256', pair, 'binary'))
}

/** Hashes of a record's leaves; `firstIndex` is its first one's. */
export function leafHashes(tree: TraceTree, firstIndex: number, record: Uint8Array): Uint8Array[] {
  const size = leafBytes[tree]
  return Array.from({ length: Math.ceil(record.length / size) }, (_, i) =>
    leafHash(firstIndex + i, record.subarray(i * size, (i + 1) * size)),
  )
}

/** {@link foldNodes} of nodes as strings; what is undefined is absent, and undefined is a node over absent ones. */
export function foldTexts(nodes: readonly (string | undefined)[], levels: number): string | undefined {
  let row = nodes
  for (let level = 0; level < levels; level++) {
    const above: (string | undefined)[] = []
    for (let i = 0; i < row.length; i += 2) {
      const [left, right] = [row[i], row[i + 1]]
      above.push(
        left === undefined && right === undefined ? undefined : nodeText(left ?? absentText, right ?? absentText),
      )
    }
    row = above
  }
  return row[0]
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
