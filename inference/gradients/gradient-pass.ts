import type { Target } from '../adapter/adapter.ts'
import { InferenceError } from '../inference-error.ts'
import type { CanonicalModel } from '../model.ts'
import { FloatMemory } from './float-memory.ts'
import { type GradientKernels, loadGradientKernels } from './gradient-kernels.ts'
import { GradientWorkspace, type LayerSpace } from './gradient-workspace.ts'
import { type Block, blocksOf, checkShape, type LoraShape, parameterCount } from './lora-shape.ts'
import {
  dequantiseRows,
  type PlacedLayer,
  type PlacedLinear,
  type PlacedWeights,
  placeWeights,
} from './placed-weights.ts'

/** A text whose tokens from place `from` on are predicted, each from those before it. */
export type Example = { readonly tokens: readonly number[]; readonly from: number }

/** D and Uᵀ of one target, their places in the gradients, and both with rows and columns swapped. */
type PlacedPair = {
  readonly down: Block
  readonly up: Block
  readonly downTurned: number
  readonly upTurned: number
}

/**
 * A model with one LoRA adapter in floats: the loss of a text and its gradient by the adapter's parameters. Every number is
 * computed by the kernels in a fixed order, so that all machines have the same bits. docs/GRADIENTS.md.
 */
export class GradientPass {
  readonly blocks: readonly Block[]
  readonly parameterCount: number
  readonly memory = new FloatMemory()
  readonly kernels: GradientKernels
  /** Addresses of all parameters and their gradients. */
  readonly parametersAt: number
  readonly gradientsAt: number
  readonly #model: CanonicalModel
  readonly shape: LoraShape
  readonly #length: number
  readonly #embedding: Float32Array
  readonly #weights: PlacedWeights
  readonly #pairs: readonly ReadonlyMap<Target, PlacedPair>[]
  readonly #space: GradientWorkspace

  /** `length`: most positions of a text. Throws {@link InferenceError} for a shape or a length that the model cannot have. */
  constructor(model: CanonicalModel, shape: LoraShape, length: number) {
    checkShape(shape)
    if (!Number.isInteger(length) || length < 1 || length > model.config.context) {
      throw new InferenceError('context', `texts of ${length} positions, the model has ${model.config.context}`)
    }
    this.#model = model
    this.shape = shape
    this.#length = length
    this.#embedding = dequantiseRows(model.embedding, 1)
    this.#weights = placeWeights(model, this.memory)
    this.blocks = blocksOf(model.config, shape)
    this.parameterCount = parameterCount(model.config, shape)
    this.parametersAt = this.memory.takeFloats(this.parameterCount)
    this.gradientsAt = this.memory.takeFloats(this.parameterCount)
    this.#pairs = this.#placePairs()
    this.#space = new GradientWorkspace(this.memory, model.config, shape, length)
    this.kernels = loadGradientKernels(this.memory.memory)
  }

  /** A view of the moment. Whoever writes to it calls {@link refresh}. */
  get parameters(): Float32Array {
    return this.memory.floats(this.parametersAt, this.parameterCount)
  }

  /** A view of the moment. */
  get gradients(): Float32Array {
    return this.memory.floats(this.gradientsAt, this.parameterCount)
  }

  /** After the parameters changed. */
  refresh(): void {
    const { rank } = this.shape
    for (const { down, up, downTurned, upTurned } of this.#pairs.flatMap((pairs) => [...pairs.values()])) {
      this.kernels.transpose(this.parametersAt + 4 * down.offset, down.columns, rank, down.columns, downTurned, rank)
      this.kernels.transpose(this.parametersAt + 4 * up.offset, up.columns, rank, up.columns, upTurned, rank)
    }
  }

  /** Mean nats a predicted token. Throws {@link InferenceError} for a text that the model cannot be given. */
  loss(example: Example): number {
    return this.#forward(example, 0)
  }

  /** As {@link loss}; adds `weight` times its gradient to {@link gradients}. */
  accumulate(example: Example, weight: number): number {
    const loss = this.#forward(example, weight)
    this.#backward(example)
    return loss
  }

