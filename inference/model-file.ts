import { bytesToHex, concatBytes, equalBytes, FormatError, type Hex, hexToBytes, uintBytes } from '../protocol/bytes.ts'
import { merkleRoot, merkleRootOf } from '../protocol/content-hash.ts'
import { type CanonicalModel, type Layer, type Matrix, mantissaMax, shiftMax, shiftMin } from './model.ts'
import { configBytes, decodeConfig, encodeConfig, type ModelConfig } from './model-config.ts'
import { expTableEntries, makeExpTable, makeSigmoidTable, sigmoidTableEntries } from './tables.ts'

/** One part of a model: what is hashed, and how it is cut into leaves. docs/canonical-inference.md §9. */
export type Section = { readonly name: string; readonly bytes: Uint8Array; readonly leafBytes: number }

const magic = new TextEncoder().encode('OLMODEL1')
/** Sections begin at multiples of this, so that every element type can be viewed in place. */
const alignment = 16
/** Vocabulary, merges and bytes of a tokenizer. */
export const tokenizerBytesMax = 2 ** 24
const leafBytesMax = 1024

/** `OLMODEL1 ‖ count u32 ‖ length u64 …`, zeros to a multiple of 16, then each section and zeros to a multiple of 16. */
export function encodeModel(model: CanonicalModel): Uint8Array {
  const sections = sectionsOf(model)
  const lengths = sections.map(({ bytes }) => uintBytes(BigInt(bytes.length), 8))
  const head = concatBytes(magic, uintBytes(BigInt(sections.length), 4), ...lengths)
  return concatBytes(padded(head), ...sections.map(({ bytes }) => padded(bytes)))
}

/**
 * The model's name: the tree over its sections, whose leaf i is `name length u8 ‖ name ‖ length u64 ‖ leaf size u32 ‖ root of
 * the section's leaves`.
 */
export function modelRoot(model: CanonicalModel): Hex {
  return bytesToHex(merkleRootOf(sectionsOf(model).map(sectionLeaf)))
}

export function sectionLeaf({ name, bytes, leafBytes }: Section): Uint8Array {
  const text = new TextEncoder().encode(name)
  const root = hexToBytes(merkleRoot(bytes, leafBytes))
  return concatBytes(
    Uint8Array.of(text.length),
    text,
    uintBytes(BigInt(bytes.length), 8),
    uintBytes(BigInt(leafBytes), 4),
    root,
  )
}

/**
 * Reads a model file; views into `bytes`, no copy, where its buffer is aligned. Throws {@link FormatError} for anything that
 * {@link encodeModel} would not have written, weights and scales out of range included.
 */
export function decodeModel(bytes: Uint8Array): CanonicalModel {
  const aligned = bytes.byteOffset % alignment === 0 ? bytes : bytes.slice()
  const reader = new SectionReader(aligned)
  const config = decodeConfig(reader.next(configBytes))
  const expTable = words(reader.next(4 * expTableEntries))
  const sigmoidTable = words(reader.next(4 * sigmoidTableEntries))
  if (!sameWords(expTable, makeExpTable()) || !sameWords(sigmoidTable, makeSigmoidTable())) {
    throw new FormatError('model file: a table is not the specified one')
  }
  const angles = config.context * (config.headDim / 2)
  const [ropeCos, ropeSin] = [angleTable(reader.next(2 * angles)), angleTable(reader.next(2 * angles))]
  const tokenizer = reader.nextUpTo(tokenizerBytesMax)
  const matrix = (rows: number, columns: number): Matrix => ({
    rows,
    columns,
    weights: weightsOf(reader.next(rows * columns)),
    scales: scalesOf(reader.next(4 * rows)),
  })
  const { dim, vocab } = config
  const embedding = matrix(vocab, dim)
  const layers = Array.from({ length: config.layers }, () => readLayer(config, reader, matrix))
  const finalNorm = normOf(reader.next(4 * dim))
  const head = config.tiedHead ? { ...embedding, scales: scalesOf(reader.next(4 * vocab)) } : matrix(vocab, dim)
  reader.end()
  return { config, expTable, sigmoidTable, ropeCos, ropeSin, tokenizer, embedding, layers, finalNorm, head }
}

function readLayer(
  { dim, heads, kvHeads, headDim, ffnDim }: ModelConfig,
  reader: SectionReader,
  matrix: (rows: number, columns: number) => Matrix,
): Layer {
  return {
    attentionNorm: normOf(reader.next(4 * dim)),
    query: matrix(heads * headDim, dim),
    key: matrix(kvHeads * headDim, dim),
    value: matrix(kvHeads * headDim, dim),
    output: matrix(dim, heads * headDim),
    ffnNorm: normOf(reader.next(4 * dim)),
    gate: matrix(ffnDim, dim),
    up: matrix(ffnDim, dim),
    down: matrix(dim, ffnDim),
  }
}

