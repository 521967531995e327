import { type Target, targetShape, targets } from '../adapter/adapter.ts'
import { type ModelConfig, tilePositions } from '../model-config.ts'
import type { Op, Trace } from '../trace.ts'
import type { GpuBatch } from './gpu-pass.ts'
import { type GpuWorkspace, inputsPerWord, type PlacedInput } from './gpu-workspace.ts'

/** Keys and values of a layer for the positions of a batch: per side, per kv head, per position. */
export type CachedWords = Int32Array

/** Tells the units of a batch from copies of the workspace. */
export class GpuTrace {
  readonly #config: ModelConfig
  readonly #at: GpuWorkspace
  readonly #batch: GpuBatch
  readonly #trace: Trace

  constructor(config: ModelConfig, workspace: GpuWorkspace, batch: GpuBatch, trace: Trace) {
    this.#config = config
    this.#at = workspace
    this.#batch = batch
    this.#trace = trace
  }

  embedded(words: Int32Array): void {
    const { dim } = this.#config
    for (let row = 0; row < this.#batch.count; row++) {
      this.#tell(
        'embedding',
        row,
        0,
        words.subarray(this.#at.residual + dim * row, this.#at.residual + dim * (row + 1)),
      )
    }
  }

  layer(index: number, words: Int32Array, cached: CachedWords): void {
    for (let row = 0; row < this.#batch.count; row++) this.#layerOf(index, words, cached, row)
  }

  /** `words` begins where the head's units do. */
  head(row: number, words: Int32Array): void {
    const { dim, vocab } = this.#config
    const at = this.#at
    const from = (place: number, count: number) => words.subarray(place - at.headNormed, place - at.headNormed + count)
    this.#tell('finalNorm', row, 0, from(at.headNormed, dim))
    this.#tell('headScale', row, 0, from(at.headInput.scale, 2))
    this.#tell('headInput', row, 0, this.#elementsOf(from(at.headInput.values, dim / this.#perWord)))
    this.#tell('head', row, 0, from(at.headAccumulators, vocab))
    this.#tell('logits', row, 0, from(at.logits, vocab))
  }

  #layerOf(layer: number, words: Int32Array, cached: CachedWords, row: number): void {
    const { dim, heads, headDim, ffnDim } = this.#config
    const at = this.#at
    const vector = (op: Op, place: number, width: number) =>
      this.#tell(op, row, layer, words.subarray(place + width * row, place + width * (row + 1)))
    const input = (scaleOp: Op, inputOp: Op, place: PlacedInput, width: number) =>
      this.#input(scaleOp, inputOp, words, place, width, row, layer)
    const linear = (target: Target) => this.#linear(target, words, row, layer)
    vector('attentionNorm', at.normed, dim)
    input('attentionScale', 'attentionInput', at.input, dim)
    for (const target of ['query', 'key', 'value'] as const) linear(target)
    vector('rotatedQuery', at.rotated, heads * headDim)
    this.#cached(cached, row, layer)
    this.#tiles(words, row, layer)
    vector('attentionMix', at.mix, heads * headDim)
    input('outputScale', 'outputInput', at.mixInput, heads * headDim)
    linear('output')
    vector('attentionResidual', at.middle, dim)
    vector('ffnNorm', at.ffnNormed, dim)
    input('ffnScale', 'ffnInput', at.ffnInput, dim)
    linear('gate')
    linear('up')
    vector('activation', at.activation, ffnDim)
    input('downScale', 'downInput', at.downInput, ffnDim)
    linear('down')
    vector('ffnResidual', at.residual, dim)
  }

  #linear(target: Target, words: Int32Array, row: number, layer: number): void {
    const place = this.#at.accumulators.get(target) ?? 0
    const [rows] = targetShape(this.#config, target)
    this.#tell(target, row, layer, words.subarray(place + rows * row, place + rows * (row + 1)))
    for (const [i, slot] of this.#batch.session.slots.entries()) {
      const units = this.#at.slots[i]?.get(target)
      if (units === undefined || slot.layers[layer]?.has(target) !== true) continue
      const part = targets.length * i + targets.indexOf(target)
      const [down, up] = [units.down + slot.rank * row, units.up + rows * row]
      this.#tell('loraDown', row, layer, words.subarray(down, down + slot.rank), part)
      this.#input('loraScale', 'loraInput', words, units.input, slot.rank, row, layer, part)
      this.#tell('loraUp', row, layer, words.subarray(up, up + rows), part)
    }
  }

  #cached(cached: CachedWords, row: number, layer: number): void {
    const { kvHeads, headDim } = this.#config
    const side = (index: number) => {
      const out = new Int32Array(kvHeads * headDim)
      for (let head = 0; head < kvHeads; head++) {
        const from = ((index * kvHeads + head) * this.#batch.count + row) * headDim
        out.set(cached.subarray(from, from + headDim), head * headDim)
      }
      return out
    }
    this.#tell('cachedKey', row, layer, side(0))
    this.#tell('cachedValue', row, layer, side(1))
  }

  #tiles(words: Int32Array, row: number, layer: number): void {
    const { heads, headDim } = this.#config
    const size = tilePositions(this.#config)
    const { first, count } = this.#batch
    const stride = Math.floor((first + count - 1) / size) + 1
    const tiles = Math.floor((first + row) / size) + 1
    for (let head = 0; head < heads; head++) {
      for (let tile = 0; tile < tiles; tile++) {
        const at = this.#at.tiles + ((row * heads + head) * stride + tile) * (2 + 2 * headDim)
        const mix = Array.from({ length: headDim }, (_, i) => {
          const [low, high] = [words[at + 2 + 2 * i] ?? 0, words[at + 3 + 2 * i] ?? 0]
          return high * 2 ** 32 + (low >>> 0)
        })
        this.#tell('attentionTile', row, layer, [words[at] ?? 0, words[at + 1] ?? 0, ...mix], head * tiles + tile)
      }
    }
  }

  #input(
    scaleOp: Op,
    inputOp: Op,
    words: Int32Array,
    { values, scale }: PlacedInput,
    width: number,
    row: number,
    layer: number,
    part = 0,
  ): void {
    this.#tell(scaleOp, row, layer, words.subarray(scale + 2 * row, scale + 2 * row + 2), part)
    const count = width / this.#perWord
    const from = values + count * row
    this.#tell(inputOp, row, layer, this.#elementsOf(words.subarray(from, from + count)), part)
  }

  #tell(op: Op, row: number, layer: number, values: ArrayLike<number>, part = 0): void {
    this.#trace({ op, layer, position: this.#batch.first + row, part }, values)
  }

  get #perWord(): number {
    return inputsPerWord(this.#config)
  }

  /** Of a quantised vector. */
  #elementsOf({ buffer, byteOffset, length }: Int32Array): Int8Array | Int16Array {
    const count = length * this.#perWord
    return this.#perWord === 4 ? new Int8Array(buffer, byteOffset, count) : new Int16Array(buffer, byteOffset, count)
  }
}