  #placePairs(): Map<Target, PlacedPair>[] {
    const pairs = Array.from({ length: this.#model.config.layers }, () => new Map<Target, PlacedPair>())
    for (const down of this.blocks.filter(({ side }) => side === 'down')) {
      const up = this.blocks.find((one) => one.side === 'up' && one.layer === down.layer && one.target === down.target)
      if (up === undefined) throw new Error('blocks come in pairs')
      const turned = ({ columns }: Block) => this.memory.takeFloats(columns * this.shape.rank)
      pairs[down.layer]?.set(down.target, { down, up, downTurned: turned(down), upTurned: turned(up) })
    }
    return pairs
  }

  /** Leaves the logits' gradient, times `weight`, in their place. */
  #forward({ tokens, from }: Example, weight: number): number {
    const { config } = this.#model
    const rows = tokens.length - 1
    if (rows < 1 || rows > this.#length) {
      throw new InferenceError('context', `a text of ${tokens.length} tokens, must be 2 to ${this.#length + 1}`)
    }
    if (!Number.isInteger(from) || from < 1 || from > rows) {
      throw new InferenceError('context', `nothing to predict from token ${from} on, of ${tokens.length}`)
    }
    const space = this.#space
    this.#embed(tokens)
    for (const [i, layer] of this.#weights.layers.entries()) {
      this.#forwardLayer(layer, i, rows, space.layers[i + 1]?.input ?? space.output)
    }
    const { dim, vocab } = config
    const [first, count] = [from - 1, tokens.length - from]
    const skipped = 4 * first * dim
    const epsilon = config.epsilon / 2 ** 32
    const { outputInput, outputInverses, logits } = space
    this.kernels.normForward(
      space.output + skipped,
      this.#weights.finalNorm,
      count,
      dim,
      epsilon,
      outputInput,
      outputInverses,
    )
    this.#linear(this.#weights.head, outputInput, logits, count)
    let nats = 0
    for (let i = 0; i < count; i++) {
      const at = logits + 4 * i * this.#weights.head.paddedRows
      nats += this.kernels.crossEntropy(at, vocab, tokens[from + i] as number, weight / count)
    }
    return nats / count
  }

