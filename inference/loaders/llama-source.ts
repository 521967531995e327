import { canonicalConfig } from '../float/convert.ts'
import {
  type FloatConfig,
  type FloatLayer,
  type FloatMatrix,
  type FloatShape,
  type FloatSource,
  rotaryFrequencies,
} from '../float/float-model.ts'
import { LoadError } from './load-error.ts'
import { readTensor, type Tensor } from './tensor.ts'

/** What a kind of file calls the parts of a Llama. */
export type LlamaNames = {
  readonly embedding: string
  readonly finalNorm: string
  readonly head: string
  readonly layer: (index: number) => Readonly<Record<keyof FloatLayer, string>>
  /** Rows of query and key have rotary pairs beside each other (2i, 2i + 1) instead of half a head apart. */
  readonly interleaved: boolean
  /** Tensors that say nothing the config does not say. */
  readonly ignored: RegExp
}

/** Radians by which a pair turns a position, at most: unscaled ones turn by 1, and angles above 2^53 have no sine. */
const frequencyMax = 2 ** 32

type Parts = {
  /** Of the file, for errors. */
  readonly file: string
  readonly config: FloatConfig
  readonly shape: FloatShape
  readonly tokenizer: Uint8Array
  readonly tensors: ReadonlyMap<string, Tensor>
}

/**
 * A Llama whose tensors are read when asked for. Throws {@link LoadError} at once for a missing tensor, one too many and one of a
 * wrong shape, and FormatError for sizes that the canonical model has not.
 */
export function llamaSource(names: LlamaNames, { file, config, shape, tokenizer, tensors }: Parts): FloatSource {
  canonicalConfig({ config, shape })
  checkNumbers(file, config)
  const { dim, vocab, ffnDim } = shape
  const [queryRows, keyRows] = [config.heads * config.headDim, config.kvHeads * config.headDim]
  const sizes: Readonly<Record<keyof FloatLayer, readonly number[]>> = {
    attentionNorm: [dim],
    query: [queryRows, dim],
    key: [keyRows, dim],
    value: [keyRows, dim],
    output: [dim, queryRows],
    ffnNorm: [dim],
    gate: [ffnDim, dim],
    up: [ffnDim, dim],
    down: [dim, ffnDim],
  }
  const wanted = new Map<string, readonly number[]>([
    [names.embedding, [vocab, dim]],
    [names.finalNorm, [dim]],
  ])
  if (!shape.tiedHead) wanted.set(names.head, [vocab, dim])
  for (let i = 0; i < shape.layers; i++) {
    for (const part of Object.keys(sizes) as (keyof FloatLayer)[]) wanted.set(names.layer(i)[part], sizes[part])
  }
  check(file, tensors, wanted, shape.tiedHead ? names.head : undefined, names.ignored)
  const vector = (name: string) => readTensor(tensors.get(name) as Tensor)
  const matrix = (name: string): FloatMatrix => {
    const [rows = 0, columns = 0] = wanted.get(name) ?? []
    return { rows, columns, weights: vector(name) }
  }
  const rotary = (name: string) => (names.interleaved ? apart(matrix(name), config.headDim) : matrix(name))
  return {
    config,
    shape,
    tokenizer,
    embedding: () => matrix(names.embedding),
    layer: (index) => {
      const layer = names.layer(index)
      return {
        attentionNorm: vector(layer.attentionNorm),
        query: rotary(layer.query),
        key: rotary(layer.key),
        value: matrix(layer.value),
        output: matrix(layer.output),
        ffnNorm: vector(layer.ffnNorm),
        gate: matrix(layer.gate),
        up: matrix(layer.up),
        down: matrix(layer.down),
      }
    },
    finalNorm: () => vector(names.finalNorm),
    head: () => (shape.tiedHead ? undefined : matrix(names.head)),
  }
}

/** What would make numbers that are none, or a model that turns no position. */
function checkNumbers(file: string, config: FloatConfig): void {
  if (!(config.epsilon >= 0)) throw new LoadError('file', `${file}: the norms' epsilon is ${config.epsilon}`)
  for (const [pair, frequency] of rotaryFrequencies(config).entries()) {
    if (!(frequency > 0 && frequency <= frequencyMax)) {
      throw new LoadError(
        'file',
        `${file}: its rotary base or scaling turns pair ${pair} by ${frequency} radians a position`,
      )
    }
  }
}

/** A tied head may be stored beside the embedding: it is not read. */
function check(
  file: string,
  tensors: ReadonlyMap<string, Tensor>,
  wanted: ReadonlyMap<string, readonly number[]>,
  tiedHead: string | undefined,
  ignored: RegExp,
): void {
  for (const [name, shape] of wanted) {
    const tensor = tensors.get(name)
    if (tensor === undefined) throw new LoadError('shape', `${file}: ${name} is missing`)
    if (tensor.shape.join() !== shape.join()) {
      throw new LoadError(
        'shape',
        `${tensor.source.name}: ${name} is ${tensor.shape.join(' × ')}, must be ${shape.join(' × ')}`,
      )
    }
  }
  for (const name of tensors.keys()) {
    if (wanted.has(name) || name === tiedHead || ignored.test(name)) continue
    throw new LoadError('unsupported', `${file}: ${name} is no tensor of a Llama without biases`)
  }
}

/** Rows 2i and 2i + 1 of each head to i and i + headDim / 2. */
function apart(matrix: FloatMatrix, headDim: number): FloatMatrix {
  const { rows, columns, weights } = matrix
  const out = new Float32Array(weights.length)
  for (let row = 0; row < rows; row++) {
    const [head, i] = [Math.floor(row / headDim), row % headDim]
    const to = head * headDim + Math.floor(i / 2) + (i % 2) * (headDim / 2)
    out.set(weights.subarray(row * columns, (row + 1) * columns), to * columns)
  }
  return { ...matrix, weights: out }
}
