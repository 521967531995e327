import { type Target, targets } from '../adapter/adapter.ts'
import type { ModelConfig } from '../model-config.ts'
import type { Op, Trace } from '../trace.ts'
import type { Arena } from './arena.ts'
import type { ForwardPass, PassListener } from './forward-pass.ts'
import { PageLayout } from './key-value-pages.ts'
import type { Pass, Segment } from './pass.ts'
import { type Quantised, tileBytes, tilesOf, type Workspace } from './workspace.ts'

/** Tells the units of a pass from the workspace, each segment's to its own trace. */
export class PassTrace implements PassListener {
  readonly #config: ModelConfig
  readonly #at: Workspace
  readonly #arena: Arena
  readonly #forward: ForwardPass
  readonly #layout: PageLayout
  readonly #pass: Pass
  readonly #traces: ReadonlyMap<Segment, Trace>

  constructor(
    config: ModelConfig,
    workspace: Workspace,
    arena: Arena,
    forward: ForwardPass,
    pass: Pass,
    traces: ReadonlyMap<Segment, Trace>,
  ) {
    this.#config = config
    this.#at = workspace
    this.#arena = arena
    this.#forward = forward
    this.#layout = new PageLayout(config)
    this.#pass = pass
    this.#traces = traces
  }

  embedded(): void {
    this.#each((tell, _, row) => this.#told32(tell, 'embedding', this.#at.residual, this.#config.dim, row))
  }

  layer(index: number): void {
    this.#each((tell, segment, row) =>
      this.#layerOf((op, values, part) => tell(op, values, part, index), segment, row, index),
    )
  }

  heads(from: number, count: number): void {
    const { dim, vocab } = this.#config
    const at = this.#at
    for (let i = 0; i < count; i++) {
      const row = this.#pass.heads[from + i]
      this.#each((tell, _, each) => {
        if (each !== row) return
        this.#told32(tell, 'finalNorm', at.headNormed, dim, i)
        this.#toldInput(tell, 'headScale', 'headInput', at.headInput, dim, i)
        this.#told32(tell, 'head', at.headAccumulators, vocab, i)
        this.#told32(tell, 'logits', at.logits, vocab, i)
      })
    }
  }

  /** Every traced row. */
  #each(visit: (tell: Tell, segment: Segment, row: number) => void): void {
    for (const [segment, trace] of this.#traces) {
      for (let i = 0; i < segment.count; i++) {
        const tell: Tell = (op, values, part = 0, layer = 0) =>
          trace({ op, layer, position: segment.position + i, part }, values)
        visit(tell, segment, segment.row + i)
      }
    }
  }

  #layerOf(tell: Tell, segment: Segment, row: number, layer: number): void {
    const { dim, heads, headDim, ffnDim } = this.#config
    const [at, queryDim] = [this.#at, heads * headDim]
    this.#told32(tell, 'attentionNorm', at.normed, dim, row)
    this.#toldInput(tell, 'attentionScale', 'attentionInput', at.input, dim, row)
    this.#accumulators(tell, 'query', row)
    this.#accumulators(tell, 'key', row)
    this.#accumulators(tell, 'value', row)
    tell('rotatedQuery', this.#arena.int16(at.rotated + 2 * queryDim * row, queryDim))
    this.#cached(tell, segment, row, layer)
    this.#tiles(tell, segment, row)
    this.#told32(tell, 'attentionMix', at.mix, queryDim, row)
    this.#toldInput(tell, 'outputScale', 'outputInput', at.mixInput, queryDim, row)
    this.#accumulators(tell, 'output', row)
    this.#told32(tell, 'attentionResidual', at.middle, dim, row)
    this.#told32(tell, 'ffnNorm', at.ffnNormed, dim, row)
    this.#toldInput(tell, 'ffnScale', 'ffnInput', at.ffnInput, dim, row)
    this.#accumulators(tell, 'gate', row)
    this.#accumulators(tell, 'up', row)
    this.#told32(tell, 'activation', at.activation, ffnDim, row)
    this.#toldInput(tell, 'downScale', 'downInput', at.downInput, ffnDim, row)
    this.#accumulators(tell, 'down', row)
    this.#told32(tell, 'ffnResidual', at.residual, dim, row)
  }

  /** Of a target, and of the adapters that add to it. */
  #accumulators(tell: Tell, target: Target, row: number): void {
    const { linears } = this.#forward
    tell(target, this.#arena.int32(linears.accumulators(target, row), linears.rows(target)))
    const run = this.#pass.runs.find(({ row: first, count }) => row >= first && row < first + count)
    if (run === undefined) return
    for (const [slot, { rank, targets: adapted }] of run.slots.entries()) {
      if (!adapted.includes(target)) continue
      const part = slot * targets.length + targets.indexOf(target)
      const accumulators = linears.slotAccumulators(run, slot, target, row)
      tell('loraDown', this.#arena.int32(accumulators, rank), part)
      const input = linears.lowInput(part, run)
      this.#toldInput(tell, 'loraScale', 'loraInput', input, rank, row - run.row, part)
      tell('loraUp', this.#arena.int32(accumulators + 4 * rank, linears.rows(target)), part)
    }
  }

  #cached(tell: Tell, segment: Segment, row: number, layer: number): void {
    const { kvHeads, headDim } = this.#config
    const position = segment.position + row - segment.row
    const page = this.#forward.page(segment, position) + 2 * headDim * (position % this.#layout.positions)
    const cached = (offset: number) => {
      const values = new Int16Array(kvHeads * headDim)
      for (let head = 0; head < kvHeads; head++) {
        values.set(this.#arena.int16(page + this.#layout.keys(layer, head) + offset, headDim), head * headDim)
      }
      return values
    }
    tell('cachedKey', cached(0))
    tell('cachedValue', cached(this.#layout.headBytes))
  }

  #tiles(tell: Tell, segment: Segment, row: number): void {
    const { heads, headDim } = this.#config
    const count = tilesOf(this.#config, segment.position + row - segment.row)
    for (let head = 0; head < heads; head++) {
      const address = this.#forward.tilesAt(this.#pass, row * heads + head)
      for (let tile = 0; tile < count; tile++) {
        const record = this.#arena.int64(address + tile * tileBytes(this.#config), headDim + 2)
        tell('attentionTile', Array.from(record, Number), head * count + tile)
      }
    }
  }

  #told32(tell: Tell, op: Op, address: number, width: number, row: number): void {
    tell(op, this.#arena.int32(address + 4 * width * row, width))
  }

  #toldInput(
    tell: Tell,
    scaleOp: Op,
    inputOp: Op,
    { values, scale }: Quantised,
    width: number,
    row: number,
    part = 0,
  ): void {
    tell(scaleOp, this.#arena.int32(scale + 8 * row, 2), part)
    tell(inputOp, this.#arena.int16(values + 2 * width * row, width), part)
  }
}

type Tell = (op: Op, values: ArrayLike<number>, part?: number, layer?: number) => void
