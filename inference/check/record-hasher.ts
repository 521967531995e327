import { absentText, foldTexts, leafText } from '../trace/hash.ts'
import { nativeKernels } from './native-kernels.ts'

/** Bytes of a node; zeros are what is absent. docs/canonical-inference.md §12.1. */
export const nodeBytes = 32

/** Trees of SHA-256 over records. */
export type RecordHasher = {
  /**
   * Writes the node over the leaves of each of `count` records, which lie one behind the other and have 2^levels indexes each from
   * `firstIndex` on, to `out`.
   */
  recordNodes(
    records: Uint8Array,
    count: number,
    firstIndex: number,
    leafBytes: number,
    levels: number,
    out: Uint8Array,
  ): void
  /** The node `levels` above a row of at most 2^levels nodes becomes the first of them. */
  foldNodes(nodes: Uint8Array, levels: number): void
}

/** By Node's hash, one leaf after the other. */
export const plainHasher: RecordHasher = {
  recordNodes(records, count, firstIndex, leafBytes, levels, out) {
    const bytes = records.length / count
    for (let i = 0; i < count; i++) {
      const record = records.subarray(i * bytes, (i + 1) * bytes)
      const leaves: string[] = []
      for (let at = 0; at < bytes; at += leafBytes) {
        leaves.push(leafText(firstIndex + i * 2 ** levels + leaves.length, record.subarray(at, at + leafBytes)))
      }
      writeText(foldTexts(leaves, levels) ?? absentText, out, i)
    }
  },
  foldNodes(nodes, levels) {
    const all = Buffer.from(nodes.buffer, nodes.byteOffset, nodes.length).toString('latin1')
    const texts = Array.from({ length: nodes.length / nodeBytes }, (_, i) => {
      const text = all.slice(i * nodeBytes, (i + 1) * nodeBytes)
      return text === absentText ? undefined : text
    })
    writeText(foldTexts(texts, levels) ?? absentText, nodes, 0)
  },
}

function writeText(text: string, out: Uint8Array, node: number): void {
  for (let i = 0; i < nodeBytes; i++) out[node * nodeBytes + i] = text.charCodeAt(i)
}

/** Four leaves at once where there is an addon. Same hashes either way. */
export function recordHasher(): RecordHasher {
  return nativeKernels() ?? plainHasher
}
