import type { Target } from '../adapter/adapter.ts'
import { type ModelConfig, tilePositions } from '../model-config.ts'
import type { GpuKernels, KernelName, KernelParams } from './gpu-kernels.ts'
import type { GpuMatrix, GpuModel } from './gpu-model.ts'
import type { GpuBuffer } from './gpu-types.ts'
import type { GpuWorkspace, PlacedInput } from './gpu-workspace.ts'

/** An adapter on the GPU. */
export type GpuSlot = {
  readonly rank: number
  readonly weight: number
  readonly layers: readonly ReadonlyMap<Target, { readonly down: GpuMatrix; readonly up: GpuMatrix }>[]
}

/** What a session has on the GPU. */
export type GpuSessionState = {
  /** Per layer keys and values, per kv head, per position, element after element, a word each. */
  readonly cache: GpuBuffer
  readonly positions: number
  readonly slots: readonly GpuSlot[]
}

/** Positions of one session on their way through the model. */
export type GpuBatch = { readonly session: GpuSessionState; readonly first: number; readonly count: number }

const threads = 64
const rowsPerGroup = 8
const vectorsPerGroup = 4
const noWeight = 0xffffffff

/** Order of the kernels over a batch; docs/canonical-inference.md §5.8. Enqueues only. */
export class GpuPass {
  readonly #config: ModelConfig
  readonly #model: GpuModel
  readonly #at: GpuWorkspace
  readonly #kernels: GpuKernels

  constructor(config: ModelConfig, model: GpuModel, workspace: GpuWorkspace, kernels: GpuKernels) {
    this.#config = config
    this.#model = model
    this.#at = workspace
    this.#kernels = kernels
  }

