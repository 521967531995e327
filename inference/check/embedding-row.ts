import { concatBytes, FormatError } from '../../protocol/bytes.ts'
import { type ChunkProof, verifyChunk } from '../../protocol/content-hash.ts'
import { rowLeafBytes } from '../model-file.ts'
import type { KeptModel } from './kept-model.ts'

/**
 * A token's row of the embedding from its leaves, first to last, each with its way to the root of the embedding's weights.
 * Throws {@link FormatError} where they do not show it.
 */
export function embeddingRow(
  { config, embeddingRoot }: KeptModel,
  token: number,
  leaves: readonly ChunkProof[],
): Int8Array {
  const size = rowLeafBytes(config.dim)
  const perRow = config.dim / size
  const isShown =
    leaves.length === perRow &&
    leaves.every(
      (leaf, i) =>
        leaf.index === token * perRow + i &&
        leaf.count === config.vocab * perRow &&
        leaf.chunk.length === size &&
        verifyChunk(embeddingRoot, leaf),
    )
  if (!isShown) throw new FormatError(`the embedding of token ${token} is not shown`)
  const bytes = concatBytes(...leaves.map(({ chunk }) => chunk))
  return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}
