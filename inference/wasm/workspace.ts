import { rankMax, slotsMax, targetShape, targets } from '../adapter/adapter.ts'
import { type ModelConfig, tilePositions } from '../model-config.ts'
import type { Arena } from './arena.ts'

/** Positions that go through a layer together. */
export const batchMax = 32
/** Heads of a pass run for so many positions at a time as fit these bytes. */
const logitsBytesMax = 2 ** 23
/** Tiles of a traced pass; it has as many positions as fit. */
const tilesBytesMax = 2 ** 25

/**
 * Addresses of what a pass writes, for up to {@link batchMax} positions; sessions share it. A layer's units all stay until the
 * next layer.
 */
export type Workspace = {
  /** Q16 per position: residual stream before and amid a layer. */
  readonly residual: number
  readonly middle: number
  /** Q16: outputs of norms and the activation. */
  readonly normed: number
  readonly ffnNormed: number
  readonly activation: number
  readonly mix: number
  /** Q16 outputs of linears. */
  readonly query: number
  readonly key: number
  readonly value: number
  readonly gate: number
  readonly up: number
  /** Of output and down. */
  readonly linear: number
  readonly rotated: number
  /** Quantised inputs. */
  readonly input: Quantised
  readonly mixInput: Quantised
  readonly ffnInput: Quantised
  readonly downInput: Quantised
  readonly headInput: Quantised
  /** Accumulators of a layer's linears, one record per position: the seven targets, then those of the adapters. */
  readonly record: number
  readonly recordWords: number
  /** Low-rank outputs and inputs of adapters: per part, per position, {@link rankMax} of each. */
  readonly low: number
  readonly lowInput: Quantised
  /** Per head position: norm, accumulators, logits; {@link headMax} of them. */
  readonly headNormed: number
  readonly headAccumulators: number
  readonly logits: number
  readonly headMax: number
  /** Scores of a tile, per thread. */
  readonly scores: number
  /** Records of attention tiles: of one head per thread, or, of a traced pass, of every head of every position. */
  readonly tiles: number
  readonly tilesBytes: number
}

/** int16 values; mantissa and exponent of each vector. */
export type Quantised = { readonly values: number; readonly scale: number }

export const scoresBytes = 4 * 128

export function takeWorkspace(config: ModelConfig, arena: Arena, threads: number): Workspace {
  const { dim, heads, kvHeads, headDim, ffnDim, vocab } = config
  const [queryDim, kvDim] = [heads * headDim, kvHeads * headDim]
  const words = (perPosition: number, positions = batchMax) => arena.take(4 * positions * perPosition)
  const quantised = (width: number, vectors = batchMax): Quantised => ({
    values: arena.take(2 * vectors * width),
    scale: arena.take(8 * vectors),
  })
  const headMax = Math.max(1, Math.min(batchMax, Math.floor(logitsBytesMax / (4 * vocab))))
  const parts = slotsMax * targets.length
  const rows = targets.reduce((sum, target) => sum + targetShape(config, target)[0], 0)
  const recordWords = rows + slotsMax * (rows + rankMax * targets.length)
  const oneHead = tilesOf(config, config.context - 1) * tileBytes(config)
  const tilesBytes = Math.max(threads * oneHead, heads * oneHead, Math.min(tilesBytesMax, batchMax * heads * oneHead))
  return {
    residual: words(dim),
    middle: words(dim),
    normed: words(dim),
    ffnNormed: words(dim),
    activation: words(ffnDim),
    mix: words(queryDim),
    query: words(queryDim),
    key: words(kvDim),
    value: words(kvDim),
    gate: words(ffnDim),
    up: words(ffnDim),
    linear: words(dim),
    rotated: arena.take(2 * batchMax * queryDim),
    input: quantised(dim),
    mixInput: quantised(queryDim),
    ffnInput: quantised(dim),
    downInput: quantised(ffnDim),
    headInput: quantised(dim, headMax),
    record: words(recordWords),
    recordWords,
    low: words(parts * rankMax),
    lowInput: quantised(rankMax, parts * batchMax),
    headNormed: words(dim, headMax),
    headAccumulators: words(vocab, headMax),
    logits: words(vocab, headMax),
    headMax,
    scores: arena.take(scoresBytes * threads),
    tiles: arena.take(tilesBytes),
    tilesBytes,
  }
}

/** Tiles that a position attends to. */
export function tilesOf(config: ModelConfig, position: number): number {
  return Math.floor(position / tilePositions(config)) + 1
}

/** Bytes of a tile's record: max, sum and mix of 64 bits each. */
export function tileBytes({ headDim }: ModelConfig): number {
  return 8 * (headDim + 2)
}
