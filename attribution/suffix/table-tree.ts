import { hash } from 'node:crypto'
import { concatBytes, uintBytes } from '../../protocol/bytes.ts'
import { SuffixError } from './suffix-error.ts'
import { chunkEntries, type Table } from './table.ts'

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
      level = above(level, height)
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
    const chunkBytes = chunkEntries * this.#table.width
    let level: Buffer = Buffer.alloc(32 * (end - first))
    for (let i = first; i < end; i++) {
      leafHash(i, bytes.subarray(chunkBytes * (i - first), chunkBytes * (i - first + 1)), level, 32 * (i - first))
    }
    const levels = [level]
    for (let height = 0; height < Math.min(keptHeight, this.#depth); height++) {
      level = above(level, height)
      levels.push(level)
    }
    return levels
  }
}

/** The level over `level`, whose nodes have that height. */
function above(level: Buffer, height: number): Buffer {
  const size = level.length / 32
  const up = Buffer.alloc(32 * Math.ceil(size / 2))
  for (let i = 0; i < size; i += 2) {
    node.set(level.subarray(32 * i, 32 * i + 64), 1)
    if (i + 1 === size) node.set(absentNode(height), 33)
    up.write(hash('sha256', node, 'binary'), 16 * i, 'latin1')
  }
  return up
}

// Strings of one byte a character: the quickest that Node gives a digest of something small.
const node = Buffer.from([1, ...new Uint8Array(64)])
let leaf = Buffer.alloc(0)

function leafHash(index: number, chunk: Uint8Array, target: Buffer, at: number): void {
  if (leaf.length < 5 + chunk.length) leaf = Buffer.alloc(5 + chunk.length)
  leaf.writeUInt32BE(index, 1)
  leaf.set(chunk, 5)
  target.write(hash('sha256', leaf.subarray(0, 5 + chunk.length), 'binary'), at, 'latin1')
}

const absentNodes: Buffer[] = [Buffer.alloc(32)]

function absentNode(height: number): Buffer {
  for (let i = absentNodes.length; i <= height; i++) {
    const below = absentNodes[i - 1] as Buffer
    absentNodes.push(Buffer.from(hash('sha256', Buffer.concat([Buffer.from([1]), below, below]), 'hex'), 'hex'))
  }
  return absentNodes[height] as Buffer
}
