import { type Slot, type Target, targetShape, targets } from '../adapter/adapter.ts'
import { choiceElements, choiceTileElements, choiceTileLogits } from '../choice.ts'
import { InferenceError } from '../inference-error.ts'
import { bitLength } from '../integer.ts'
import { type ModelConfig, tilePositions } from '../model-config.ts'
import { elementBytes, type Op, ops, type Unit } from '../trace.ts'

/** The two trees under a traceRoot: what is sent, and what follows from it. docs/canonical-inference.md §12. */
export type TraceTree = 'linear' | 'derived'

/** Bytes of a leaf of each tree; the last of a record may be shorter. */
export const leafBytes = { linear: 12_288, derived: 4_096 } as const
/** Indexes of leaves are u32. */
const depthMax = 32
/** What of an adapter decides how large its units are. */
export type AdapterShape = { readonly rank: number; readonly targets: readonly Target[] }

/** Of the adapters of a request. */
export function adapterShapes(slots: readonly Slot[]): AdapterShape[] {
  return slots.map(({ adapter: { rank, layers } }) => ({
    rank,
    targets: targets.filter((target) => layers[0]?.[target] !== undefined),
  }))
}

/** How long an answer's trace is: positions run, how many of them are the input's first tokens, bytes of an accumulator. */
export type TraceExtent = { readonly positions: number; readonly tin: number; readonly width: 3 | 4 }

/** A unit's place in a record: `count` elements of `bytes`, `stride` apart from `offset` on. */
export type Field = {
  readonly op: Op
  readonly part: number
  readonly count: number
  readonly bytes: number
  readonly stride: number
  readonly offset: number
}

/** Where an element stands: bytes `offset` … `offset + bytes` of the record at (slab, position). */
export type TracePlace = {
  readonly tree: TraceTree
  readonly slab: number
  readonly position: number
  readonly offset: number
  readonly bytes: number
}

/** Numbers of bits of an index: `(slab · 2^position + position) · 2^leaf + leaf`. */
export type IndexBits = { readonly slab: number; readonly position: number; readonly leaf: number }

/** Which record has what, for one model with one list of adapters. Throws {@link InferenceError} for one too large for an index. */
export class TraceLayout {
  readonly config: ModelConfig
  readonly adapters: readonly AdapterShape[]
  readonly bits: { readonly [Tree in TraceTree]: IndexBits }
  /** Slabs of each tree. */
  readonly slabs: { readonly [Tree in TraceTree]: number }
  readonly #tile: number
  readonly #derivedLayer: readonly Field[]
  readonly #derivedHead: readonly Field[]
  readonly #linearLayer: { readonly 3: readonly Field[]; readonly 4: readonly Field[] }

