import { absentNode, type ChunkProof, chunks, merkleLevels } from '../../protocol/content-hash.ts'
import type { Matrix } from '../model.ts'
import { rowLeafBytes } from '../model-file.ts'

/** Rows of a model's embedding under the root of its weights. */
export class EmbeddingProofs {
  readonly #leaves: readonly Uint8Array[]
  readonly #levels: readonly (readonly Uint8Array[])[]
  readonly #perRow: number

  constructor({ weights, columns }: Matrix) {
    const size = rowLeafBytes(columns)
    this.#leaves = chunks(new Uint8Array(weights.buffer, weights.byteOffset, weights.length), size)
    this.#levels = merkleLevels(this.#leaves)
    this.#perRow = columns / size
  }

  /** Leaves of a token's row. */
  row(token: number): ChunkProof[] {
    const levels = this.#levels.slice(0, -1)
    return Array.from({ length: this.#perRow }, (_, i) => {
      const index = token * this.#perRow + i
      const chunk = this.#leaves[index]
      if (chunk === undefined) throw new RangeError(`the embedding has no row ${token}`)
      const siblings = levels.map((level, height) => level[Math.floor(index / 2 ** height) ^ 1] ?? absentNode(height))
      return { index, count: this.#leaves.length, chunk, siblings }
    })
  }
}
