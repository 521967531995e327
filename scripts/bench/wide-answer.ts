import { targetShape, targets } from '../../inference/adapter/adapter.ts'
import { upLeafBytes } from '../../inference/adapter/adapter-file.ts'
import { encodeConfig, type ModelConfig, scoreScale, wideInput } from '../../inference/model-config.ts'
import { rowLeafBytes } from '../../inference/model-file.ts'
import type { SectionSource } from '../../inference/one-step/open-step.ts'
import type { Run } from '../../inference/one-step/step.ts'
import type { TraceHead } from '../../inference/trace/head.ts'
import { type AdapterShape, leafBytes, type TraceLayout, type TraceTree } from '../../inference/trace/layout.ts'
import type { TraceOpener } from '../../inference/trace/opening.ts'
import type { Unit } from '../../inference/trace.ts'
import { concatBytes, uintBytes } from '../../protocol/bytes.ts'
import { FilledTree } from './filled-tree.ts'

/** A model of a billion parameters, at the longest context. */
export const wideConfig: ModelConfig = {
  ...{ vocab: 128_256, dim: 2048, layers: 16, heads: 32, kvHeads: 8, headDim: 64, ffnDim: 8192, context: 2 ** 15 },
  inputMax: wideInput,
  ...{ tiedHead: true, epsilon: 42_950, ...scoreScale(64), bos: 0, eos: 1 },
}
export const wideAdapter: AdapterShape = { rank: 64, targets }

const tokenizerBytes = 2 ** 21

type Size = readonly [length: number, leafBytes: number]

/** A file of the right sizes with bytes of no meaning, none of them 0; valid as scales, weights and angles. */
export class WideFile implements SectionSource {
  readonly #config: Uint8Array
  readonly #sizes: readonly Size[]
  readonly #seen = new Map<number, Map<number, Uint8Array>>()

  constructor(config: Uint8Array, sizes: readonly Size[]) {
    this.#config = config
    this.#sizes = [[config.length, 1024], ...sizes]
  }

  /** The root over what was read. */
  get root(): Uint8Array {
    return this.#files().root
  }

  section(number: number) {
    const [length, size] = this.#sizes[number] as Size
    const subarray = (begin: number, end: number) => this.#bytes(number, begin, end)
    return { leafBytes: size, bytes: { length, subarray } }
  }

  leaf(number: number): Uint8Array {
    const [length, size] = this.#sizes[number] as Size
    const name = new TextEncoder().encode(`section ${number}`.padEnd(20))
    const root = this.#tree(number).root
    return concatBytes(Uint8Array.of(name.length), name, uintBytes(length, 8), uintBytes(size, 4), root)
  }

  siblings(number: number): Uint8Array[] {
    return this.#files().siblings(number, number)
  }