  constructor(config: ModelConfig, adapters: readonly AdapterShape[] = []) {
    this.config = config
    this.adapters = adapters
    this.#tile = tilePositions(config)
    this.#derivedLayer = derivedLayerFields(config, adapters)
    this.#derivedHead = fieldsOf(derivedHeadUnits(config), elementBytesOf(config))
    this.#linearLayer = {
      3: fieldsOf(linearLayerUnits(config), () => 3),
      4: fieldsOf(linearLayerUnits(config), () => 4),
    }
    const { layers, context, vocab, dim } = config
    const widest = Math.max(
      4 * dim,
      bytesOf(this.#derivedHead),
      bytesOf(this.#derivedLayer) + this.#tilesBytes(context - 1),
      this.#cacheBytes(Math.min(this.#tile, context)),
    )
    const linearLeaf = bitsFor(leavesOf('linear', bytesOf(this.#linearLayer[4])))
    const headSlabs = Math.ceil(leavesOf('linear', 4 * vocab) / 2 ** linearLeaf)
    this.slabs = { linear: layers + 1 + headSlabs, derived: 2 * layers + 2 }
    const position = bitsFor(context)
    this.bits = {
      linear: { slab: bitsFor(this.slabs.linear), position, leaf: linearLeaf },
      derived: { slab: bitsFor(this.slabs.derived), position, leaf: bitsFor(leavesOf('derived', widest)) },
    }
    if (this.depth('linear') > depthMax || this.depth('derived') > depthMax) {
      throw new InferenceError('trace', 'the model is too large for a trace')
    }
  }

  depth(tree: TraceTree): number {
    const { slab, position, leaf } = this.bits[tree]
    return slab + position + leaf
  }

  /** Index of a leaf in its tree. */
  leafIndex(tree: TraceTree, slab: number, position: number, leaf: number): number {
    const bits = this.bits[tree]
    return (slab * 2 ** bits.position + position) * 2 ** bits.leaf + leaf
  }

  /** Where an index points to; the record there may be absent or shorter. */
  leafAt(tree: TraceTree, index: number): { readonly slab: number; readonly position: number; readonly leaf: number } {
    const bits = this.bits[tree]
    const record = Math.floor(index / 2 ** bits.leaf)
    return {
      slab: Math.floor(record / 2 ** bits.position),
      position: record % 2 ** bits.position,
      leaf: index % 2 ** bits.leaf,
    }
  }

  /** Bytes of the record at (slab, position); 0 where there is none. */
  recordBytes(tree: TraceTree, slab: number, position: number, extent: TraceExtent): number {
    const { layers, dim } = this.config
    const { positions, tin, width } = extent
    if (tree === 'derived' && slab > layers + 1) {
      return slab < this.slabs.derived ? this.#cacheBytes(this.#tileLength(position, positions)) : 0
    }
    if (position >= positions || (slab > layers && position < tin - 1)) return 0
    if (slab >= 1 && slab <= layers) {
      if (tree === 'linear') return bytesOf(this.#linearLayer[width])
      return bytesOf(this.#derivedLayer) + this.#tilesBytes(position)
    }
    if (tree === 'linear') return slab === 0 ? 0 : this.#headSlabBytes(slab, width)
    return slab === 0 ? 4 * dim : bytesOf(this.#derivedHead)
  }

  /** Units of a layer's or the head's record in order; those of variable size (attention tiles, cache) are not among them. */
  fields(tree: TraceTree, slab: number, width: 3 | 4): readonly Field[] {
    const { layers, dim } = this.config
    if (slab >= 1 && slab <= layers) return tree === 'linear' ? this.#linearLayer[width] : this.#derivedLayer
    if (tree === 'linear') return slab === 0 ? [] : [this.#headField(slab, width)].filter(({ count }) => count > 0)
    if (slab === 0) return fieldsOf([['embedding', 0, dim]], elementBytesOf(this.config))
    return slab === layers + 1 ? this.#derivedHead : []
  }

  /** Where the attention tiles of a layer's derived record begin. */
  get tilesOffset(): number {
    return bytesOf(this.#derivedLayer)
  }

  /** Where element `element` of a unit is committed. Throws {@link InferenceError} for what is committed nowhere. */
  place(unit: Unit, element: number, extent: TraceExtent): TracePlace {
    const { op, layer, position, part } = unit
    const { layers } = this.config
    if (op === 'cachedKey' || op === 'cachedValue') return this.#cachePlace(unit, element, extent.positions)
    if (op === 'attentionTile') return this.#tilePlace(unit, element)
    if (op === 'head') return this.#headPlace(position, element, extent.width)
    const tree = isLinear(op) ? 'linear' : 'derived'
    const slab = op === 'embedding' ? 0 : isHeadOp(op) ? layers + 1 : layer + 1
    const field = this.fields(tree, slab, extent.width).find((each) => each.op === op && each.part === part)
    if (field === undefined || element < 0 || element >= field.count) {
      throw new InferenceError('trace', `no element ${element} of ${op} ${part} is committed`)
    }
    return { tree, slab, position, offset: field.offset + element * field.stride, bytes: field.bytes }
  }

  /** The unit and element at a byte of a record; the inverse of {@link place}. */
  unitAt(
    tree: TraceTree,
    slab: number,
    position: number,
    offset: number,
    extent: TraceExtent,
  ): { readonly unit: Unit; readonly element: number } {
    const { layers, vocab } = this.config
    const unit = (op: Op, part = 0, layer = 0, at = position): Unit => ({ op, layer, position: at, part })
    if (tree === 'derived' && slab > layers + 1) return this.#cacheAt(slab - layers - 2, position, offset, extent)
    const inLayer = slab >= 1 && slab <= layers
    if (tree === 'derived' && inLayer && offset >= this.tilesOffset) return this.#tileAt(slab - 1, position, offset)
    const field = this.fields(tree, slab, extent.width).find((each) => holds(each, offset))
    if (field === undefined) throw new InferenceError('trace', `slab ${slab} has no byte ${offset}`)
    const element = Math.floor((offset - field.offset) / field.stride)
    const before = field.op === 'head' ? Math.min(vocab, this.#headStart(slab, extent.width)) : 0
    return { unit: unit(field.op, field.part, inLayer ? slab - 1 : 0), element: before + element }
  }

  /** Positions in tile `tile` of an answer of `positions`; 0 behind its end. */
  #tileLength(tile: number, positions: number): number {
    return Math.max(0, Math.min(this.#tile, positions - tile * this.#tile))
  }

  #cacheBytes(positions: number): number {
    return 4 * this.config.kvHeads * this.config.headDim * positions
  }

  /** Attention tiles of one position: of each head `headDim + 2` numbers a tile. */
  #tilesBytes(position: number): number {
    return 8 * this.config.heads * (this.config.headDim + 2) * this.#tiles(position)
  }

  #tiles(position: number): number {
    return Math.floor(position / this.#tile) + 1
  }

  #tilePlace({ layer, position, part }: Unit, element: number): TracePlace {
    const tiles = this.#tiles(position)
    const [head, tile] = [Math.floor(part / tiles), part % tiles]
    const number = (head * (this.config.headDim + 2) + element) * tiles + tile
    return { tree: 'derived', slab: layer + 1, position, offset: this.tilesOffset + 8 * number, bytes: 8 }
  }

  #tileAt(layer: number, position: number, offset: number): { unit: Unit; element: number } {
    const [tiles, numbers] = [this.#tiles(position), this.config.headDim + 2]
    const number = Math.floor((offset - this.tilesOffset) / 8)
    const [head, element] = [Math.floor(number / (tiles * numbers)), Math.floor(number / tiles) % numbers]
    return { unit: { op: 'attentionTile', layer, position, part: head * tiles + (number % tiles) }, element }
  }

  #cachePlace({ op, layer, position, part }: Unit, element: number, positions: number): TracePlace {
    const { layers, headDim } = this.config
    const tile = Math.floor(position / this.#tile)
    const length = this.#tileLength(tile, positions)
    const [head, i] = [Math.floor(element / headDim), element % headDim]
    const list = 2 * head + (op === 'cachedValue' ? 1 : 0)
    const offset = 2 * (headDim * (length * list + position - tile * this.#tile) + i)
    if (part !== 0) throw new InferenceError('trace', `no part ${part} of ${op}`)
    return { tree: 'derived', slab: layers + 2 + layer, position: tile, offset, bytes: 2 }
  }

  #cacheAt(layer: number, tile: number, offset: number, { positions }: TraceExtent): { unit: Unit; element: number } {
    const { headDim } = this.config
    const [length, number] = [this.#tileLength(tile, positions), Math.floor(offset / 2)]
    const list = Math.floor(number / (headDim * length))
    const row = Math.floor(number / headDim) % length
    const op = list % 2 === 0 ? 'cachedKey' : 'cachedValue'
    const unit = { op, layer, position: tile * this.#tile + row, part: 0 } as const
    return { unit, element: Math.floor(list / 2) * headDim + (number % headDim) }
  }

  /** First row of the head in a slab of the linear tree. */
  #headStart(slab: number, width: 3 | 4): number {
    return ((slab - this.config.layers - 1) * 2 ** this.bits.linear.leaf * leafBytes.linear) / width
  }

  #headField(slab: number, width: 3 | 4): Field {
    const { vocab } = this.config
    const rows = (2 ** this.bits.linear.leaf * leafBytes.linear) / width
    const count = Math.min(rows, Math.max(0, vocab - this.#headStart(slab, width)))
    return { op: 'head', part: 0, count, bytes: width, stride: width, offset: 0 }
  }

  #headSlabBytes(slab: number, width: 3 | 4): number {
    return this.#headField(slab, width).count * width
  }

  #headPlace(position: number, row: number, width: 3 | 4): TracePlace {
    const slabBytes = 2 ** this.bits.linear.leaf * leafBytes.linear
    const slab = this.config.layers + 1 + Math.floor((row * width) / slabBytes)
    return { tree: 'linear', slab, position, offset: (row * width) % slabBytes, bytes: width }
  }
}

/** Ops whose outputs are in the linear tree. */
export function isLinear(op: Op): boolean {
  return op === 'head' || targets.some((target) => target === op)
}

export function leavesOf(tree: TraceTree, bytes: number): number {
  return Math.ceil(bytes / leafBytes[tree])
}

type UnitSize = readonly [op: Op, part: number, count: number]

function linearLayerUnits(config: ModelConfig): UnitSize[] {
  return targets.map((target) => [target, 0, targetShape(config, target)[0]])
}

function derivedLayerFields(config: ModelConfig, adapters: readonly AdapterShape[]): Field[] {
  const fields = fieldsOf(derivedLayerUnits(config, adapters), elementBytesOf(config))
  let base = bytesOf(fields)
  for (const target of targets) {
    const slots = [...adapters.keys()].filter((slot) => adapters[slot]?.targets.includes(target))
    const [count, stride] = [targetShape(config, target)[0], ops.loraUp.bytes * slots.length]
    for (const [i, slot] of slots.entries()) {
      const part = adapterPart(slot, target)
      fields.push({ op: 'loraUp', part, count, bytes: ops.loraUp.bytes, stride, offset: base + i * ops.loraUp.bytes })
    }
    base += count * stride
  }
  return fields
}

function derivedLayerUnits(
  { dim, heads, headDim, ffnDim }: ModelConfig,
  adapters: readonly AdapterShape[],
): UnitSize[] {
  const queryDim = heads * headDim
  return [
    ['attentionScale', 0, 2],
    ['attentionInput', 0, dim],
    ['rotatedQuery', 0, queryDim],
    ['attentionMix', 0, queryDim],
    ['outputScale', 0, 2],
    ['outputInput', 0, queryDim],
    ['attentionResidual', 0, dim],
    ['ffnScale', 0, 2],
    ['ffnInput', 0, dim],
    ['activation', 0, ffnDim],
    ['downScale', 0, 2],
    ['downInput', 0, ffnDim],
    ['ffnResidual', 0, dim],
    ...(['loraDown', 'loraScale', 'loraInput'] as const).flatMap((op) =>
      adapters.flatMap(({ rank, targets: has }, slot) =>
        targets
          .filter((target) => has.includes(target))
          .map((target): UnitSize => [op, adapterPart(slot, target), op === 'loraScale' ? 2 : rank]),
      ),
    ),
  ]
}

function derivedHeadUnits({ dim, vocab }: ModelConfig): UnitSize[] {
  const tiles = Math.ceil(vocab / choiceTileLogits)
  return [
    ['headScale', 0, 2],
    ['headInput', 0, dim],
    ['choice', 0, choiceElements],
    ...Array.from({ length: tiles }, (_, tile): UnitSize => ['choiceTile', tile, choiceTileElements]),
  ]
}

function adapterPart(slot: number, target: Target): number {
  return targets.length * slot + targets.indexOf(target)
}

function elementBytesOf({ inputMax }: ModelConfig): (op: Op) => number {
  return (op) => elementBytes(op, inputMax)
}

function fieldsOf(units: readonly UnitSize[], widthOf: (op: Op) => number): Field[] {
  let offset = 0
  return units.map(([op, part, count]) => {
    const bytes = widthOf(op)
    const field = { op, part, count, bytes, stride: bytes, offset }
    offset += count * bytes
    return field
  })
}

function bytesOf(fields: readonly Field[]): number {
  return fields.reduce((sum, { count, bytes }) => sum + count * bytes, 0)
}

function holds({ offset, count, stride, bytes }: Field, at: number): boolean {
  return at >= offset && at < offset + count * stride && (at - offset) % stride < bytes
}

/** Bits that tell `count` things apart. */
function bitsFor(count: number): number {
  return bitLength(count - 1)
}

function isHeadOp(op: Op): boolean {
  return op === 'headScale' || op === 'headInput' || op === 'choice' || op === 'choiceTile'
}
