import { createHash } from 'node:crypto'
import type { ChunkOpener } from '../../attribution/suffix/runs.ts'
import { bytesToHex, concatBytes, type Hex, uintBytes } from '../../protocol/bytes.ts'

const chunkEntries = 32

/**
 * The tree of a table of which few entries are known, however many there are: its other nodes are hashes of nothing. Opens
 * the chunks that are known.
 */
export class SparseTree implements ChunkOpener {
  readonly entries: number
  readonly #width: number
  readonly #chunks = new Map<number, Uint8Array>()
  readonly #depth: number
  readonly #nodes = new Map<string, Uint8Array>()

  /** `known`: entries of `width` bytes by their places; the others of their chunks are `filler`. */
  constructor(entries: number, width: number, known: ReadonlyMap<number, Uint8Array>, filler: Uint8Array) {
    this.entries = entries
    this.#width = width
    this.#depth = Math.ceil(Math.log2(Math.ceil(entries / chunkEntries)))
    for (const [place, entry] of known) {
      const chunk = Math.floor(place / chunkEntries)
      let bytes = this.#chunks.get(chunk)
      if (bytes === undefined) {
        const size = Math.min(chunkEntries, entries - chunk * chunkEntries)
        bytes = concatBytes(...Array.from({ length: size }, () => filler))
        this.#chunks.set(chunk, bytes)
      }
      bytes.set(entry, width * (place % chunkEntries))
    }
  }

  get root(): Hex {
    return bytesToHex(this.#node(this.#depth, 0))
  }

  open(chunk: number): Uint8Array {
    const bytes = this.#chunks.get(chunk)
    if (bytes === undefined) throw new Error(`chunk ${chunk} is not known`)
    const siblings = Array.from({ length: this.#depth }, (_, height) =>
      this.#node(height, Math.floor(chunk / 2 ** height) ^ 1),
    )
    return concatBytes(uintBytes(chunk, 4), bytes, ...siblings)
  }

  #node(height: number, place: number): Uint8Array {
    const key = `${height} ${place}`
    let node = this.#nodes.get(key)
    if (node === undefined) {
      node = this.#hash(height, place)
      this.#nodes.set(key, node)
    }
    return node
  }

  #hash(height: number, place: number): Uint8Array {
    const [first, end] = [place * 2 ** height, (place + 1) * 2 ** height]
    if (![...this.#chunks.keys()].some((chunk) => chunk >= first && chunk < end)) {
      return sha256(uintBytes(this.#width, 1), uintBytes(height, 1), uintBytes(place, 8))
    }
    const chunk = this.#chunks.get(place)
    if (height === 0 && chunk !== undefined) return sha256(Uint8Array.of(0), uintBytes(place, 4), chunk)
    return sha256(Uint8Array.of(1), this.#node(height - 1, 2 * place), this.#node(height - 1, 2 * place + 1))
  }
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}
