import { type Slot, type Target, targets } from '../adapter/adapter.ts'
import { InferenceError } from '../inference-error.ts'
import { KernelMemory } from '../kernel-memory.ts'
import type { Matrix } from '../model.ts'
import { type ModelConfig, tilePositions } from '../model-config.ts'
import { type CheckKernels, loadCheckKernels } from './check-kernels.ts'
import type { KeptModel } from './kept-model.ts'
import type { SecretPair } from './pair-file.ts'
import { digits, type PlacedGroup, type PlacedPair, type PlacedScales, placePair, placeScales } from './placed-pair.ts'
import { type SecretVectors, secretVectors } from './secret-vectors.ts'

/** An accumulator out of range, or a linear that the secret vectors show wrong; its row they cannot tell. */
export type LinearFault = {
  readonly op: Target | 'head'
  readonly position: number
  readonly reason: 'range' | 'product'
  /** What was given to the linear and what is said to come of it: with its weights they tell the row, see `wrongRow`. */
  readonly input: Int16Array
  readonly accumulators: Int32Array
}

/**
 * The accumulators of `count` positions from `from` on, `width` bytes each, as the worker sent them: of a layer one after another, or
 * of the head; positions one after another. In pieces that are whole positions or lie within one. Asked for once, right before they
 * are read.
 */
export type SentRecords = (from: number, count: number) => readonly Uint8Array[]

export type AnswerShape = {
  readonly positions: number
  readonly tin: number
  /** Bytes of an accumulator. */
  readonly width: 3 | 4
  readonly slots: readonly Slot[]
}

/** What a pass is made of; others than these are for measuring and for showing what each is good for. */
export type PassParts = {
  readonly load?: (memory: WebAssembly.Memory) => CheckKernels
  readonly vectors?: SecretVectors
}

/** Bytes of accumulators of one block of positions: a second-level cache has room for them and for the vectors beside them. */
const blockBytesMax = 2 ** 20
const blockMax = 32

/**
 * The graph from given accumulators, layer after layer for all positions: checks each linear by the secret vectors and
 * recomputes all between them. docs/CHECKING.md. Holds one model without its weights and one pair.
 */
export class WeightlessPass {
  readonly config: ModelConfig
  readonly #memory = new KernelMemory()
  readonly #kernels: CheckKernels
  readonly #pair: PlacedPair
  readonly #at: Placed
  readonly #block: number
  #space: Space
  #shape: AnswerShape = { positions: 0, tin: 1, width: 4, slots: [] }
  #slots: readonly PlacedSlot[] = []
  /** What was sent of the block, and whether it is in the kernels' memory. */
  #sent: { readonly pieces: readonly Uint8Array[]; readonly isCopied: boolean } = { pieces: [], isCopied: false }
  /** Where adapters lie, and how many bytes there are for them. */
  #slotSpace = { address: 0, bytes: 0 }

  constructor(kept: KeptModel, pair: SecretPair, { load = loadCheckKernels, vectors = secretVectors }: PassParts = {}) {
    this.config = kept.config
    this.#kernels = load(this.#memory.memory)
    this.#pair = placePair(kept, pair, vectors, this.#memory)
    this.#block = blockPositions(kept.config)
    this.#at = place(kept, this.#block, this.#memory)
    this.#space = takeSpace(kept.config, 64, this.#memory)
  }

  /** Begins an answer. Throws {@link InferenceError} for more positions than the model has. */
  begin(shape: AnswerShape): void {
    const { context } = this.config
    if (shape.positions > context) throw new InferenceError('context', `${shape.positions} positions of ${context}`)
    if (shape.positions > this.#space.positions) {
      this.#space = takeSpace(this.config, Math.min(context, 2 * shape.positions), this.#memory)
    }
    this.#shape = shape
    this.#slots = this.#placeSlots(shape.slots)
  }

  /** The residual stream of a position becomes the embedding of a token: its row of weights, which the caller has verified. */
  embed(position: number, token: number, row: Int8Array): void {
    const { embedRow, embeddingScales } = this.#at
    this.#memory.write(embedRow, row)
    const scale = embeddingScales + 4 * token
    this.#kernels.embed(embedRow, scale, 0, this.config.dim, this.#residualAt(position))
  }

  /** The residual stream of a position, Q16: a view until the next call. */
  residual(position: number): Int32Array {
    return this.#memory.int32(this.#residualAt(position), this.config.dim)
  }

