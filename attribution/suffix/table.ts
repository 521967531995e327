import { type Entries, HeldEntries } from './entries.ts'
import { separator } from './suffix-sort.ts'

/** Entries of a chunk: what SpanProof opens. */
export const chunkEntries = 32

/** Entries of one width behind each other, as they are hashed. */
export type Table = {
  /** Bytes of one entry. */
  readonly width: number
  readonly entries: number
  /** Entries from … to − 1, big-endian; good until the next read. */
  read(from: number, to: number): Uint8Array
}

/** A table of u32 in memory. */
export function uintTable(values: Uint32Array): Table {
  let bytes = Buffer.alloc(0)
  return {
    width: 4,
    entries: values.length,
    read(from, to) {
      const size = 4 * (to - from)
      if (bytes.length < size) bytes = Buffer.alloc(size)
      const slice = bytes.subarray(0, size)
      const part = values.subarray(from, to)
      slice.set(new Uint8Array(part.buffer, part.byteOffset, size))
      return slice.swap32()
    },
  }
}

/** Entries wherever they are, as a table of u32. */
export function entriesTable(entries: Entries): Table {
  if (entries instanceof HeldEntries) return uintTable(entries.values)
  return {
    width: 4,
    entries: entries.length,
    read(from, to) {
      const bytes = Buffer.alloc(4 * (to - from))
      for (let i = from; i < to; i++) bytes.writeUInt32BE(entries.at(i), 4 * (i - from))
      return bytes
    },
  }
}

/** The table of documents. */
export function documentTable(starts: Uint32Array, contribIds: BigUint64Array): Table {
  return {
    width: 12,
    entries: starts.length,
    read(from, to) {
      const bytes = Buffer.alloc(12 * (to - from))
      for (let d = from; d < to; d++) {
        bytes.writeUInt32BE(starts[d] as number, 12 * (d - from))
        bytes.writeBigUInt64BE(contribIds[d] as bigint, 12 * (d - from) + 4)
      }
      return bytes
    },
  }
}

/** What the table of offsets is made from. */
export type OffsetSource = {
  readonly n: number
  token(position: number): number
  /** Where the document begins that the position is in. */
  documentStart(position: number): number
}

/** Bytes of the document before each token: not kept, but counted when read. Reading in order costs one pass. */
export function offsetTable(source: OffsetSource, lengths: Uint32Array): Table {
  // The offset of the entry where the last read ended.
  let [position, offset] = [0, 0]
  const advance = () => {
    const token = source.token(position++)
    offset = token === separator ? 0 : offset + (lengths[token] as number)
  }
  return {
    width: 4,
    entries: source.n,
    read(from, to) {
      if (from !== position) [position, offset] = [source.documentStart(from), 0]
      while (position < from) advance()
      const bytes = Buffer.alloc(4 * (to - from))
      while (position < to) {
        bytes.writeUInt32BE(offset, 4 * (position - from))
        advance()
      }
      return bytes
    },
  }
}
