import type { CanonicalModel, Matrix } from '../model.ts'
import { blockValues, type GgufField, type GgufTensor, ggmlTypes, ggufFile, ggufValue } from './gguf-writer.ts'
import { halfBits } from './half-float.ts'

const firstByteToken = 8
/** Largest magnitude of an int8 weight. */
const weightMax = 127

/**
 * How matrices are written. `q8`: int8 weights as they are, each block of 32 with a scale in half precision; llama.cpp then rounds inputs
 * to 8 bits too. `f16`: weights in half precision, by which it rounds inputs no further: some twenty times nearer, and twice the size.
 */
export type MatrixForm = 'q8' | 'f16'
type MatrixWriter = (name: string, weights: Matrix, per: number) => GgufTensor

/** A canonical model as a GGUF that llama.cpp runs: architecture llama, rotary pairs beside each other; tokens have names only. */
export function llamaGguf(model: CanonicalModel, theta: number, form: MatrixForm): Uint8Array {
  return ggufFile(metadata(model, theta), tensorsOf(model, form === 'q8' ? blocksMatrix : halfMatrix))
}

function tensorsOf({ config, embedding, layers, finalNorm, head }: CanonicalModel, matrix: MatrixWriter): GgufTensor[] {
  const { headDim, tiedHead, inputMax } = config
  const linear = (name: string, weights: Matrix) => matrix(name, weights, inputMax)
  return [
    // The embedding's scales are of a step itself, those of other matrices of a step over the largest input.
    matrix('token_embd.weight', embedding, 1),
    ...layers.flatMap((layer, i) => [
      vector(`blk.${i}.attn_norm.weight`, layer.attentionNorm),
      linear(`blk.${i}.attn_q.weight`, interleaved(layer.query, headDim)),
      linear(`blk.${i}.attn_k.weight`, interleaved(layer.key, headDim)),
      linear(`blk.${i}.attn_v.weight`, layer.value),
      linear(`blk.${i}.attn_output.weight`, layer.output),
      vector(`blk.${i}.ffn_norm.weight`, layer.ffnNorm),
      linear(`blk.${i}.ffn_gate.weight`, layer.gate),
      linear(`blk.${i}.ffn_up.weight`, layer.up),
      linear(`blk.${i}.ffn_down.weight`, layer.down),
    ]),
    vector('output_norm.weight', finalNorm),
    ...(tiedHead ? [] : [linear('output.weight', head)]),
  ]
}

function metadata({ config }: CanonicalModel, theta: number): GgufField[] {
  const { number, real, string, strings, reals, numbers } = ggufValue
  const tokens = Array.from({ length: config.vocab }, (_, i) => tokenName(i))
  return [
    ['general.architecture', string('llama')],
    ['general.name', string('openledger')],
    ['llama.context_length', number(config.context)],
    ['llama.embedding_length', number(config.dim)],
    ['llama.block_count', number(config.layers)],
    ['llama.feed_forward_length', number(config.ffnDim)],
    ['llama.rope.dimension_count', number(config.headDim)],
    ['llama.rope.freq_base', real(theta)],
    ['llama.attention.head_count', number(config.heads)],
    ['llama.attention.head_count_kv', number(config.kvHeads)],
    ['llama.attention.key_length', number(config.headDim)],
    ['llama.attention.value_length', number(config.headDim)],
    ['llama.attention.layer_norm_rms_epsilon', real(config.epsilon / 2 ** 32)],
    ['llama.vocab_size', number(config.vocab)],
    ['tokenizer.ggml.model', string('llama')],
    ['tokenizer.ggml.tokens', strings(tokens.map(({ name }) => name))],
    ['tokenizer.ggml.scores', reals(tokens.map((_, i) => -i))],
    ['tokenizer.ggml.token_type', numbers(tokens.map(({ type }) => type))],
    ['tokenizer.ggml.bos_token_id', number(config.bos)],
    ['tokenizer.ggml.eos_token_id', number(config.eos)],
  ]
}

/** llama.cpp asks for a token of each byte, type 6; which token it is changes no work. */
function tokenName(token: number): { readonly name: string; readonly type: number } {
  const byte = token - firstByteToken
  if (byte < 0 || byte > 255) return { name: `<${token}>`, type: 1 }
  return { name: `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, type: 6 }
}

function vector(name: string, weights: Int32Array): GgufTensor {
  const values = Float32Array.from(weights, (weight) => weight / 65_536)
  return { name, shape: [values.length], type: ggmlTypes.f32, bytes: new Uint8Array(values.buffer) }
}

function halfMatrix(name: string, { rows, columns, weights, scales }: Matrix, per: number): GgufTensor {
  const values = new Uint16Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    const step = stepOf(scales[row] ?? 0, per)
    const halves = Uint16Array.from({ length: 2 * weightMax + 1 }, (_, i) => halfBits(step * (i - weightMax)))
    for (let i = row * columns; i < (row + 1) * columns; i++) values[i] = halves[(weights[i] ?? 0) + weightMax] ?? 0
  }
  return { name, shape: [rows, columns], type: ggmlTypes.f16, bytes: new Uint8Array(values.buffer) }
}

/** Blocks of Q8_0: a half-precision scale, then the int8 weights as they are. */
function blocksMatrix(name: string, { rows, columns, weights, scales }: Matrix, per: number): GgufTensor {
  const blocks = columns / blockValues
  const bytes = new Uint8Array(rows * blocks * (2 + blockValues))
  for (let row = 0; row < rows; row++) {
    const half = halfBits(stepOf(scales[row] ?? 0, per))
    for (let block = 0; block < blocks; block++) {
      const at = (row * blocks + block) * (2 + blockValues)
      bytes[at] = half & 255
      bytes[at + 1] = half >> 8
      const from = row * columns + block * blockValues
      bytes.set(new Uint8Array(weights.buffer, weights.byteOffset + from, blockValues), at + 2)
    }
  }
  return { name, shape: [rows, columns], type: ggmlTypes.q8, bytes }
}

/** What a step of a row's weights is worth. */
function stepOf(scale: number, per: number): number {
  return ((scale >>> 8) / 2 ** (scale & 255)) * per
}

/** Rows i and i + headDim / 2 of each head to 2i and 2i + 1. */
function interleaved({ rows, columns, weights, scales }: Matrix, headDim: number): Matrix {
  const moved = { rows, columns, weights: new Int8Array(weights.length), scales: new Uint32Array(rows) }
  for (let to = 0; to < rows; to++) {
    const from = rotaryRow(to, headDim)
    moved.weights.set(weights.subarray(from * columns, (from + 1) * columns), to * columns)
    moved.scales[to] = scales[from] ?? 0
  }
  return moved
}

/** Where a row of queries or keys comes from: llama.cpp has the two of a rotary pair beside each other. */
export function rotaryRow(to: number, headDim: number): number {
  const [head, place] = [Math.floor(to / headDim), to % headDim]
  return head * headDim + (place % 2) * (headDim / 2) + Math.floor(place / 2)
}
