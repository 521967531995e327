import { type ModelConfig, tilePositions } from '../model-config.ts'
import type { Arena } from './arena.ts'

/** Positions that go through a layer together. */
export const batchMax = 32

/** Addresses of what a forward pass writes, for up to {@link batchMax} positions; sessions share it. */
export type Workspace = {
  /** Q16 per position: residual stream; a norm's or an activation's output; a linear's. */
  readonly residual: number
  readonly normed: number
  readonly linear: number
  readonly query: number
  readonly key: number
  readonly value: number
  readonly mix: number
  readonly gate: number
  readonly up: number
  readonly logits: number
  /** int16 per position: quantised input; rotated query. */
  readonly input: number
  readonly rotated: number
  /** Mantissa and exponent per position. */
  readonly scale: number
  readonly accumulators: number
  /** Scores of a tile; records of the tiles of one head. */
  readonly scores: number
  readonly tiles: number
}

export function takeWorkspace(config: ModelConfig, arena: Arena): Workspace {
  const { dim, heads, kvHeads, headDim, ffnDim, vocab, context } = config
  const [queryDim, kvDim] = [heads * headDim, kvHeads * headDim]
  const widest = Math.max(dim, queryDim, ffnDim)
  const words = (perPosition: number) => arena.take(4 * batchMax * perPosition)
  const tiles = Math.ceil(context / tilePositions(config))
  return {
    residual: words(dim),
    normed: words(widest),
    linear: words(dim),
    query: words(queryDim),
    key: words(kvDim),
    value: words(kvDim),
    mix: words(queryDim),
    gate: words(ffnDim),
    up: words(ffnDim),
    logits: arena.take(4 * vocab),
    input: arena.take(2 * batchMax * widest),
    rotated: arena.take(2 * batchMax * queryDim),
    scale: words(2),
    accumulators: arena.take(4 * Math.max(batchMax * widest, vocab)),
    scores: arena.take(4 * 128),
    tiles: arena.take(8 * tiles * (headDim + 2)),
  }
}
