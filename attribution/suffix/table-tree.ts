import { concatBytes, uintBytes } from '../../protocol/bytes.ts'
import { SuffixError } from './suffix-error.ts'
import { chunkEntries, type Table } from './table.ts'
import { digestBytes, leafHashes, nodeHashes } from './tree-hashes.ts'

/** Nodes below this height are not kept, but hashed again when one of their chunks is opened. */
const keptHeight = 6
const keptChunks = 2 ** keptHeight

/** The SHA-256 tree over a table: root and openings, docs/ATTRIBUTION.md §2. Keeps one byte in 64 of the table. */
export class TableTree {
  readonly #table: Table
  readonly #chunks: number
  readonly #depth: number
  /** Nodes of one height after the other, from `keptHeight` or the top. */
  readonly #kept: readonly Buffer[]

  /** Throws {@link SuffixError} `size` for a table of no entries. */
  constructor(table: Table) {
    if (table.entries === 0) throw new SuffixError('size', 'a table of no entries')
    this.#table = table
    this.#chunks = Math.ceil(table.entries / chunkEntries)
    this.#depth = Math.ceil(Math.log2(this.#chunks))
    const low = Math.min(keptHeight, this.#depth)
    let level: Buffer = Buffer.alloc(32 * Math.ceil(this.#chunks / keptChunks))
    for (let i = 0; 32 * i < level.length; i++) level.set(this.#under(i).at(-1) ?? level, 32 * i)
    const kept = [level]
    for (let height = low; height < this.#depth; height++) {
      level = nodeHashes(level, absentNode(height))
      kept.push(level)
    }
    this.#kept = kept
  }

  get root(): Uint8Array {
    return new Uint8Array(this.#kept.at(-1) ?? [])
  }

  /** `index u32 ‖ entries ‖ siblings` of a chunk. */
  open(chunk: number): Uint8Array {
    if (!Number.isInteger(chunk) || chunk < 0 || chunk >= this.#chunks) {
      throw new SuffixError('size', `chunk ${chunk} of ${this.#chunks}`)
    }
    const levels = [...this.#under(Math.floor(chunk / keptChunks)).slice(0, -1), ...this.#kept]
    const low = levels.length - this.#kept.length
    const siblings: Uint8Array[] = []
    for (let height = 0; height < this.#depth; height++) {
      const place = Math.floor(chunk / 2 ** height)
      // Levels below `low` are those of the chunk's own part of the tree.
      const at = 32 * ((height < low ? place % 2 ** (keptHeight - height) : place) ^ 1)
      const level = levels[height]
      siblings.push(level !== undefined && at < level.length ? level.subarray(at, at + 32) : absentNode(height))
    }
    return concatBytes(uintBytes(chunk, 4), this.#entries(chunk, chunk + 1), ...siblings)
  }

  #entries(fromChunk: number, toChunk: number): Uint8Array {
    return this.#table.read(chunkEntries * fromChunk, Math.min(this.#table.entries, chunkEntries * toChunk))
  }

  /** The levels of one part of the tree, from its leaves to its node of height `keptHeight`, or the top. */
  #under(part: number): Buffer[] {
    const [first, end] = [keptChunks * part, Math.min(this.#chunks, keptChunks * (part + 1))]
    const bytes = this.#entries(first, end)
    let level = leafHashes(first, bytes, chunkEntries * this.#table.width)
    const levels = [level]
    for (let height = 0; height < Math.min(keptHeight, this.#depth); height++) {
      level = nodeHashes(level, absentNode(height))
      levels.push(level)
    }
    return levels
  }
}

const absentNodes: Buffer[] = [Buffer.alloc(digestBytes)]

function absentNode(height: number): Buffer {
  for (let i = absentNodes.length; i <= height; i++) {
    const below = absentNodes[i - 1] as Buffer
    absentNodes.push(nodeHashes(below, below))
  }
  return absentNodes[height] as Buffer
}