/** All of a model, in the order of the file. */
export function sectionsOf(model: CanonicalModel): Section[] {
  const { config, tokenizer, embedding, finalNorm, head } = model
  const plain = (name: string, data: Uint8Array | Uint32Array | Int32Array | Int16Array): Section => ({
    name,
    bytes: bytesOf(data),
    leafBytes: leafBytesMax,
  })
  const matrix = (name: string, { weights, scales, columns }: Matrix): Section[] => [
    { name, bytes: bytesOf(weights), leafBytes: rowLeafBytes(columns) },
    plain(`${name}.scales`, scales),
  ]
  return [
    plain('config', encodeConfig(config)),
    plain('exp', model.expTable),
    plain('sigmoid', model.sigmoidTable),
    plain('rope.cos', model.ropeCos),
    plain('rope.sin', model.ropeSin),
    plain('tokenizer', tokenizer),
    ...matrix('embedding', embedding),
    ...model.layers.flatMap((layer, i) => [
      plain(`${i}.attentionNorm`, layer.attentionNorm),
      ...matrix(`${i}.query`, layer.query),
      ...matrix(`${i}.key`, layer.key),
      ...matrix(`${i}.value`, layer.value),
      ...matrix(`${i}.output`, layer.output),
      plain(`${i}.ffnNorm`, layer.ffnNorm),
      ...matrix(`${i}.gate`, layer.gate),
      ...matrix(`${i}.up`, layer.up),
      ...matrix(`${i}.down`, layer.down),
    ]),
    plain('finalNorm', finalNorm),
    ...(config.tiedHead ? [plain('head.scales', head.scales)] : matrix('head', head)),
  ]
}

/** The largest divisor of a row that is at most 1 KiB, so that a leaf never crosses rows. */
export function rowLeafBytes(columns: number): number {
  let leaf = Math.min(columns, leafBytesMax)
  while (columns % leaf !== 0) leaf--
  return leaf
}

class SectionReader {
  readonly #bytes: Uint8Array
  readonly #lengths: readonly number[]
  #offset: number
  #index = 0

  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    if (bytes.length < 12 || !equalBytes(bytes.subarray(0, 8), magic)) throw new FormatError('not a model file')
    const count = view.getUint32(8)
    const headBytes = 12 + 8 * count
    if (headBytes > bytes.length) throw new FormatError('model file: cut off')
    this.#lengths = Array.from({ length: count }, (_, i) => Number(view.getBigUint64(12 + 8 * i)))
    this.#bytes = bytes
    this.#offset = this.#skipZeros(headBytes)
  }

  next(length: number): Uint8Array {
    const section = this.nextUpTo(length)
    if (section.length !== length) {
      throw new FormatError(`model file: section ${this.#index - 1} has ${section.length} bytes, not ${length}`)
    }
    return section
  }

  nextUpTo(max: number): Uint8Array {
    const length = this.#lengths[this.#index]
    if (length === undefined) throw new FormatError(`model file: only ${this.#lengths.length} sections`)
    if (length > max) throw new FormatError(`model file: section ${this.#index} has ${length} bytes, not ${max}`)
    const section = this.#bytes.subarray(this.#offset, this.#offset + length)
    if (section.length < length) throw new FormatError('model file: cut off')
    this.#offset = this.#skipZeros(this.#offset + length)
    this.#index++
    return section
  }

  end(): void {
    if (this.#index !== this.#lengths.length || this.#offset !== this.#bytes.length) {
      throw new FormatError('model file: more than its config says')
    }
  }

  #skipZeros(offset: number): number {
    const end = Math.ceil(offset / alignment) * alignment
    if (end > this.#bytes.length) throw new FormatError('model file: cut off')
    for (let i = offset; i < end; i++)
      if (this.#bytes[i] !== 0) throw new FormatError('model file: padding is not zero')
    return end
  }
}

function weightsOf(bytes: Uint8Array): Int8Array {
  const weights = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  if (weights.indexOf(-128) >= 0) throw new FormatError('model file: a weight is -128')
  return weights
}

function scalesOf(bytes: Uint8Array): Uint32Array {
  const scales = words(bytes)
  for (const scale of scales) {
    const [mantissa, shift] = [scale >>> 8, scale & 255]
    if (mantissa > mantissaMax || shift < shiftMin || shift > shiftMax) {
      throw new FormatError(`model file: row scale ${mantissa} / 2^${shift}`)
    }
  }
  return scales
}

/** Norm weights stay below 256. */
export const normWeightMax = 2 ** 24 - 1

function normOf(bytes: Uint8Array): Int32Array {
  const weights = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  for (const weight of weights) {
    if (Math.abs(weight) > normWeightMax) throw new FormatError(`model file: norm weight ${weight}`)
  }
  return weights
}

function angleTable(bytes: Uint8Array): Int16Array {
  const table = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)
  for (const value of table) if (Math.abs(value) > 2 ** 14) throw new FormatError(`model file: cosine ${value}`)
  return table
}

function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
}

function sameWords(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i])
}

function bytesOf(data: Uint8Array | Int8Array | Uint32Array | Int32Array | Int16Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}

function padded(bytes: Uint8Array): Uint8Array {
  const rest = bytes.length % alignment
  return rest === 0 ? bytes : concatBytes(bytes, new Uint8Array(alignment - rest))
}