  run(number: number, from: number, to: number): Run {
    const [length, size] = this.#sizes[number] as Size
    const [first, end] = [Math.floor(from / size), Math.ceil(to / size)]
    const seen = this.#seen.get(number) ?? new Map<number, Uint8Array>()
    this.#seen.set(number, seen)
    for (let leaf = first; leaf < end; leaf++) {
      seen.set(leaf, this.#bytes(number, leaf * size, Math.min(length, (leaf + 1) * size)))
    }
    const data = this.#bytes(number, first * size, Math.min(length, end * size))
    return { first, data, siblings: this.#tree(number).siblings(first, end - 1) }
  }

  #bytes(number: number, begin: number, end: number): Uint8Array {
    if (number === 0) return this.#config.subarray(begin, end)
    return Uint8Array.from({ length: end - begin }, (_, i) => filler(number, begin + i))
  }

  #tree(number: number): FilledTree {
    const [length, size] = this.#sizes[number] as Size
    return new FilledTree(depthOf(Math.ceil(length / size)), this.#seen.get(number) ?? new Map())
  }

  #files(): FilledTree {
    const leaves = [...this.#seen.keys()].map((number) => [number, this.leaf(number)] as const)
    return new FilledTree(depthOf(this.#sizes.length), new Map(leaves))
  }
}

/** Sections of a model behind its config. */
export function wideModel(config: ModelConfig): WideFile {
  const { vocab, dim, layers, headDim, context } = config
  const plain = (length: number): Size => [length, 1024]
  const matrix = (rows: number, columns: number): Size[] => [[rows * columns, rowLeafBytes(columns)], plain(4 * rows)]
  const of = (target: (typeof targets)[number]) => matrix(...targetShape(config, target))
  const attention = [...of('query'), ...of('key'), ...of('value'), ...of('output')]
  const layer = [plain(4 * dim), ...attention, plain(4 * dim), ...of('gate'), ...of('up'), ...of('down')]
  const angles = context * headDim
  const before = [4 * 1025, 4 * 4097, angles, angles, tokenizerBytes].map(plain)
  return new WideFile(encodeConfig(config), [
    ...[...before, ...matrix(vocab, dim)],
    ...Array.from({ length: layers }, () => layer).flat(),
    ...[plain(4 * dim), plain(4 * vocab)],
  ])
}

/** Sections of an adapter of every target. */
export function wideAdapterFile(config: ModelConfig, { rank }: AdapterShape): WideFile {
  const head = concatBytes(...[1, rank, 2 ** targets.length - 1].map((word) => uintBytes(word, 4)), new Uint8Array(32))
  const pair = (target: (typeof targets)[number]): Size[] => {
    const [rows, columns] = targetShape(config, target)
    return [
      [rank * columns, rowLeafBytes(columns)],
      [4 * rank, 1024],
      [rows * rank, upLeafBytes(rank)],
      [4 * rows, 1024],
    ]
  }
  return new WideFile(head, Array.from({ length: config.layers }, () => targets.flatMap(pair)).flat())
}

/** A trace of the right size with bytes of no meaning, but for scales and what a choice compares with. */
export class WideTrace implements TraceOpener {
  readonly #layout: TraceLayout
  readonly #extent: { readonly positions: number; readonly tin: number; readonly width: 4 }
  readonly #seen = { linear: new Map<number, Uint8Array>(), derived: new Map<number, Uint8Array>() }
  readonly #fixed = new Map<string, number>()

  constructor(layout: TraceLayout, tin: number, positions: number) {
    this.#layout = layout
    this.#extent = { positions, tin, width: 4 }
  }

  get head(): TraceHead {
    const [linear, derived] = [this.#tree('linear'), this.#tree('derived')]
    const depths = { linearDepth: this.#layout.depth('linear'), derivedDepth: this.#layout.depth('derived') }
    return { ...this.#extent, ...depths, linearRoot: linear.root, derivedRoot: derived.root }
  }

  /** Sets bytes of a unit from its first element on. */
  fix(unit: Unit, bytes: Uint8Array): void {
    const { tree, slab, position, offset } = this.#layout.place(unit, 0, this.#extent)
    const base = this.#layout.leafIndex(tree, slab, position, 0) * leafBytes[tree]
    for (const [i, byte] of bytes.entries()) this.#fixed.set(`${tree} ${base + offset + i}`, byte)
  }

  run(tree: TraceTree, first: number, end: number): Run {
    const leaves = Array.from({ length: end - first }, (_, i) => this.#leaf(tree, first + i))
    for (const [i, leaf] of leaves.entries()) this.#seen[tree].set(first + i, leaf)
    return { first, data: concatBytes(...leaves), siblings: this.#tree(tree).siblings(first, end - 1) }
  }

  #leaf(tree: TraceTree, index: number): Uint8Array {
    const size = leafBytes[tree]
    const { slab, leaf } = this.#layout.leafAt(tree, index)
    const { layers, headDim } = this.#layout.config
    const isCache = tree === 'derived' && slab > layers + 1
    return Uint8Array.from({ length: size }, (_, i) => {
      const fixed = this.#fixed.get(`${tree} ${index * size + i}`)
      if (fixed !== undefined) return fixed
      // Keys so much alike that no probability is 0.
      const [row, at] = [Math.floor((leaf * size + i) / (2 * headDim)), (leaf * size + i) % (2 * headDim)]
      return isCache ? (at === 0 ? 18 + (row % 100) : 100) : filler(index % 997, i)
    })
  }

  #tree(tree: TraceTree): FilledTree {
    return new FilledTree(this.#layout.depth(tree), this.#seen[tree])
  }
}

/** 18 … 127: as the lowest byte of a row scale, its shift. */
function filler(a: number, b: number): number {
  return 18 + ((a * 7919 + b * 31 + (b >>> 7) * 17) % 110)
}

function depthOf(leaves: number): number {
  return Math.ceil(Math.log2(leaves))
}