  /** Takes the residual stream through a layer. Returns the first fault in it, by position and then by op. */
  layer(layer: number, records: SentRecords): LinearFault | undefined {
    this.#memory.int64(this.#at.keyTops, this.config.kvHeads).fill(0n)
    this.#memory.int32(this.#at.valueTops, this.config.kvHeads).fill(0)
    const words = recordWords(this.config)
    for (let from = 0; from < this.#shape.positions; from += this.#block) {
      const count = Math.min(this.#block, this.#shape.positions - from)
      this.#load(records, from, count, words)
      const fault = this.#layerBlock(layer, from, count)
      if (fault !== undefined) return fault
    }
    return undefined
  }

  /**
   * Checks the head at each position from tin − 1 on and gives the caller its logits, Q16, a view until it returns. Returns the
   * first fault; stops where the caller returns false.
   */
  head(records: SentRecords, take: (logits: Int32Array, position: number) => boolean): LinearFault | undefined {
    const { dim, vocab, epsilon } = this.config
    const at = this.#at
    for (let position = this.#shape.tin - 1; position < this.#shape.positions; position++) {
      this.#kernels.norms(this.#residualAt(position), 1, at.finalNorm, epsilon, dim, at.normed)
      this.#kernels.quantiseRows(at.normed, 1, dim, at.input, at.scale, this.config.inputMax)
      this.#load(records, position, 1, vocab)
      const sent = { offset: 0, stride: 0, from: position, count: 1 }
      this.#take(this.#pair.head, 0, at.head, sent, at.logits)
      const fault = this.#verify(this.#pair.head, sent)
      if (fault !== undefined) return fault
      if (!take(this.#memory.int32(at.logits, vocab), position)) return undefined
    }
    return undefined
  }

  /** The lowest token of the largest logit, of those that {@link head} gave last. */
  argmax(): number {
    return this.#kernels.argmax(this.#at.logits, this.config.vocab)
  }

  /** A layer of positions whose records are loaded. */
  #layerBlock(layer: number, from: number, count: number): LinearFault | undefined {
    const { dim, heads, kvHeads, headDim, ffnDim, epsilon } = this.config
    const at = this.#at
    const weights = at.layers[layer] as PlacedLayerRest
    const [projections, outputs, gates, downs] = this.#pair.layers[layer] as readonly PlacedGroup[] as Groups
    const [queryDim, kvDim] = [heads * headDim, kvHeads * headDim]
    const words = recordWords(this.config)
    const faults: (LinearFault | undefined)[] = []
    /** Linears of one input, whose accumulators begin at this place of a record. */
    const linears = (group: PlacedGroup, place: number, ops: readonly Target[], outs: readonly number[]) => {
      const { width } = this.#shape
      const sent = { offset: width * place, stride: width * words, from, count }
      for (const [i, op] of ops.entries()) {
        this.#take(group, i, weights[op], sent, outs[i] as number)
        this.#adapters(layer, op, count, outs[i] as number)
      }
      faults.push(this.#verify(group, sent))
    }
    const residual = this.#residualAt(from)
    this.#kernels.norms(residual, count, weights.attentionNorm, epsilon, dim, at.normed)
    this.#kernels.quantiseRows(at.normed, count, dim, at.input, at.scale, this.config.inputMax)
    linears(projections, 0, ['query', 'key', 'value'], [at.query, at.key, at.value])
    this.#attend(from, count)

    this.#kernels.quantiseRows(at.mix, count, queryDim, at.input, at.scale, this.config.inputMax)
    const outputAt = queryDim + 2 * kvDim
    linears(outputs, outputAt, ['output'], [at.linear])
    this.#kernels.addRows(residual, at.linear, dim * count)

    this.#kernels.norms(residual, count, weights.ffnNorm, epsilon, dim, at.normed)
    this.#kernels.quantiseRows(at.normed, count, dim, at.input, at.scale, this.config.inputMax)
    linears(gates, outputAt + dim, ['gate', 'up'], [at.gate, at.up])
    this.#kernels.swiGluRows(at.gate, at.up, count, at.sigmoidTable, ffnDim, at.activation)
    this.#kernels.quantiseRows(at.activation, count, ffnDim, at.input, at.scale, this.config.inputMax)
    linears(downs, outputAt + dim + 2 * ffnDim, ['down'], [at.linear])
    this.#kernels.addRows(residual, at.linear, dim * count)
    return firstOf(faults)
  }

  /** Rotary positions, caches and attention of a block, whose queries, keys and values are there. */
  #attend(from: number, count: number): void {
    const { heads, kvHeads, headDim, scoreMultiplier, scoreShift } = this.config
    const at = this.#at
    const { keys, values, headBytes } = this.#space
    const [cos, sin] = [at.ropeCos + from * headDim, at.ropeSin + from * headDim]
    const [half, queryBytes, keyBytes] = [headDim / 2, 2 * heads * headDim, 2 * headDim]
    const row = keys + keyBytes * from
    this.#kernels.rotateRows(at.query, cos, sin, count, heads, half, at.rotated, queryBytes, keyBytes)
    this.#kernels.rotateRows(at.key, cos, sin, count, kvHeads, half, row, keyBytes, headBytes)
    this.#kernels.measureKeys(row, count, kvHeads, headDim, headBytes, at.keyTops)
    this.#kernels.cacheValueRows(at.value, count, kvHeads, headDim, from, values, headBytes, at.valueTops)
    this.#kernels.attendRows(
      at.rotated,
      keys,
      values,
      headBytes,
      at.keyTops,
      at.valueTops,
      from,
      count,
      heads,
      kvHeads,
      headDim,
      tilePositions(this.config),
      at.expTable,
      scoreMultiplier,
      scoreShift,
      this.#space.scratch,
      at.mix,
    )
  }

  /** Takes what was sent of `count` positions, `words` accumulators each. Throws {@link InferenceError} for a wrong length. */
  #load(records: SentRecords, from: number, count: number, words: number): void {
    const bytes = this.#shape.width * words
    const pieces = records(from, count)
    let at = 0
    for (const piece of pieces) {
      const within = at % bytes
      const isWhole = within === 0 && piece.length % bytes === 0
      if (at + piece.length > bytes * count || (!isWhole && within + piece.length > bytes)) {
        throw new InferenceError('trace', `a record of more than ${bytes} bytes`)
      }
      at += piece.length
    }
    if (at !== bytes * count) throw new InferenceError('trace', `${at} bytes of ${count} records of ${bytes}`)
    this.#sent = { pieces, isCopied: false }
  }

