import { type ModelConfig, tilePositions } from '../model-config.ts'
import type { Each } from './crew.ts'
import { type Kernels, loadKernels } from './kernels.ts'
import { PageLayout } from './key-value-pages.ts'
import { Linears } from './linears.ts'
import { longestOf, type Pass, type Segment } from './pass.ts'
import type { PlacedLayer, PlacedModel } from './placed-model.ts'
import { type Quantised, scoresBytes, tileBytes, tilesOf, type Workspace } from './workspace.ts'

/** What one element costs in norms, roundings and the like, in multiplications of int8; and one call. */
const elementCost = 40
const callCost = 2000

/** What stands where in the engine's memory; the same for all threads. */
export type PlacedEngine = { readonly config: ModelConfig; readonly model: PlacedModel; readonly workspace: Workspace }

/** Told by the leader when units are in the workspace. */
export type PassListener = {
  embedded(): void
  layer(index: number): void
  /** Heads of `count` rows, from the `from`-th of those that the pass names. */
  heads(from: number, count: number): void
}

/**
 * Order of the kernels over the positions of a pass; docs/canonical-inference.md §5.8, a layer at a time for all positions. All
 * threads of an engine run it with the same pass; what is not cut into pieces by `each` is done by the leader alone.
 */
export class ForwardPass {
  readonly linears: Linears
  readonly #config: ModelConfig
  readonly #model: PlacedModel
  readonly #at: Workspace
  readonly #layout: PageLayout
  readonly #memory: WebAssembly.Memory
  readonly #kernels: Kernels
  readonly #scores: number
  readonly #tiles: number

  /** Over the engine's memory; `thread` has scores and tiles of its own. */
  constructor({ config, model, workspace }: PlacedEngine, memory: WebAssembly.Memory, thread: number) {
    const kernels = loadKernels(memory)
    this.#config = config
    this.#model = model
    this.#at = workspace
    this.#layout = new PageLayout(config)
    this.#memory = memory
    this.#kernels = kernels
    this.linears = new Linears(config, workspace, kernels)
    this.#scores = workspace.scores + scoresBytes * thread
    this.#tiles = workspace.tiles + tilesOf(config, config.context - 1) * tileBytes(config) * thread
  }

  run(pass: Pass, each: Each, listener?: PassListener): void {
    const { embedding, layers } = this.#model
    const { dim } = this.#config
    each(1, 0, () => {
      for (const [row, token] of pass.tokens.entries()) {
        this.#kernels.embed(embedding.weights, embedding.scales, token, dim, this.#at.residual + 4 * dim * row)
      }
    })
    listener?.embedded()
    for (const [i, layer] of layers.entries()) {
      this.#attention(pass, layer, i, each)
      this.#feedForward(pass, layer, i, each)
      listener?.layer(i)
    }
    for (let from = 0; from < pass.heads.length; from += this.#at.headMax) {
      const rows = pass.heads.slice(from, from + this.#at.headMax)
      this.#head(rows, each)
      listener?.heads(from, rows.length)
    }
  }

  #attention(pass: Pass, layer: PlacedLayer, index: number, each: Each): void {
    const { dim, heads, headDim } = this.#config
    const [at, count] = [this.#at, pass.tokens.length]
    const queryDim = heads * headDim
    this.#normed(at.residual, layer.attentionNorm, at.normed, at.input, count, each)
    this.linears.run(
      pass,
      layer,
      index,
      at.input,
      [
        { target: 'query', out: at.query },
        { target: 'key', out: at.key },
        { target: 'value', out: at.value },
      ],
      each,
    )
    each(count, queryDim * elementCost, (from, to) => {
      for (const segment of pass.segments) {
        const [first, end] = [segment.row, segment.row + segment.count]
        for (let row = Math.max(from, first); row < Math.min(to, end); row++) this.#cache(segment, row, index)
      }
    })
    each(count * heads, 2 * headDim * longestOf(pass) + callCost, (from, to) => {
      for (const segment of pass.segments) {
        const [first, end] = [segment.row * heads, (segment.row + segment.count) * heads]
        for (let i = Math.max(from, first); i < Math.min(to, end); i++) this.#attend(pass, segment, i, index)
      }
    })
    each(count, queryDim * elementCost, (from, to) => {
      for (let row = from; row < to; row++) this.#quantise(at.mix, queryDim, at.mixInput, row)
    })
    this.linears.run(pass, layer, index, at.mixInput, [{ target: 'output', out: at.linear }], each)
    each(1, 0, () => this.#kernels.add(at.residual, at.linear, dim * count, at.middle))
  }

  #feedForward(pass: Pass, layer: PlacedLayer, index: number, each: Each): void {
    const { dim, ffnDim } = this.#config
    const [at, count] = [this.#at, pass.tokens.length]
    this.#normed(at.middle, layer.ffnNorm, at.ffnNormed, at.ffnInput, count, each)
    const group = [
      { target: 'gate', out: at.gate },
      { target: 'up', out: at.up },
    ] as const
    this.linears.run(pass, layer, index, at.ffnInput, group, each)
    each(ffnDim * count, elementCost, (from, to) => {
      const { sigmoidTable } = this.#model
      this.#kernels.swiGlu(at.gate + 4 * from, at.up + 4 * from, sigmoidTable, to - from, at.activation + 4 * from)
    })
    each(count, ffnDim * elementCost, (from, to) => {
      for (let row = from; row < to; row++) this.#quantise(at.activation, ffnDim, at.downInput, row)
    })
    this.linears.run(pass, layer, index, at.downInput, [{ target: 'down', out: at.linear }], each)
    each(1, 0, () => this.#kernels.add(at.middle, at.linear, dim * count, at.residual))
  }

  /** Logits of some rows, one after another. */
  #head(rows: readonly number[], each: Each): void {
    const { dim, vocab, epsilon } = this.#config
    const { finalNorm, head } = this.#model
    const at = this.#at
    each(1, 0, () => {
      for (const [i, row] of rows.entries()) {
        this.#kernels.rmsNorm(at.residual + 4 * dim * row, finalNorm, epsilon, dim, at.headNormed + 4 * dim * i)
        this.#quantise(at.headNormed, dim, at.headInput, i)
      }
    })
    each(vocab, dim * rows.length, (from, to) => {
      const { values, scale } = at.headInput
      const [weights, first] = [head.weights + from * dim, at.headAccumulators + 4 * from]
      this.#kernels.multiply(weights, values, first, to - from, dim, rows.length, vocab)
      for (const i of rows.keys()) {
        const [accumulators, logits] = [first + 4 * vocab * i, at.logits + 4 * (vocab * i + from)]
        this.#kernels.dequantise(accumulators, head.scales + 4 * from, scale + 8 * i, logits, to - from)
      }
    })
  }

  #normed(x: number, weight: number, out: number, input: Quantised, count: number, each: Each): void {
    const { dim, epsilon } = this.#config
    each(count, 2 * dim * elementCost, (from, to) => {
      for (let row = from; row < to; row++) {
        this.#kernels.rmsNorm(x + 4 * dim * row, weight, epsilon, dim, out + 4 * dim * row)
        this.#quantise(out, dim, input, row)
      }
    })
  }

  #quantise(x: number, width: number, { values, scale }: Quantised, row: number): void {
    const { inputMax } = this.#config
    this.#kernels.quantise(x + 4 * width * row, width, values + 2 * width * row, scale + 8 * row, inputMax)
  }