  /** Tokens stand in the workspace. */
  embed(batch: GpuBatch): void {
    const { embedding } = this.#model
    const { dim } = this.#config
    const params = { n: dim, count: batch.count, y: this.#at.tokens, out: this.#at.residual, base: embedding.base }
    this.#elements(batch, 'embed', params, embedding.buffer, dim)
  }

  layer(batch: GpuBatch, index: number): void {
    const layer = this.#model.layers[index]
    if (layer === undefined) throw new RangeError(`layer ${index}`)
    const { heads, ffnDim } = this.#config
    const at = this.#at
    const linear = (target: Target, input: PlacedInput) => this.#linear(batch, layer[target], index, target, input)

    this.#norm(batch, layer.attentionNorm, at.residual, at.normed, at.input)
    for (const target of ['query', 'key', 'value'] as const) linear(target, at.input)
    this.#attention(batch, index)
    this.#quantise(batch, at.mix, heads * this.#config.headDim, at.mixInput)
    linear('output', at.mixInput)
    this.#sum(batch, at.residual, this.#outputOf('output'), at.middle)

    this.#norm(batch, layer.ffnNorm, at.middle, at.ffnNormed, at.ffnInput)
    for (const target of ['gate', 'up'] as const) linear(target, at.ffnInput)
    const gated = {
      n: ffnDim,
      count: batch.count,
      x: this.#outputOf('gate'),
      y: this.#outputOf('up'),
      out: at.activation,
    }
    this.#elements(batch, 'swiGlu', gated, layer.ffnNorm, ffnDim)
    this.#quantise(batch, at.activation, ffnDim, at.downInput)
    linear('down', at.downInput)
    this.#sum(batch, at.middle, this.#outputOf('down'), at.residual)
  }

  /** Logits of the `row`-th position of the batch. */
  head(batch: GpuBatch, row: number): void {
    const { finalNorm, head } = this.#model
    const { dim, vocab } = this.#config
    const at = this.#at
    const one = { ...batch, first: batch.first + row, count: 1 }
    this.#norm(one, finalNorm, at.residual + dim * row, at.headNormed, at.headInput)
    const places = { accumulators: at.headAccumulators, stride: vocab, y: at.logits }
    this.#product(one, head, at.headInput, places, noWeight)
  }

  #attention(batch: GpuBatch, layer: number): void {
    const { heads, kvHeads, headDim } = this.#config
    const at = this.#at
    const tiles = Math.floor((batch.first + batch.count - 1) / tilePositions(this.#config)) + 1
    const place = { count: batch.count, first: batch.first, layer, positions: batch.session.positions, tiles }
    const { finalNorm: unread } = this.#model
    const rope = (n: number, target: Target, width: number) => {
      const params = { ...place, n, x: this.#outputOf(target), out: at.rotated, heads: width }
      this.#elements(batch, 'rope', params, unread, width * headDim)
    }
    rope(0, 'query', heads)
    rope(1, 'key', kvHeads)
    rope(2, 'value', kvHeads)
    const bound = { weights: unread, cache: batch.session.cache }
    this.#kernels.dispatch('attend', { ...place, x: at.rotated, out: at.tiles }, bound, batch.count * heads, tiles)
    this.#elements(batch, 'join', { ...place, y: at.mix, out: at.tiles }, unread, heads * headDim)
  }

  #linear(batch: GpuBatch, matrix: GpuMatrix, layer: number, target: Target, input: PlacedInput): void {
    const y = this.#outputOf(target)
    const accumulators = this.#at.accumulators.get(target) ?? 0
    this.#product(batch, matrix, input, { accumulators, stride: matrix.rows, y }, noWeight)
    for (const [i, slot] of batch.session.slots.entries()) {
      const [pair, units] = [slot.layers[layer]?.get(target), this.#at.slots[i]?.get(target)]
      if (pair === undefined || units === undefined) continue
      this.#product(batch, pair.down, input, { accumulators: units.down, stride: slot.rank, y: units.low }, noWeight)
      this.#quantise(batch, units.low, slot.rank, units.input)
      this.#product(batch, pair.up, units.input, { accumulators: units.up, stride: matrix.rows, y }, slot.weight)
    }
  }

  #product(
    batch: GpuBatch,
    { rows, columns, buffer, base }: GpuMatrix,
    { values, scale }: PlacedInput,
    places: { readonly accumulators: number; readonly stride: number; readonly y: number },
    weight: number,
  ): void {
    const params = { ...places, n: rows, count: batch.count, columns, base, x: values, scale, weight }
    const bound = { weights: buffer, cache: batch.session.cache }
    const [x, y] = [Math.ceil(rows / rowsPerGroup), Math.ceil(batch.count / vectorsPerGroup)]
    this.#kernels.dispatch('linear', params, bound, x, y)
  }

  #norm(batch: GpuBatch, weights: GpuBuffer, x: number, out: number, input: PlacedInput): void {
    const { dim } = this.#config
    this.#kernels.dispatch('norm', { n: dim, x, out }, { weights, cache: batch.session.cache }, batch.count)
    this.#quantise(batch, out, dim, input)
  }

  #quantise(batch: GpuBatch, x: number, width: number, { values, scale }: PlacedInput): void {
    const bound = { weights: this.#model.finalNorm, cache: batch.session.cache }
    this.#kernels.dispatch('quantise', { n: width, x, out: values, scale }, bound, batch.count)
  }

  #sum(batch: GpuBatch, x: number, y: number, out: number): void {
    const { dim } = this.#config
    this.#elements(batch, 'add', { n: dim, count: batch.count, x, y, out }, this.#model.finalNorm, dim)
  }

  /** A kernel with a thread per element of `count` vectors. */
  #elements(batch: GpuBatch, name: KernelName, params: KernelParams, weights: GpuBuffer, width: number): void {
    const groups = Math.ceil((batch.count * width) / threads)
    this.#kernels.dispatch(name, params, { weights, cache: batch.session.cache }, groups)
  }

  #outputOf(target: Target): number {
    return this.#at.outputs.get(target) ?? 0
  }
}
