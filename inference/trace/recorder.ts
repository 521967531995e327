import type { Choice } from '../choice.ts'
import { choiceTileElements } from '../choice.ts'
import { InferenceError } from '../inference-error.ts'
import { tilePositions } from '../model-config.ts'
import { type Op, ops, type Unit } from '../trace.ts'
import { int24Limit, writeElements } from './elements.ts'
import { foldNodes, leafHashes } from './hash.ts'
import type { TraceHead } from './head.ts'
import { type Field, isLinear, type TraceExtent, type TraceLayout, type TraceTree } from './layout.ts'
import { SparseTree } from './sparse-tree.ts'

/** Told every record when it is complete; the bytes are the recorder's own and change after the call. */
export type RecordSink = (tree: TraceTree, slab: number, position: number, bytes: Uint8Array) => void

export type RecorderOptions = {
  /** Input tokens. */
  readonly tin: number
  /** Bytes of an accumulator. */
  readonly width: 3 | 4
  /** The choice from logits of a position. */
  readonly choose: (logits: Int32Array, position: number) => Choice
  readonly onRecord?: RecordSink
}

/** What a recorder found: the head, and the trees' nodes from records upwards. */
export type RecordedTrace = {
  readonly head: TraceHead
  readonly trees: { readonly [Tree in TraceTree]: SparseTree }
}

/** A record on its way. */
type Open = { readonly bytes: Uint8Array; missing: number }

/**
 * Makes the records of docs/canonical-inference.md §12 of what an engine's trace says, hashes each when it is complete, and keeps no
 * more than its root. Units come in any order; all of every position must come.
 */
export class TraceRecorder {
  readonly #layout: TraceLayout
  readonly #options: RecorderOptions
  readonly #open = { linear: new Map<number, Open>(), derived: new Map<number, Open>() }
  readonly #roots = { linear: new Map<number, Uint8Array>(), derived: new Map<number, Uint8Array>() }
  /** By op where the part is 0, else by op and part. */
  readonly #fields: ReadonlyMap<string, Field>
  readonly #tile: number
  /** Tokens chosen, by position of the logits. */
  readonly choices = new Map<number, number>()
  #positions = 0
  #unfit: { readonly unit: Unit; readonly element: number } | undefined

  constructor(layout: TraceLayout, options: RecorderOptions) {
    this.#layout = layout
    this.#options = options
    this.#tile = tilePositions(layout.config)
    const slabs = [0, 1, layout.config.layers + 1]
    const fields = (['linear', 'derived'] as const).flatMap((tree) =>
      slabs.flatMap((slab) => layout.fields(tree, slab, options.width)),
    )
    this.#fields = new Map(fields.map((field) => [fieldName(field.op, field.part), field]))
  }

  /** Whether an accumulator did not fit 3 bytes, of which its low ones were taken: the trace is to be made anew with 4. */
  get overflowed(): boolean {
    return this.#unfit !== undefined
  }

  /** The first accumulator that came and did not fit. */
  get unfit(): { readonly unit: Unit; readonly element: number } | undefined {
    return this.#unfit
  }

