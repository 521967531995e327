import {
  bytesToHex,
  concatBytes,
  equalBytes,
  FormatError,
  type Hex,
  hexToBytes,
  uintBytes,
} from '../../protocol/bytes.ts'
import { chunks, merkleRootOf } from '../../protocol/content-hash.ts'
import { MerkleStream } from '../../protocol/merkle-stream.ts'
import { configBytes, decodeConfig, type ModelConfig } from '../model-config.ts'
import { rowLeafBytes, tokenizerBytesMax } from '../model-file.ts'
import { leafBytesMax } from '../sections.ts'
import { encodeKept, type SectionPlan, sectionPlan } from './kept-model.ts'
import { type ModelSource, readExactly } from './model-source.ts'

/** Told the weights of each linear as they pass by; the embedding's only where the head is tied to it. */
export type WeightSink = {
  /** Once, before all else. */
  begin(config: ModelConfig): Promise<void>
  /** Rows that {@link rows} will be given at a time, even, but for the last. */
  open(linear: number, columns: number): Promise<number>
  rows(weights: Int8Array): void
  close(): Promise<void>
}

/** Bytes read at once of weights that nobody projects. */
const skimBytes = 2 ** 20

/**
 * Reads a model file once from end to end, hands its weights to the sink and gives back the rest, encoded. Throws
 * {@link FormatError} where the file is not the model of that root: what the sink was told before is then worth nothing.
 */
export async function streamModel(source: ModelSource, root: Hex, sink: WeightSink): Promise<Uint8Array> {
  const reader = new SectionStream(source)
  await reader.begin()
  const configSection = await reader.plain('config', configBytes)
  const config = decodeConfig(configSection)
  await sink.begin(config)
  const kept = [configSection]
  for (const plan of sectionPlan(config).slice(1)) {
    if (plan.weights === undefined) kept.push(await reader.plain(plan.name, plan.bytes))
    else await reader.weights(plan.name, plan.weights, sink)
  }
  await reader.end()
  if (!equalBytes(reader.root(), hexToBytes(root))) {
    throw new FormatError(`model file: its root is ${bytesToHex(reader.root())}, not ${root}`)
  }
  return encodeKept(kept, reader.embeddingRoot)
}

const magic = new TextEncoder().encode('OLMODEL1')
const alignment = 16
/** Sections of the largest config. */
const sectionsMax = 8 + 256 * 16 + 3

class SectionStream {
  readonly #source: ModelSource
  readonly #leaves: Uint8Array[] = []
  embeddingRoot: Uint8Array = new Uint8Array(32)
  #lengths: number[] = []

  constructor(source: ModelSource) {
    this.#source = source
  }

  async begin(): Promise<void> {
    const head = await readExactly(this.#source, 12)
    const count = viewOf(head).getUint32(8)
    if (!equalBytes(head.subarray(0, 8), magic) || count > sectionsMax) throw new FormatError('not a model file')
    const lengths = viewOf(await readExactly(this.#source, 8 * count))
    this.#lengths = Array.from({ length: count }, (_, i) => Number(lengths.getBigUint64(8 * i)))
    await this.#padding(12 + 8 * count)
  }

  async plain(name: string, expected: number | undefined): Promise<Uint8Array> {
    const length = this.#next(name, expected)
    const bytes = await readExactly(this.#source, length)
    await this.#padding(length)
    const stream = new MerkleStream()
    for (const leaf of chunks(bytes, leafBytesMax)) stream.push(leaf)
    this.#leaf(name, length, leafBytesMax, stream.root())
    return bytes
  }

  async weights(name: string, shape: NonNullable<SectionPlan['weights']>, sink: WeightSink): Promise<void> {
    const { rows, columns, linear } = shape
    const length = this.#next(name, rows * columns)
    const leafBytes = rowLeafBytes(columns)
    const stream = new MerkleStream()
    const step = linear === undefined ? Math.ceil(skimBytes / columns) : await sink.open(linear, columns)
    for (let row = 0; row < rows; row += step) {
      const bytes = await readExactly(this.#source, columns * Math.min(step, rows - row))
      for (const leaf of chunks(bytes, leafBytes)) stream.push(leaf)
      const weights = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)
      if (weights.indexOf(-128) >= 0) throw new FormatError('model file: a weight is -128')
      if (linear !== undefined) sink.rows(weights)
    }
    if (linear !== undefined) await sink.close()
    await this.#padding(length)
    const root = stream.root()
    if (name === 'embedding') this.embeddingRoot = root
    this.#leaf(name, length, leafBytes, root)
  }

  async end(): Promise<void> {
    const rest = await this.#source.read(1)
    if (rest.length > 0 || this.#lengths.length > this.#leaves.length) {
      throw new FormatError('model file: more than its config says')
    }
  }

  root(): Uint8Array {
    return merkleRootOf(this.#leaves)
  }

  #next(name: string, expected: number | undefined): number {
    const length = this.#lengths[this.#leaves.length]
    const fits = expected === undefined ? (length ?? 0) <= tokenizerBytesMax : length === expected
    if (length === undefined || !fits) throw new FormatError(`model file: section ${name} has ${length} bytes`)
    return length
  }

  #leaf(name: string, length: number, leafBytes: number, root: Uint8Array): void {
    const text = new TextEncoder().encode(name)
    const sizes = [uintBytes(BigInt(length), 8), uintBytes(BigInt(leafBytes), 4)]
    this.#leaves.push(concatBytes(Uint8Array.of(text.length), text, ...sizes, root))
  }

  async #padding(length: number): Promise<void> {
    const bytes = await readExactly(this.#source, (alignment - (length % alignment)) % alignment)
    if (bytes.some((byte) => byte !== 0)) throw new FormatError('model file: padding is not zero')
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