  /** Rotates a row's query and key, and puts key and value into the session's pages. */
  #cache(segment: Segment, row: number, layer: number): void {
    const { heads, kvHeads, headDim } = this.#config
    const { ropeCos, ropeSin } = this.#model
    const [at, layout] = [this.#at, this.#layout]
    const position = segment.position + row - segment.row
    const [cos, sin, half] = [ropeCos + position * headDim, ropeSin + position * headDim, headDim / 2]
    const key = this.page(segment, position) + layout.keys(layer, 0) + 2 * headDim * (position % layout.positions)
    const [queryDim, kvDim, stride] = [heads * headDim, kvHeads * headDim, 2 * layout.headBytes]
    this.#kernels.rope(
      at.query + 4 * queryDim * row,
      cos,
      sin,
      heads,
      half,
      at.rotated + 2 * queryDim * row,
      2 * headDim,
    )
    this.#kernels.rope(at.key + 4 * kvDim * row, cos, sin, kvHeads, half, key, stride)
    this.#kernels.narrow(at.value + 4 * kvDim * row, kvHeads, headDim, key + layout.headBytes, stride)
  }

  /** Address of the page of a position, from the session's list. */
  page({ pages }: Segment, position: number): number {
    const place = pages + 4 * Math.floor(position / this.#layout.positions)
    return new Uint32Array(this.#memory.buffer, place, 1)[0] ?? 0
  }

  /** Address of the tiles of one head of one row, numbered row after row, of a traced pass. */
  tilesAt(pass: Pass, rowHead: number): number {
    return this.#at.tiles + rowHead * tilesOf(this.#config, longestOf(pass) - 1) * tileBytes(this.#config)
  }

  /** Attention of one head of one row, numbered row after row. */
  #attend(pass: Pass, segment: Segment, rowHead: number, layer: number): void {
    const { heads, kvHeads, headDim, scoreMultiplier, scoreShift } = this.#config
    const { expTable } = this.#model
    const head = rowHead % heads
    const position = segment.position + Math.floor(rowHead / heads) - segment.row
    const keys = this.#layout.keys(layer, Math.floor(head / (heads / kvHeads)))
    const tiles = pass.traced ? this.tilesAt(pass, rowHead) : this.#tiles
    this.#kernels.attend(
      this.#at.rotated + 2 * headDim * rowHead,
      segment.pages,
      keys,
      keys + this.#layout.headBytes,
      position + 1,
      headDim,
      tilePositions(this.#config),
      expTable,
      scoreMultiplier,
      scoreShift,
      this.#scores,
      tiles,
    )
    const count = tilesOf(this.#config, position)
    this.#kernels.join(tiles, count, headDim, expTable, this.#at.mix + 4 * headDim * rowHead)
  }
}
