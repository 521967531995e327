import { roundShift } from '../integer.ts'
import { exp2Negative } from '../tables.ts'

/** Softmax over the positions of one tile, relative to the tile's own maximum. */
export type AttentionTile = {
  /** Largest score of the tile, base 2, Q16. */
  readonly max: number
  /** Σ of the tile's probabilities, 15 bits each. */
  readonly sum: number
  /** Σ probability · value, `headDim` of them, below 2^37. */
  readonly mix: Float64Array
}

export type ScoreScale = { readonly scoreMultiplier: number; readonly scoreShift: number }

/**
 * One head's query (int16 Q10, `headDim`) against the keys and values of a tile's positions (int16 Q10, position after
 * position). docs/canonical-inference.md §5.5.
 */
export function attendTile(
  query: Int16Array,
  keys: Int16Array,
  values: Int16Array,
  expTable: Uint32Array,
  { scoreMultiplier, scoreShift }: ScoreScale,
): AttentionTile {
  const headDim = query.length
  const scores: number[] = []
  for (let start = 0; start < keys.length; start += headDim) {
    let dot = 0
    for (let i = 0; i < headDim; i++) dot += (query[i] ?? 0) * (keys[start + i] ?? 0)
    scores.push(roundShift(dot * scoreMultiplier, scoreShift))
  }
  const max = Math.max(...scores)
  const mix = new Float64Array(headDim)
  let sum = 0
  for (const [position, score] of scores.entries()) {
    const probability = exp2Negative(expTable, max - score, 9)
    sum += probability
    for (let i = 0; i < headDim; i++) mix[i] = (mix[i] ?? 0) + probability * (values[position * headDim + i] ?? 0)
  }
  return { max, sum, mix }
}

/** Joins the tiles of one head; Q16, `headDim`. docs/canonical-inference.md §5.6. */
export function joinTiles(tiles: readonly AttentionTile[], expTable: Uint32Array): Int32Array {
  const max = Math.max(...tiles.map((tile) => tile.max))
  const factors = tiles.map((tile) => exp2Negative(expTable, max - tile.max, 9))
  const sum = tiles.reduce((total, tile, i) => total + tile.sum * (factors[i] ?? 0), 0)
  return Int32Array.from({ length: tiles[0]?.mix.length ?? 0 }, (_, i) => {
    let mix = 0n
    for (const [t, tile] of tiles.entries()) mix += BigInt((tile.mix[i] ?? 0) * (factors[t] ?? 0))
    return Number(roundDivBig(mix * 64n, BigInt(sum)))
  })
}

/** As `roundDiv`; bigint division truncates, so the sign is looked at. */
function roundDivBig(a: bigint, b: bigint): bigint {
  const [n, d] = [2n * a + b, 2n * b]
  return n >= 0n || n % d === 0n ? n / d : n / d - 1n
}