  /** To be given to an engine. */
  readonly trace = (unit: Unit, values: ArrayLike<number>): void => {
    const { op, layer, position } = unit
    const isHead = ops[op].id >= ops.finalNorm.id && ops[op].id <= ops.logits.id
    if (op === 'embedding') this.#positions = Math.max(this.#positions, position + 1)
    if (isUncommitted(op) || (isHead && position < this.#options.tin - 1)) return
    if (op === 'attentionTile') this.#writeTile(unit, values)
    else if (op === 'cachedKey' || op === 'cachedValue') this.#writeCached(unit, values)
    else if (op === 'head') this.#writeHead(position, values as Int32Array)
    else if (op === 'logits') this.#choose(position, values as Int32Array)
    else if (op === 'embedding') this.#write('derived', 0, unit, values)
    else if (isHead) this.#write('derived', this.#layout.config.layers + 1, unit, values)
    else this.#write(isLinear(op) ? 'linear' : 'derived', layer + 1, unit, values)
  }

  /** The roots. Throws {@link InferenceError} where a unit has not come. */
  finish(): RecordedTrace {
    const { tin, width } = this.#options
    const extent: TraceExtent = { positions: this.#positions, tin, width }
    this.#finishCaches(extent)
    if (!this.#isWhole('linear', extent) || !this.#isWhole('derived', extent)) {
      throw new InferenceError('trace', 'units are missing')
    }
    const trees = { linear: this.#tree('linear'), derived: this.#tree('derived') }
    const head = {
      ...extent,
      linearDepth: trees.linear.depth,
      derivedDepth: trees.derived.depth,
      linearRoot: trees.linear.root,
      derivedRoot: trees.derived.root,
    }
    return { head, trees }
  }

  #write(tree: TraceTree, slab: number, unit: Unit, values: ArrayLike<number>): void {
    const { op, part, position } = unit
    const { offset, bytes, stride } = this.#field(op, part)
    const record = this.#record(tree, slab, position)
    if (!writeElements(record.bytes, offset, bytes, values, stride)) this.#setUnfit(unit, values)
    this.#written(tree, slab, position, record, values.length * bytes)
  }

  #writeTile(unit: Unit, values: ArrayLike<number>): void {
    const { layer, position } = unit
    const record = this.#record('derived', layer + 1, position)
    const place = this.#layout.place(unit, 0, this.#extent(position + 1))
    writeElements(record.bytes, place.offset, 8, values, 8 * (Math.floor(position / this.#tile) + 1))
    this.#written('derived', layer + 1, position, record, 8 * values.length)
  }

  /** Keys and values go to the record of a whole tile; that of the last one is made shorter at the end. */
  #writeCached({ op, layer, position }: Unit, values: ArrayLike<number>): void {
    const { kvHeads, headDim, layers } = this.#layout.config
    const [slab, tile] = [layers + 2 + layer, Math.floor(position / this.#tile)]
    const record = this.#record('derived', slab, tile)
    const numbers = values instanceof Int16Array ? values : Int16Array.from(values)
    for (let head = 0; head < kvHeads; head++) {
      const list = 2 * head + (op === 'cachedValue' ? 1 : 0)
      const offset = 2 * headDim * (list * this.#tile + (position % this.#tile))
      writeElements(record.bytes, offset, 2, numbers.subarray(head * headDim, (head + 1) * headDim))
    }
    this.#written('derived', slab, tile, record, 2 * values.length)
  }

  #writeHead(position: number, values: Int32Array): void {
    const { config, slabs } = this.#layout
    for (let slab = config.layers + 1, from = 0; slab < slabs.linear && from < values.length; slab++) {
      const record = this.#record('linear', slab, position)
      const part = values.subarray(from, from + record.bytes.length / this.#options.width)
      if (!writeElements(record.bytes, 0, this.#options.width, part)) {
        this.#setUnfit({ op: 'head', layer: 0, position, part: 0 }, values)
      }
      this.#written('linear', slab, position, record, record.bytes.length)
      from += part.length
    }
  }

  #setUnfit(unit: Unit, values: ArrayLike<number>): void {
    const element = Array.prototype.findIndex.call(values, (value) => value < -int24Limit || value >= int24Limit)
    this.#unfit ??= { unit: { ...unit }, element }
  }

  #choose(position: number, logits: Int32Array): void {
    const { token, choice, tiles } = this.#options.choose(logits, position)
    this.choices.set(position, token)
    const slab = this.#layout.config.layers + 1
    this.#write('derived', slab, { op: 'choice', layer: 0, position, part: 0 }, choice)
    for (let part = 0; part * choiceTileElements < tiles.length; part++) {
      const sums = tiles.subarray(part * choiceTileElements, (part + 1) * choiceTileElements)
      this.#write('derived', slab, { op: 'choiceTile', layer: 0, position, part }, sums)
    }
  }

  #field(op: Op, part: number): Field {
    const field = this.#fields.get(fieldName(op, part))
    if (field === undefined) throw new InferenceError('trace', `${op} ${part} is not in the layout`)
    return field
  }

  #record(tree: TraceTree, slab: number, position: number): Open {
    const key = this.#layout.leafIndex(tree, slab, position, 0)
    const open = this.#open[tree].get(key)
    if (open !== undefined) return open
    // A tile's record is as long as that of a whole one until the end says otherwise.
    const positions = slab > this.#layout.config.layers + 1 ? (position + 1) * this.#tile : position + 1
    const length = this.#layout.recordBytes(tree, slab, position, this.#extent(positions))
    const record = { bytes: new Uint8Array(length), missing: length }
    this.#open[tree].set(key, record)
    return record
  }

  #extent(positions: number): TraceExtent {
    return { positions, tin: this.#options.tin, width: this.#options.width }
  }

  #written(tree: TraceTree, slab: number, position: number, record: Open, bytes: number): void {
    record.missing -= bytes
    if (record.missing === 0) this.#complete(tree, slab, position, record.bytes)
  }

  #complete(tree: TraceTree, slab: number, position: number, bytes: Uint8Array): void {
    const { leaf } = this.#layout.bits[tree]
    const first = this.#layout.leafIndex(tree, slab, position, 0)
    this.#open[tree].delete(first)
    if (this.#roots[tree].has(first)) throw new InferenceError('trace', `the record ${slab}, ${position} came twice`)
    this.#roots[tree].set(first, foldNodes(leafHashes(tree, first, bytes), leaf))
    this.#options.onRecord?.(tree, slab, position, bytes)
  }

  /** The last tile's rows move together. */
  #finishCaches({ positions }: TraceExtent): void {
    const { layers, kvHeads, headDim } = this.#layout.config
    const [tile, length] = [Math.floor(positions / this.#tile), positions % this.#tile]
    if (length === 0) return
    const listBytes = 2 * headDim * length
    for (let slab = layers + 2; slab < 2 * layers + 2; slab++) {
      const { bytes, missing } = this.#record('derived', slab, tile)
      const packed = new Uint8Array(2 * kvHeads * listBytes)
      if (bytes.length - missing !== packed.length) throw new InferenceError('trace', 'cached keys are missing')
      for (let list = 0; list < 2 * kvHeads; list++) {
        const from = 2 * headDim * this.#tile * list
        packed.set(bytes.subarray(from, from + listBytes), list * listBytes)
      }
      this.#complete('derived', slab, tile, packed)
    }
  }

  /** Every record that is to be there has come, and nothing else. */
  #isWhole(tree: TraceTree, extent: TraceExtent): boolean {
    let count = 0
    for (let slab = 0; slab < this.#layout.slabs[tree]; slab++) {
      for (let position = 0; position < extent.positions; position++) {
        if (this.#layout.recordBytes(tree, slab, position, extent) === 0) continue
        if (!this.#roots[tree].has(this.#layout.leafIndex(tree, slab, position, 0))) return false
        count++
      }
    }
    return this.#open[tree].size === 0 && this.#roots[tree].size === count
  }

  #tree(tree: TraceTree): SparseTree {
    const base = this.#layout.bits[tree].leaf
    const nodes = [...this.#roots[tree]].map(([first, root]) => [first / 2 ** base, root] as const)
    return new SparseTree(this.#layout.depth(tree), base, new Map(nodes))
  }
}

/** Norms are one rule with the quantisation behind them. */
function isUncommitted(op: Op): boolean {
  return op === 'attentionNorm' || op === 'ffnNorm' || op === 'finalNorm'
}

function fieldName(op: Op, part: number): string {
  return part === 0 ? op : `${op} ${part}`
}
