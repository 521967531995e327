import { bytesToHex, FormatError, type Hex } from '../../protocol/bytes.ts'
import type { Target } from '../adapter/adapter.ts'
import { targets } from '../adapter/adapter.ts'
import type { Matrix } from '../model.ts'
import { configBytes, decodeConfig, type ModelConfig } from '../model-config.ts'
import { angleTable, normOf, tokenizerBytesMax } from '../model-file.ts'
import { encodeSections, plainSection, SectionReader, words } from '../sections.ts'
import { expTableEntries, makeExpTable, makeSigmoidTable, sigmoidTableEntries } from '../tables.ts'
import { linearsOf } from './secret-vectors.ts'

/** A matrix without its weights. */
export type KeptMatrix = Omit<Matrix, 'weights'>

export type KeptLayer = { readonly attentionNorm: Int32Array; readonly ffnNorm: Int32Array } & {
  readonly [Name in Target]: KeptMatrix
}

/** A model but for the weights of its matrices: what a weightless checker needs beside the projections. */
export type KeptModel = {
  readonly root: Hex
  readonly config: ModelConfig
  readonly expTable: Uint32Array
  readonly sigmoidTable: Uint32Array
  readonly ropeCos: Int16Array
  readonly ropeSin: Int16Array
  readonly tokenizer: Uint8Array
  readonly embedding: KeptMatrix
  /** Root of the embedding's weights, under which rows of it are shown. */
  readonly embeddingRoot: Hex
  readonly layers: readonly KeptLayer[]
  readonly finalNorm: Int32Array
  readonly head: KeptMatrix
}

/** A section of a model file: weights that are projected, or what is kept. */
export type SectionPlan = {
  readonly name: string
  /** Undefined for the tokenizer, which has any length up to its limit. */
  readonly bytes: number | undefined
  /** Shape of weights. */
  readonly weights?: { readonly rows: number; readonly columns: number; readonly linear: number | undefined }
}

/** Every section of a model of this config in the order of its file; `linear` is the index in `linearsOf`. */
export function sectionPlan(config: ModelConfig): SectionPlan[] {
  const { vocab, dim, layers } = config
  const angles = 2 * config.context * (config.headDim / 2)
  const plain = (name: string, bytes: number): SectionPlan => ({ name, bytes })
  const matrix = (name: string, rows: number, columns: number, linear: number | undefined): SectionPlan[] => [
    { name, bytes: rows * columns, weights: { rows, columns, linear } },
    plain(`${name}.scales`, 4 * rows),
  ]
  const linears = linearsOf(config)
  const layer = (i: number): SectionPlan[] => {
    const parts = targets.map((op, t) => {
      const index = i * targets.length + t
      const { rows, columns } = linears[index] as (typeof linears)[number]
      return matrix(`${i}.${op}`, rows, columns, index)
    })
    const [attention, feedForward] = [parts.slice(0, 4).flat(), parts.slice(4).flat()]
    return [plain(`${i}.attentionNorm`, 4 * dim), ...attention, plain(`${i}.ffnNorm`, 4 * dim), ...feedForward]
  }
  const head = linears.length - 1
  return [
    plain('config', configBytes),
    plain('exp', 4 * expTableEntries),
    plain('sigmoid', 4 * sigmoidTableEntries),
    plain('rope.cos', angles),
    plain('rope.sin', angles),
    { name: 'tokenizer', bytes: undefined },
    ...matrix('embedding', vocab, dim, config.tiedHead ? head : undefined),
    ...Array.from({ length: layers }, (_, i) => layer(i)).flat(),
    plain('finalNorm', 4 * dim),
    ...(config.tiedHead ? [plain('head.scales', 4 * vocab)] : matrix('head', vocab, dim, head)),
  ]
}

const magic = 'OLKEPT01'

/** Sections of a model file but for weights, in their order, and the root of the embedding's. */
export function encodeKept(sections: readonly Uint8Array[], embeddingRoot: Uint8Array): Uint8Array {
  return encodeSections(
    magic,
    [...sections, embeddingRoot].map((bytes) => plainSection('', bytes)),
  )
}

/** Throws {@link FormatError} for what no model file has. */
export function decodeKept(root: Hex, bytes: Uint8Array): KeptModel {
  const reader = new SectionReader(bytes, magic, 'kept model')
  const config = decodeConfig(reader.next(configBytes))
  const table = (expected: Uint32Array): Uint32Array => {
    const found = words(reader.next(4 * expected.length))
    if (!found.every((value, i) => value === expected[i])) throw new FormatError('a table is not the specified one')
    return found
  }
  const [expTable, sigmoidTable] = [table(makeExpTable()), table(makeSigmoidTable())]
  const angles = 2 * config.context * (config.headDim / 2)
  const [ropeCos, ropeSin] = [angleTable(reader.next(angles)), angleTable(reader.next(angles))]
  const tokenizer = reader.nextUpTo(tokenizerBytesMax)
  const { dim, vocab } = config
  const matrix = (rows: number, columns: number): KeptMatrix => ({ rows, columns, scales: reader.scales(rows) })
  const embedding = matrix(vocab, dim)
  const linears = linearsOf(config)
  const layers = Array.from({ length: config.layers }, (_, i): KeptLayer => {
    const target = (t: number): KeptMatrix => {
      const { rows, columns } = linears[i * targets.length + t] as (typeof linears)[number]
      return matrix(rows, columns)
    }
    return {
      attentionNorm: normOf(reader.next(4 * dim)),
      query: target(0),
      key: target(1),
      value: target(2),
      output: target(3),
      ffnNorm: normOf(reader.next(4 * dim)),
      gate: target(4),
      up: target(5),
      down: target(6),
    }
  })
  const finalNorm = normOf(reader.next(4 * dim))
  const head = matrix(vocab, dim)
  const embeddingRoot = bytesToHex(reader.next(32))
  reader.end()
  const tables = { expTable, sigmoidTable, ropeCos, ropeSin }
  return { root, config, ...tables, tokenizer, embedding, embeddingRoot, layers, finalNorm, head }
}