  /** What was sent in one piece: as it came, where it came in one. */
  #sentBytes(): Uint8Array {
    const [first, ...others] = this.#sent.pieces
    if (first !== undefined && others.length === 0) return first
    const length = this.#sent.pieces.reduce((total, piece) => total + piece.length, 0)
    return this.#memory.bytes(this.#copySent(), length)
  }

  /** Where what was sent lies in the kernels' memory: copied when it is first wanted there. */
  #copySent(): number {
    const { sent } = this.#at
    if (!this.#sent.isCopied) {
      let at = sent
      for (const piece of this.#sent.pieces) {
        this.#memory.write(at, piece)
        at += piece.length
      }
      this.#sent = { ...this.#sent, isCopied: true }
    }
    return sent
  }

  /** The i-th linear of a group for all positions of a block: its part of `r·y`, and its Q16 output. */
  #take(group: PlacedGroup, i: number, scales: PlacedScales, { offset, stride, count }: Sent, out: number): void {
    const { scale, sums } = this.#at
    const { width } = this.#shape
    const { firstRow, vectors } = group.linears[i] as PlacedGroup['linears'][number]
    const place = offset + width * firstRow
    const given = [
      ...[width, stride, count, vectors, scales.rows, group.every],
      ...[
        scales.scales,
        scales.factors,
        scales.shift,
        scales.accMax,
        scales.largest,
        scale,
        sums,
        i === 0 ? 1 : 0,
        out,
      ],
    ] as const
    if (this.#kernels.takeSent?.(this.#sentBytes(), place, ...given) === true) return
    this.#kernels.takeRows(this.#copySent() + place, ...given)
  }

  /** Compares `r·y` with `u·q` for each position of a block, of which all of the group's linears are taken. */
  #verify(group: PlacedGroup, { offset, stride, from, count }: Sent): LinearFault | undefined {
    const { sums, rowSums, inputSums, input } = this.#at
    this.#kernels.settleRows(sums, count, rowSums)
    this.#kernels.dotInputs(input, count, group.projections, group.columns, group.span, inputSums)
    const i = this.#firstWrong(group.accumulatorMax, count)
    return i === undefined ? undefined : this.#blame(group, this.#copySent() + offset + stride * i, i, from + i)
  }

  #firstWrong(accumulatorMax: number, count: number): number | undefined {
    const rows = this.#memory.uint32(this.#at.rowSums, 4 * count)
    const inputs = this.#memory.uint32(this.#at.inputSums, 2 * count)
    for (let i = 0; i < count; i++) {
      const isRight = rows[4 * i] === inputs[2 * i] && rows[4 * i + 1] === inputs[2 * i + 1]
      if (!isRight || (rows[4 * i + 2] ?? 0) > accumulatorMax) return i
    }
    return undefined
  }

  /** Which of a group's linears is wrong at a position: each by its own projections. */
  #blame(group: PlacedGroup, sent: number, i: number, position: number): LinearFault {
    const { rowSums, inputSums, ownDigits, input, accumulators } = this.#at
    this.#kernels.widen(sent, this.#shape.width, group.rows, accumulators)
    let at = accumulators
    for (const { op, rows, vectors, projections } of group.linears) {
      this.#kernels.dotRows(at, 0, 1, vectors, rows, group.every, rowSums)
      const own = digits(...projections)
      this.#memory.write(ownDigits, own)
      this.#kernels.dotInputs(input + 2 * group.columns * i, 1, ownDigits, group.columns, group.span, inputSums)
      const isOutside = (this.#memory.uint32(rowSums, 4)[2] ?? 0) > group.accumulatorMax
      if (isOutside || this.#firstWrong(group.accumulatorMax, 1) !== undefined) {
        const accumulators = this.#memory.int32(at, rows).slice()
        return {
          op,
          position,
          reason: isOutside ? 'range' : 'product',
          input: this.#inputAt(i, group.columns),
          accumulators,
        }
      }
      at += 4 * rows
    }
    throw new Error('a sum of projections differs where none of its parts does')
  }

  /** The quantised input of a block's i-th position. */
  #inputAt(i: number, columns: number): Int16Array {
    return new Int16Array(this.#memory.memory.buffer, this.#at.input + 2 * columns * i, columns).slice()
  }

  /** §5.9: what the request's adapters add to a linear's output; computed from their own weights. */
  #adapters(layer: number, op: Target, count: number, out: number): void {
    const at = this.#at
    for (const { weight, layers } of this.#slots) {
      const pair = layers[layer]?.[op]
      if (pair === undefined) continue
      const { down, up } = pair
      this.#kernels.multiply(down.weights, at.input, at.lowAccumulators, down.rows, down.columns, count, down.rows)
      this.#kernels.dequantiseRows(at.lowAccumulators, count, down.scales, at.scale, down.rows, at.low)
      this.#kernels.quantiseRows(at.low, count, down.rows, at.lowInput, at.lowScale, this.config.inputMax)
      this.#kernels.multiply(up.weights, at.lowInput, at.upAccumulators, up.rows, up.columns, count, up.rows)
      this.#kernels.dequantiseRows(at.upAccumulators, count, up.scales, at.lowScale, up.rows, at.delta)
      this.#kernels.addWeighted(out, at.delta, weight, up.rows * count)
    }
  }

  #placeSlots(slots: readonly Slot[]): PlacedSlot[] {
    const bytes = slots.flatMap(({ adapter }) =>
      adapter.layers.flatMap((layer) => targets.flatMap((target) => Object.values(layer[target] ?? {}))),
    )
    const needed = bytes.reduce((total, { weights, scales }) => total + weights.length + 4 * scales.length + 32, 0)
    if (needed > this.#slotSpace.bytes) this.#slotSpace = { address: this.#memory.take(2 * needed), bytes: 2 * needed }
    let free = this.#slotSpace.address
    const put = (data: Int8Array | Uint32Array): number => {
      const address = free
      this.#memory.write(address, data)
      free += 16 * Math.ceil(data.byteLength / 16)
      return address
    }
    const matrix = ({ rows, columns, weights, scales }: Matrix): PlacedLowRank => ({
      rows,
      columns,
      weights: put(weights),
      scales: put(scales),
    })
    return slots.map(({ adapter, weight }) => ({
      weight,
      layers: adapter.layers.map((layer) => {
        const placed: { [Name in Target]?: PlacedAdapterPair } = {}
        for (const target of targets) {
          const pair = layer[target]
          if (pair !== undefined) placed[target] = { down: matrix(pair.down), up: matrix(pair.up) }
        }
        return placed
      }),
    }))
  }

  #residualAt(position: number): number {
    return this.#space.residual + 4 * this.config.dim * position
  }
}

