import { rankMax, slotsMax, type Target, targetShape, targets } from '../adapter/adapter.ts'
import { type ModelConfig, narrowInput, tilePositions } from '../model-config.ts'

/** Positions that go through a layer together. */
export const gpuBatchMax = 16
/** Words of attention tiles; a batch has as many positions as fit. */
const tilesWordsMax = 2 ** 22

/** Place of quantised vectors, {@link inputsPerWord} elements to a word, and of their mantissas and exponents. */
export type PlacedInput = { readonly values: number; readonly scale: number }

/** Offsets in words of all that a pass writes, for up to {@link gpuBatchMax} positions. */
export type GpuWorkspace = {
  readonly tokens: number
  readonly residual: number
  readonly middle: number
  readonly normed: number
  readonly ffnNormed: number
  readonly activation: number
  readonly mix: number
  readonly outputs: ReadonlyMap<Target, number>
  readonly accumulators: ReadonlyMap<Target, number>
  readonly rotated: number
  readonly input: PlacedInput
  readonly mixInput: PlacedInput
  readonly ffnInput: PlacedInput
  readonly downInput: PlacedInput
  readonly slots: readonly ReadonlyMap<Target, PlacedSlotUnits>[]
  readonly tiles: number
  /** Words from here on belong to one head at a time. */
  readonly headNormed: number
  readonly headInput: PlacedInput
  readonly headAccumulators: number
  readonly logits: number
  readonly words: number
}

/** Units of an adapter and a target. */
export type PlacedSlotUnits = {
  readonly down: number
  readonly low: number
  readonly input: PlacedInput
  readonly up: number
}

/** Elements of a quantised vector in a word: int8, or int16 where they are wide. */
export function inputsPerWord({ inputMax }: ModelConfig): 2 | 4 {
  return inputMax > narrowInput ? 2 : 4
}

export function gpuWorkspace(config: ModelConfig): GpuWorkspace {
  const perWord = inputsPerWord(config)
  const { dim, heads, headDim, ffnDim, vocab } = config
  const longest = heads * tileWords(config, config.context - 1)
  let words = 0
  const take = (count: number) => {
    const place = words
    words += count
    return place
  }
  const vectors = (width: number) => take(gpuBatchMax * width)
  const input = (width: number): PlacedInput => ({ values: vectors(width / perWord), scale: vectors(2) })
  const perTarget = <T>(make: (target: Target) => T) => new Map(targets.map((target) => [target, make(target)]))
  const places = {
    tokens: vectors(1),
    residual: vectors(dim),
    middle: vectors(dim),
    normed: vectors(dim),
    ffnNormed: vectors(dim),
    activation: vectors(ffnDim),
    mix: vectors(heads * headDim),
    outputs: perTarget((target) => vectors(targetShape(config, target)[0])),
    accumulators: perTarget((target) => vectors(targetShape(config, target)[0])),
    rotated: vectors(heads * headDim),
    input: input(dim),
    mixInput: input(heads * headDim),
    ffnInput: input(dim),
    downInput: input(ffnDim),
    slots: Array.from({ length: slotsMax }, () =>
      perTarget((target) => ({
        down: vectors(rankMax),
        low: vectors(rankMax),
        input: input(rankMax),
        up: vectors(targetShape(config, target)[0]),
      })),
    ),
    tiles: take(Math.max(longest, Math.min(tilesWordsMax, gpuBatchMax * longest))),
    headNormed: take(dim),
    headInput: { values: take(dim / perWord), scale: take(2) },
    headAccumulators: take(vocab),
    logits: take(vocab),
  }
  return { ...places, words }
}

/** Words of the tiles of one head at a position: max, sum, and two for each element of the mix. */
export function tileWords(config: ModelConfig, position: number): number {
  return (Math.floor(position / tilePositions(config)) + 1) * (2 + 2 * config.headDim)
}

/** Positions of a batch whose last is `position`, so that their tiles have room. */
export function rowsOfBatch(config: ModelConfig, position: number): number {
  return Math.max(1, Math.min(gpuBatchMax, Math.floor(tilesWordsMax / (config.heads * tileWords(config, position)))))
}