  #embed(tokens: readonly number[]): void {
    const { dim, vocab } = this.#model.config
    const bad = tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= vocab)
    if (bad !== undefined) throw new InferenceError('token', `token ${bad} is not one of ${vocab}`)
    const first = this.#space.layers[0]?.input ?? this.#space.output
    const out = this.memory.floats(first, (tokens.length - 1) * dim)
    for (let i = 0; i + 1 < tokens.length; i++) {
      const token = tokens[i] as number
      out.set(this.#embedding.subarray(token * dim, (token + 1) * dim), i * dim)
    }
  }

  #forwardLayer(layer: PlacedLayer, index: number, rows: number, out: number): void {
    const { dim, ffnDim } = this.#model.config
    const { kernels } = this
    const epsilon = this.#model.config.epsilon / 2 ** 32
    const s = this.#layerSpace(index)
    kernels.normForward(s.input, layer.attentionNorm, rows, dim, epsilon, s.attentionInput, s.attentionInverses)
    this.#adapted(layer, index, 'query', s.attentionInput, s.query, rows)
    this.#adapted(layer, index, 'key', s.attentionInput, s.key, rows)
    this.#adapted(layer, index, 'value', s.attentionInput, s.value, rows)
    this.#rotate(s.query, s.key, rows, 1)
    this.#attend(s, rows)
    this.#adapted(layer, index, 'output', s.mix, s.middle, rows)
    kernels.addTo(s.input, s.middle, rows * dim)
    kernels.normForward(s.middle, layer.ffnNorm, rows, dim, epsilon, s.ffnInput, s.ffnInverses)
    this.#adapted(layer, index, 'gate', s.ffnInput, s.gate, rows)
    this.#adapted(layer, index, 'up', s.ffnInput, s.up, rows)
    kernels.swiGluForward(s.gate, s.up, rows * ffnDim, s.activation)
    this.#adapted(layer, index, 'down', s.activation, out, rows)
    kernels.addTo(s.middle, out, rows * dim)
  }

  #attend(s: LayerSpace, rows: number): void {
    const { heads, kvHeads, headDim } = this.#model.config
    const { kernels } = this
    const { headTurned } = this.#space
    const [padded, queryDim, kvDim] = [Math.ceil(rows / 8) * 8, heads * headDim, kvHeads * headDim]
    for (let head = 0; head < heads; head++) {
      const kv = 4 * headDim * Math.floor(head / (heads / kvHeads))
      const [own, p] = [4 * headDim * head, s.probabilities + 4 * head * rows * padded]
      kernels.transpose(s.key + kv, kvDim, rows, headDim, headTurned, padded)
      kernels.multiply(s.query + own, queryDim, headTurned, padded, 8, p, padded, rows, headDim, padded, false)
      kernels.causalSoftmax(p, padded, rows, 1 / Math.sqrt(headDim))
      kernels.multiply(p, padded, s.value + kv, kvDim, 8, s.mix + own, queryDim, rows, rows, headDim, false)
    }
  }

  #backward({ tokens, from }: Example): void {
    const { dim } = this.#model.config
    const space = this.#space
    const [rows, count, skipped] = [tokens.length - 1, tokens.length - from, 4 * (from - 1) * dim]
    this.memory.floats(space.dStream, rows * dim).fill(0)
    this.#linearBack(this.#weights.head, space.logits, space.dInput, count, false)
    this.kernels.normBackward(
      space.output + skipped,
      this.#weights.finalNorm,
      space.outputInverses,
      space.dInput,
      count,
      dim,
      space.dStream + skipped,
    )
    for (let i = this.#weights.layers.length - 1; i >= 0; i--) {
      this.#backwardLayer(this.#weights.layers[i] as PlacedLayer, i, rows)
    }
  }

  #backwardLayer(layer: PlacedLayer, index: number, rows: number): void {
    const { dim, ffnDim } = this.#model.config
    const { kernels } = this
    const { dStream, dInput, dActivation, dMix, dQuery, dKey, dValue } = this.#space
    const s = this.#layerSpace(index)
    this.#adaptedBack(layer, index, 'down', s.activation, dStream, dActivation, rows, false)
    kernels.swiGluBackward(s.gate, s.up, dActivation, rows * ffnDim)
    this.#adaptedBack(layer, index, 'gate', s.ffnInput, s.gate, dInput, rows, false)
    this.#adaptedBack(layer, index, 'up', s.ffnInput, s.up, dInput, rows, true)
    kernels.normBackward(s.middle, layer.ffnNorm, s.ffnInverses, dInput, rows, dim, dStream)
    this.#adaptedBack(layer, index, 'output', s.mix, dStream, dMix, rows, false)
    this.#attendBack(s, rows)
    this.#rotate(dQuery, dKey, rows, -1)
    this.#adaptedBack(layer, index, 'query', s.attentionInput, dQuery, dInput, rows, false)
    this.#adaptedBack(layer, index, 'key', s.attentionInput, dKey, dInput, rows, true)
    this.#adaptedBack(layer, index, 'value', s.attentionInput, dValue, dInput, rows, true)
    kernels.normBackward(s.input, layer.attentionNorm, s.attentionInverses, dInput, rows, dim, dStream)
  }

  #attendBack(s: LayerSpace, rows: number): void {
    const { heads, kvHeads, headDim } = this.#model.config
    const { kernels } = this
    const { dMix, dQuery, dKey, dValue, dProbabilities, headTurned, turned } = this.#space
    const [padded, queryDim, kvDim] = [Math.ceil(rows / 8) * 8, heads * headDim, kvHeads * headDim]
    this.memory.floats(dKey, rows * kvDim).fill(0)
    this.memory.floats(dValue, rows * kvDim).fill(0)
    for (let head = 0; head < heads; head++) {
      const kv = 4 * headDim * Math.floor(head / (heads / kvHeads))
      const [own, p] = [4 * headDim * head, s.probabilities + 4 * head * rows * padded]
      kernels.transpose(p, padded, rows, rows, turned, padded)
      kernels.multiply(turned, padded, dMix + own, queryDim, 8, dValue + kv, kvDim, rows, rows, headDim, true)
      kernels.transpose(s.value + kv, kvDim, rows, headDim, headTurned, padded)
      kernels.multiply(
        dMix + own,
        queryDim,
        headTurned,
        padded,
        8,
        dProbabilities,
        padded,
        rows,
        headDim,
        padded,
        false,
      )
      kernels.softmaxBackward(p, dProbabilities, padded, rows, 1 / Math.sqrt(headDim))
      kernels.multiply(dProbabilities, padded, s.key + kv, kvDim, 8, dQuery + own, queryDim, rows, rows, headDim, false)
      kernels.transpose(dProbabilities, padded, rows, rows, turned, padded)
      kernels.multiply(turned, padded, s.query + own, queryDim, 8, dKey + kv, kvDim, rows, rows, headDim, true)
    }
  }

  #rotate(query: number, key: number, rows: number, sign: number): void {
    const { heads, kvHeads, headDim } = this.#model.config
    const { cos, sin } = this.#weights
    this.kernels.rotate(query, cos, sin, rows, heads, headDim / 2, sign)
    this.kernels.rotate(key, cos, sin, rows, kvHeads, headDim / 2, sign)
  }

  /** A linear with what the adapter adds to it. */
  #adapted(layer: PlacedLayer, index: number, target: Target, x: number, out: number, rows: number): void {
    const linear = layer[target]
    this.#linear(linear, x, out, rows)
    const pair = this.#pairs[index]?.get(target)
    const low = this.#layerSpace(index).low[target]
    if (pair === undefined || low === undefined) return
    const { rank } = this.shape
    const up = this.parametersAt + 4 * pair.up.offset
    this.kernels.multiply(x, linear.columns, pair.downTurned, rank, 8, low, rank, rows, linear.columns, rank, false)
    this.kernels.multiply(low, rank, up, linear.rows, 8, out, linear.rows, rows, rank, linear.rows, true)
  }

  /** Gradient of {@link #adapted}'s input, put to `dx` or added to it, and of its pair. */
  #adaptedBack(
    layer: PlacedLayer,
    index: number,
    target: Target,
    x: number,
    dOut: number,
    dx: number,
    rows: number,
    add: boolean,
  ): void {
    const linear = layer[target]
    this.#linearBack(linear, dOut, dx, rows, add)
    const pair = this.#pairs[index]?.get(target)
    const low = this.#layerSpace(index).low[target]
    if (pair === undefined || low === undefined) return
    const { rank } = this.shape
    const { kernels } = this
    const { dLow, lowTurned } = this.#space
    const [gradientDown, gradientUp] = [pair.down, pair.up].map(({ offset }) => this.gradientsAt + 4 * offset)
    const [outs, ins] = [linear.rows, linear.columns]
    kernels.transpose(low, rank, rows, rank, lowTurned, rows)
    kernels.multiply(lowTurned, rows, dOut, outs, 8, gradientUp as number, outs, rank, rows, outs, true)
    kernels.multiply(dOut, outs, pair.upTurned, rank, 8, dLow, rank, rows, outs, rank, false)
    kernels.transpose(dLow, rank, rows, rank, lowTurned, rows)
    kernels.multiply(lowTurned, rows, x, ins, 8, gradientDown as number, ins, rank, rows, ins, true)
    kernels.multiply(dLow, rank, this.parametersAt + 4 * pair.down.offset, ins, 8, dx, ins, rows, rank, ins, true)
  }

  #linear({ columns, paddedRows, forward }: PlacedLinear, x: number, out: number, rows: number): void {
    this.kernels.multiply(x, columns, forward, 8, 8 * columns, out, paddedRows, rows, columns, paddedRows, false)
  }

  #linearBack(linear: PlacedLinear, dOut: number, dx: number, rows: number, add: boolean): void {
    const { rows: outs, columns, paddedRows, backward } = linear
    this.kernels.multiply(dOut, paddedRows, backward, 8, 8 * outs, dx, columns, rows, outs, columns, add)
  }

  #layerSpace(index: number): LayerSpace {
    const space = this.#space.layers[index]
    if (space === undefined) throw new RangeError(`layer ${index}`)
    return space
  }
}