/** Where a group's accumulators of `count` positions from `from` on lie, in bytes: behind the beginning, and one record behind the other. */
type Sent = { readonly offset: number; readonly stride: number; readonly from: number; readonly count: number }
type Groups = readonly [PlacedGroup, PlacedGroup, PlacedGroup, PlacedGroup]
type PlacedLowRank = {
  readonly rows: number
  readonly columns: number
  readonly weights: number
  readonly scales: number
}
type PlacedAdapterPair = { readonly down: PlacedLowRank; readonly up: PlacedLowRank }
type PlacedSlot = {
  readonly weight: number
  readonly layers: readonly { readonly [Name in Target]?: PlacedAdapterPair }[]
}

/** The least position; of equals the earlier in the list, which is in the order of the graph. */
function firstOf(faults: readonly (LinearFault | undefined)[]): LinearFault | undefined {
  let first: LinearFault | undefined
  for (const fault of faults) if (fault && (first === undefined || fault.position < first.position)) first = fault
  return first
}

/** Accumulators of a layer and position. */
export function recordWords({ dim, heads, kvHeads, headDim, ffnDim }: ModelConfig): number {
  return heads * headDim + 2 * kvHeads * headDim + 2 * dim + 2 * ffnDim
}

/** Positions of which a pass has the accumulators at a time. */
export function blockPositions(config: ModelConfig): number {
  return Math.max(1, Math.min(blockMax, Math.floor(blockBytesMax / (4 * recordWords(config)))))
}

