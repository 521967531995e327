import type { Target } from '../adapter/adapter.ts'
import type { ModelConfig } from '../model-config.ts'
import type { FloatMemory } from './float-memory.ts'
import type { LoraShape } from './lora-shape.ts'

/** Addresses of what a layer's forward pass leaves for its backward pass. */
export type LayerSpace = {
  /** Residual stream before attention, and behind it. */
  readonly input: number
  readonly middle: number
  readonly attentionInput: number
  readonly attentionInverses: number
  readonly query: number
  readonly key: number
  readonly value: number
  /** Per head positions × padded positions. */
  readonly probabilities: number
  readonly mix: number
  readonly ffnInput: number
  readonly ffnInverses: number
  readonly gate: number
  readonly up: number
  readonly activation: number
  /** `x · Dᵀ`, positions × rank. */
  readonly low: { readonly [Name in Target]?: number }
}

/** Room for one text of at most `length` positions. */
export class GradientWorkspace {
  readonly layers: readonly LayerSpace[]
  readonly output: number
  readonly outputInput: number
  readonly outputInverses: number
  readonly logits: number
  /** Gradients of what has the same name. */
  readonly dStream: number
  readonly dInput: number
  readonly dQuery: number
  readonly dKey: number
  readonly dValue: number
  readonly dMix: number
  readonly dActivation: number
  readonly dProbabilities: number
  /** A head's keys or values with rows and columns swapped, and a matrix of probabilities. */
  readonly headTurned: number
  readonly turned: number
  readonly dLow: number
  readonly lowTurned: number

  constructor(memory: FloatMemory, config: ModelConfig, { rank, targets }: LoraShape, length: number) {
    const { dim, heads, kvHeads, headDim, ffnDim, vocab } = config
    const padded = Math.ceil(length / 8) * 8
    const take = (columns: number) => memory.takeFloats(length * columns)
    const [queryDim, kvDim, paddedVocab] = [heads * headDim, kvHeads * headDim, Math.ceil(vocab / 8) * 8]
    this.layers = Array.from({ length: config.layers }, () => ({
      input: take(dim),
      middle: take(dim),
      attentionInput: take(dim),
      attentionInverses: take(1),
      query: take(queryDim),
      key: take(kvDim),
      value: take(kvDim),
      probabilities: take(heads * padded),
      mix: take(queryDim),
      ffnInput: take(dim),
      ffnInverses: take(1),
      gate: take(ffnDim),
      up: take(ffnDim),
      activation: take(ffnDim),
      low: Object.fromEntries(targets.map((target) => [target, take(rank)])),
    }))
    this.output = take(dim)
    this.outputInput = take(dim)
    this.outputInverses = take(1)
    this.logits = take(paddedVocab)
    this.dStream = take(dim)
    this.dInput = take(dim)
    this.dQuery = take(queryDim)
    this.dKey = take(kvDim)
    this.dValue = take(kvDim)
    this.dMix = take(queryDim)
    this.dActivation = take(ffnDim)
    this.dProbabilities = take(padded)
    this.headTurned = memory.takeFloats(headDim * padded)
    this.turned = take(padded)
    this.dLow = take(rank)
    this.lowTurned = take(rank)
  }
}
