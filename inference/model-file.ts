import { FormatError, type Hex } from '../protocol/bytes.ts'
import type { CanonicalModel, Layer, Matrix } from './model.ts'
import { configBytes, decodeConfig, encodeConfig, type ModelConfig } from './model-config.ts'
import {
  encodeSections,
  leafBytesMax,
  matrixSections,
  plainSection,
  type Section,
  SectionReader,
  sectionsRoot,
  words,
} from './sections.ts'
import { expTableEntries, makeExpTable, makeSigmoidTable, sigmoidTableEntries } from './tables.ts'

/** Vocabulary, merges and bytes of a tokenizer. */
export const tokenizerBytesMax = 2 ** 24
export const modelMagic = 'OLMODEL1'

export function encodeModel(model: CanonicalModel): Uint8Array {
  return encodeSections(modelMagic, sectionsOf(model))
}

/** The model's name: the root over its sections. */
export function modelRoot(model: CanonicalModel): Hex {
  return sectionsRoot(sectionsOf(model))
}

/**
 * Reads a model file; views into `bytes`, no copy, where its buffer is aligned. Throws {@link FormatError} for anything that
 * {@link encodeModel} would not have written, weights and scales out of range included.
 */
export function decodeModel(bytes: Uint8Array): CanonicalModel {
  const reader = new SectionReader(bytes, modelMagic, 'model')
  const config = decodeConfig(reader.next(configBytes))
  const expTable = words(reader.next(4 * expTableEntries))
  const sigmoidTable = words(reader.next(4 * sigmoidTableEntries))
  if (!sameWords(expTable, makeExpTable()) || !sameWords(sigmoidTable, makeSigmoidTable())) {
    throw new FormatError('model file: a table is not the specified one')
  }
  const angles = config.context * (config.headDim / 2)
  const [ropeCos, ropeSin] = [angleTable(reader.next(2 * angles)), angleTable(reader.next(2 * angles))]
  const tokenizer = reader.nextUpTo(tokenizerBytesMax)
  const { dim, vocab } = config
  const embedding = reader.matrix(vocab, dim)
  const layers = Array.from({ length: config.layers }, () => readLayer(config, reader))
  const finalNorm = normOf(reader.next(4 * dim))
  const head = config.tiedHead ? { ...embedding, scales: reader.scales(vocab) } : reader.matrix(vocab, dim)
  reader.end()
  return { config, expTable, sigmoidTable, ropeCos, ropeSin, tokenizer, embedding, layers, finalNorm, head }
}

function readLayer({ dim, heads, kvHeads, headDim, ffnDim }: ModelConfig, reader: SectionReader): Layer {
  return {
    attentionNorm: normOf(reader.next(4 * dim)),
    query: reader.matrix(heads * headDim, dim),
    key: reader.matrix(kvHeads * headDim, dim),
    value: reader.matrix(kvHeads * headDim, dim),
    output: reader.matrix(dim, heads * headDim),
    ffnNorm: normOf(reader.next(4 * dim)),
    gate: reader.matrix(ffnDim, dim),
    up: reader.matrix(ffnDim, dim),
    down: reader.matrix(dim, ffnDim),
  }
}

/** All of a model, in the order of the file. */
export function sectionsOf(model: CanonicalModel): Section[] {
  return [...sectionsBeforeLayers(model), ...model.layers.flatMap(layerSections), ...sectionsBehindLayers(model)]
}

/** What a model has beside its layers. */
export type ModelFrame = Omit<CanonicalModel, 'layers'>

export function sectionsBeforeLayers(model: ModelFrame): Section[] {
  return [
    plainSection('config', encodeConfig(model.config)),
    plainSection('exp', model.expTable),
    plainSection('sigmoid', model.sigmoidTable),
    plainSection('rope.cos', model.ropeCos),
    plainSection('rope.sin', model.ropeSin),
    plainSection('tokenizer', model.tokenizer),
    ...matrix('embedding', model.embedding),
  ]
}

export function layerSections(layer: Layer, i: number): Section[] {
  return [
    plainSection(`${i}.attentionNorm`, layer.attentionNorm),
    ...matrix(`${i}.query`, layer.query),
    ...matrix(`${i}.key`, layer.key),
    ...matrix(`${i}.value`, layer.value),
    ...matrix(`${i}.output`, layer.output),
    plainSection(`${i}.ffnNorm`, layer.ffnNorm),
    ...matrix(`${i}.gate`, layer.gate),
    ...matrix(`${i}.up`, layer.up),
    ...matrix(`${i}.down`, layer.down),
  ]
}

export function sectionsBehindLayers({ config, finalNorm, head }: ModelFrame): Section[] {
  const scales = plainSection('head.scales', head.scales)
  return [plainSection('finalNorm', finalNorm), ...(config.tiedHead ? [scales] : matrix('head', head))]
}

function matrix(name: string, part: Matrix): Section[] {
  return matrixSections(name, part, rowLeafBytes(part.columns))
}

/** The largest divisor of a row that is at most 1 KiB, so that a leaf never crosses rows. */
export function rowLeafBytes(columns: number): number {
  let leaf = Math.min(columns, leafBytesMax)
  while (columns % leaf !== 0) leaf--
  return leaf
}

/** Norm weights stay below 256. */
export const normWeightMax = 2 ** 24 - 1

export function normOf(bytes: Uint8Array): Int32Array {
  const weights = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  for (const weight of weights) {
    if (Math.abs(weight) > normWeightMax) throw new FormatError(`model file: norm weight ${weight}`)
  }
  return weights
}

export function angleTable(bytes: Uint8Array): Int16Array {
  const table = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)
  for (const value of table) if (Math.abs(value) > 2 ** 14) throw new FormatError(`model file: cosine ${value}`)
  return table
}

function sameWords(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i])
}