/** What grows with the answer: residual stream, keys and values of one layer, records of tiles. */
type Space = {
  readonly positions: number
  readonly residual: number
  readonly keys: number
  readonly values: number
  /** Bytes between the heads of a cache. */
  readonly headBytes: number
  readonly scratch: number
}

function takeSpace(config: ModelConfig, positions: number, memory: KernelMemory): Space {
  const { dim, kvHeads, headDim } = config
  // Scores are taken of four positions at a time, values of two.
  const rows = 4 * Math.ceil(positions / 4) + 4
  const headBytes = 2 * headDim * rows
  const tiles = Math.ceil(positions / tilePositions(config))
  return {
    positions,
    residual: memory.take(4 * dim * positions),
    keys: memory.take(kvHeads * headBytes),
    values: memory.take(kvHeads * headBytes),
    headBytes,
    scratch: memory.take(2 * (1024 + 8 * tiles * (headDim + 2))),
  }
}

type PlacedLayerRest = { readonly attentionNorm: number; readonly ffnNorm: number } & {
  readonly [Name in Target]: PlacedScales
}

type Placed = ReturnType<typeof place>

/** Addresses of what is kept of the model, and of what a block writes. */
function place(kept: KeptModel, block: number, memory: KernelMemory) {
  const { dim, heads, kvHeads, headDim, ffnDim, vocab } = kept.config
  const [queryDim, kvDim] = [heads * headDim, kvHeads * headDim]
  const widest = Math.max(dim, queryDim, ffnDim)
  const words = (perPosition: number) => memory.take(4 * block * perPosition)
  const layer = (rest: KeptModel['layers'][number]): PlacedLayerRest => ({
    attentionNorm: memory.put(rest.attentionNorm),
    ffnNorm: memory.put(rest.ffnNorm),
    query: placeScales(rest.query, memory),
    key: placeScales(rest.key, memory),
    value: placeScales(rest.value, memory),
    output: placeScales(rest.output, memory),
    gate: placeScales(rest.gate, memory),
    up: placeScales(rest.up, memory),
    down: placeScales(rest.down, memory),
  })
  return {
    expTable: memory.put(kept.expTable),
    sigmoidTable: memory.put(kept.sigmoidTable),
    ropeCos: memory.put(kept.ropeCos),
    ropeSin: memory.put(kept.ropeSin),
    embeddingScales: memory.put(kept.embedding.scales),
    layers: kept.layers.map(layer),
    finalNorm: memory.put(kept.finalNorm),
    head: placeScales(kept.head, memory),
    embedRow: memory.take(dim),
    normed: words(dim),
    linear: words(dim),
    query: words(queryDim),
    key: words(kvDim),
    value: words(kvDim),
    rotated: memory.take(2 * block * queryDim),
    mix: words(queryDim),
    gate: words(ffnDim),
    up: words(ffnDim),
    activation: words(ffnDim),
    logits: memory.take(4 * vocab),
    /** Quantised vectors, int16, and their mantissas and exponents. */
    input: memory.take(2 * block * widest),
    scale: words(2),
    /** Records as they were sent; and what one linear's accumulators are, where it is wrong. */
    sent: memory.take(4 * Math.max(block * recordWords(kept.config), vocab) + 16),
    accumulators: memory.take(4 * Math.max(recordWords(kept.config), vocab)),
    sums: words(6),
    rowSums: words(4),
    inputSums: words(2),
    ownDigits: memory.take(8 * widest),
    keyTops: memory.take(8 * kvHeads),
    valueTops: memory.take(4 * kvHeads),
    low: words(64),
    lowAccumulators: words(64),
    lowInput: memory.take(2 * block * 64),
    lowScale: words(2),
    upAccumulators: words(widest),
    delta: words(widest),
  }
}
