import { type ModelConfig, tilePositions } from '../model-config.ts'
import type { Op, Trace } from '../trace.ts'
import type { Arena } from './arena.ts'
import type { Kernels } from './kernels.ts'
import type { PlacedLayer, PlacedMatrix, PlacedModel } from './placed-model.ts'
import type { Workspace } from './workspace.ts'

/** A batch of positions on its way: the first one's index, how many, and whom to tell. */
type Batch = { readonly first: number; readonly count: number; layer: number; readonly trace: Trace | undefined }

/** Order of the kernels over a batch of positions; docs/canonical-inference.md §5.8, a layer at a time for all positions. */
export class ForwardPass {
  readonly config: ModelConfig
  /** Keys and values of one session: per layer keys then values, per head `context` × headDim int16. */
  readonly cacheBytes: number
  readonly #model: PlacedModel
  readonly #at: Workspace
  readonly #arena: Arena
  readonly #kernels: Kernels
  readonly #headBytes: number

  constructor(config: ModelConfig, model: PlacedModel, workspace: Workspace, arena: Arena, kernels: Kernels) {
    this.config = config
    this.#model = model
    this.#at = workspace
    this.#arena = arena
    this.#kernels = kernels
    this.#headBytes = 2 * config.context * config.headDim
    this.cacheBytes = 2 * config.layers * config.kvHeads * this.#headBytes
  }

  /**
   * Runs tokens at positions from `first` on. Logits are left in the workspace: of the last position where `last` is set, of
   * each in turn where there is a trace.
   */
  run(tokens: readonly number[], first: number, cache: number, last: boolean, trace: Trace | undefined): void {
    const { embedding, layers } = this.#model
    const { dim, kvHeads } = this.config
    const batch: Batch = { first, count: tokens.length, layer: 0, trace }
    for (const [i, token] of tokens.entries()) {
      this.#kernels.embed(embedding.weights, embedding.scales, token, dim, this.#at.residual + 4 * dim * i)
    }
    this.#trace32(batch, 'embedding', this.#at.residual, dim)
    for (const [i, layer] of layers.entries()) {
      batch.layer = i
      const keys = cache + 2 * i * kvHeads * this.#headBytes
      this.#attention(batch, layer, keys, keys + kvHeads * this.#headBytes)
      this.#feedForward(batch, layer)
    }
    batch.layer = 0
    if (trace !== undefined) for (let i = 0; i < tokens.length; i++) this.#head(batch, i)
    else if (last) this.#head(batch, tokens.length - 1)
  }

  /** A copy of the logits of the position that the head ran on last. */
  logits(): Int32Array {
    return this.#arena.int32(this.#at.logits, this.config.vocab).slice()
  }

  #attention(batch: Batch, layer: PlacedLayer, keys: number, values: number): void {
    const { dim, heads, kvHeads, headDim } = this.config
    const at = this.#at
    const [queryDim, kvDim] = [heads * headDim, kvHeads * headDim]
    this.#norm(batch, 'attentionNorm', layer.attentionNorm)
    this.#quantise(batch, 'attentionScale', 'attentionInput', at.normed, dim)
    this.#linear(batch, 'query', layer.query, at.query)
    this.#linear(batch, 'key', layer.key, at.key)
    this.#linear(batch, 'value', layer.value, at.value)
    const { ropeCos, ropeSin } = this.#model
    for (let i = 0; i < batch.count; i++) {
      const position = batch.first + i
      const [cos, sin] = [ropeCos + position * headDim, ropeSin + position * headDim]
      const row = 2 * position * headDim
      const [half, rotated] = [headDim / 2, at.rotated + 2 * queryDim * i]
      this.#kernels.rope(at.query + 4 * queryDim * i, cos, sin, heads, half, rotated, 2 * headDim)
      this.#kernels.rope(at.key + 4 * kvDim * i, cos, sin, kvHeads, half, keys + row, this.#headBytes)
      this.#kernels.narrow(at.value + 4 * kvDim * i, kvHeads, headDim, values + row, this.#headBytes)
      this.#traceCache(batch, position, i, keys, values)
      this.#mix(batch, i, keys, values)
    }
    this.#trace32(batch, 'attentionMix', at.mix, queryDim)
    this.#quantise(batch, 'outputScale', 'outputInput', at.mix, queryDim)
    this.#linear(batch, 'output', layer.output, at.linear)
    this.#residual(batch, 'attentionResidual')
  }

  /** Attention of one position, whose own key and value are in the cache. */
  #mix(batch: Batch, i: number, keys: number, values: number): void {
    const { heads, kvHeads, headDim, scoreMultiplier, scoreShift } = this.config
    const { expTable } = this.#model
    const at = this.#at
    const [position, size] = [batch.first + i, tilePositions(this.config)]
    const tiles = Math.floor(position / size) + 1
    for (let head = 0; head < heads; head++) {
      const kv = Math.floor(head / (heads / kvHeads)) * this.#headBytes
      const query = at.rotated + 2 * headDim * (heads * i + head)
      this.#kernels.attend(
        query,
        keys + kv,
        values + kv,
        position + 1,
        headDim,
        size,
        expTable,
        scoreMultiplier,
        scoreShift,
        at.scores,
        at.tiles,
      )
      this.#kernels.join(at.tiles, tiles, headDim, expTable, at.mix + 4 * headDim * (heads * i + head))
      for (let tile = 0; batch.trace !== undefined && tile < tiles; tile++) {
        const record = this.#arena.int64(at.tiles + 8 * tile * (headDim + 2), headDim + 2)
        const unit = { op: 'attentionTile', layer: batch.layer, position, part: head * tiles + tile } as const
        batch.trace(unit, Array.from(record, Number))
      }
    }
  }

  #feedForward(batch: Batch, layer: PlacedLayer): void {
    const { dim, ffnDim } = this.config
    const at = this.#at
    this.#norm(batch, 'ffnNorm', layer.ffnNorm)
    this.#quantise(batch, 'ffnScale', 'ffnInput', at.normed, dim)
    this.#linear(batch, 'gate', layer.gate, at.gate)
    this.#linear(batch, 'up', layer.up, at.up)
    this.#kernels.swiGlu(at.gate, at.up, this.#model.sigmoidTable, ffnDim * batch.count, at.normed)
    this.#trace32(batch, 'activation', at.normed, ffnDim)
    this.#quantise(batch, 'downScale', 'downInput', at.normed, ffnDim)
    this.#linear(batch, 'down', layer.down, at.linear)
    this.#residual(batch, 'ffnResidual')
  }

  /** Logits of position `i` of the batch. */
  #head(batch: Batch, i: number): void {
    const { dim, vocab, epsilon } = this.config
    const { finalNorm, head } = this.#model
    const at = this.#at
    const one: Batch = { first: batch.first + i, count: 1, layer: 0, trace: batch.trace }
    this.#kernels.rmsNorm(at.residual + 4 * dim * i, finalNorm, epsilon, dim, at.normed)
    this.#trace32(one, 'finalNorm', at.normed, dim)
    this.#quantise(one, 'headScale', 'headInput', at.normed, dim)
    this.#linear(one, 'head', head, at.logits)
    this.#trace32(one, 'logits', at.logits, vocab)
  }

  #norm(batch: Batch, op: Op, weight: number): void {
    const { dim, epsilon } = this.config
    for (let i = 0; i < batch.count; i++) {
      const offset = 4 * dim * i
      this.#kernels.rmsNorm(this.#at.residual + offset, weight, epsilon, dim, this.#at.normed + offset)
    }
    this.#trace32(batch, op, this.#at.normed, dim)
  }

  #quantise(batch: Batch, scaleOp: Op, inputOp: Op, x: number, width: number): void {
    const { input, scale } = this.#at
    for (let i = 0; i < batch.count; i++) {
      this.#kernels.quantise(x + 4 * width * i, width, input + 2 * width * i, scale + 8 * i)
    }
    this.#trace32(batch, scaleOp, scale, 2)
    this.#traceEach(batch, inputOp, (i) => this.#arena.int16(input + 2 * width * i, width))
  }

  #linear(batch: Batch, op: Op, { weights, scales, rows, columns }: PlacedMatrix, out: number): void {
    const { input, scale, accumulators } = this.#at
    this.#kernels.multiply(weights, input, accumulators, rows, columns, batch.count)
    this.#trace32(batch, op, accumulators, rows)
    for (let i = 0; i < batch.count; i++) {
      const offset = 4 * rows * i
      this.#kernels.dequantise(accumulators + offset, scales, scale + 8 * i, out + offset, rows)
    }
  }

  #residual(batch: Batch, op: Op): void {
    const { dim } = this.config
    this.#kernels.add(this.#at.residual, this.#at.linear, dim * batch.count)
    this.#trace32(batch, op, this.#at.residual, dim)
  }

  #traceCache(batch: Batch, position: number, i: number, keys: number, values: number): void {
    if (batch.trace === undefined) return
    const { heads, kvHeads, headDim } = this.config
    const unit = { layer: batch.layer, position, part: 0 }
    const cached = (base: number) =>
      Array.from({ length: kvHeads }, (_, head) => [
        ...this.#arena.int16(base + head * this.#headBytes + 2 * position * headDim, headDim),
      ]).flat()
    batch.trace(
      { op: 'rotatedQuery', ...unit },
      this.#arena.int16(this.#at.rotated + 2 * heads * headDim * i, heads * headDim),
    )
    batch.trace({ op: 'cachedKey', ...unit }, cached(keys))
    batch.trace({ op: 'cachedValue', ...unit }, cached(values))
  }

  #trace32(batch: Batch, op: Op, address: number, width: number): void {
    this.#traceEach(batch, op, (i) => this.#arena.int32(address + 4 * width * i, width))
  }

  #traceEach({ first, count, layer, trace }: Batch, op: Op, values: (i: number) => ArrayLike<number>): void {
    if (trace === undefined) return
    for (let i = 0; i < count; i++) trace({ op, layer, position: first + i, part: 0 }, values(i))
  }
}
