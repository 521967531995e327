import type { FloatMatrix, FloatModel } from '../../inference/float/float-model.ts'
import { concatBytes } from '../../protocol/bytes.ts'

/** A tensor to write, rows first. */
export type TensorData = { readonly name: string; readonly shape: readonly number[]; readonly bytes: Uint8Array }
export type WrittenType = 'F32' | 'F16' | 'BF16'

/** A safetensors file with a hand-made header where one is given. */
export function safetensorsFile(tensors: readonly TensorData[], type: WrittenType, header?: string): Uint8Array {
  let end = 0
  const entries = tensors.map(({ name, shape, bytes }) => {
    const begin = end
    end += bytes.length
    return [name, { dtype: type, shape, data_offsets: [begin, end] }] as const
  })
  const text = header ?? JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) })
  const json = new TextEncoder().encode(text)
  const length = new DataView(new ArrayBuffer(8))
  length.setBigUint64(0, BigInt(json.length), true)
  return concatBytes(new Uint8Array(length.buffer), json, ...tensors.map(({ bytes }) => bytes))
}

export type GgufValue = string | number | boolean | readonly string[] | readonly number[]
export type GgufTensor = TensorData & { readonly type: number }

/** A GGUF of version 3, aligned by 32 bytes. */
export function ggufFile(metadata: Readonly<Record<string, GgufValue>>, tensors: readonly GgufTensor[]): Uint8Array {
  const head = [u32(0x46554747), u32(3), u64(tensors.length), u64(Object.keys(metadata).length)]
  const values = Object.entries(metadata).map(([key, value]) => concatBytes(text(key), ggufValue(value)))
  let offset = 0
  const infos = tensors.map(({ name, shape, type, bytes }) => {
    const info = concatBytes(text(name), u32(shape.length), ...shape.toReversed().map(u64), u32(type), u64(offset))
    offset += padded(bytes).length
    return info
  })
  return concatBytes(padded(concatBytes(...head, ...values, ...infos)), ...tensors.map(({ bytes }) => padded(bytes)))
}

/** Numbers in a type's bytes; those that it has no room for are rounded by cutting. */
export function numbersIn(type: WrittenType, values: Float32Array): Uint8Array {
  if (type === 'F32') return new Uint8Array(values.slice().buffer)
  const view = new DataView(new ArrayBuffer(2 * values.length))
  for (const [i, value] of values.entries()) view.setUint16(2 * i, (type === 'BF16' ? brain : half)(value), true)
  return new Uint8Array(view.buffer)
}

/** A model's tensors by their HF names. */
export function hfTensors(model: FloatModel, type: WrittenType): TensorData[] {
  const vector = (name: string, values: Float32Array) => ({
    name,
    shape: [values.length],
    bytes: numbersIn(type, values),
  })
  const matrix = (name: string, { rows, columns, weights }: FloatMatrix) => ({
    name,
    shape: [rows, columns],
    bytes: numbersIn(type, weights),
  })
  return [
    matrix('model.embed_tokens.weight', model.embedding),
    ...model.layers.flatMap((layer, i) => [
      vector(`model.layers.${i}.input_layernorm.weight`, layer.attentionNorm),
      matrix(`model.layers.${i}.self_attn.q_proj.weight`, layer.query),
      matrix(`model.layers.${i}.self_attn.k_proj.weight`, layer.key),
      matrix(`model.layers.${i}.self_attn.v_proj.weight`, layer.value),
      matrix(`model.layers.${i}.self_attn.o_proj.weight`, layer.output),
      vector(`model.layers.${i}.post_attention_layernorm.weight`, layer.ffnNorm),
      matrix(`model.layers.${i}.mlp.gate_proj.weight`, layer.gate),
      matrix(`model.layers.${i}.mlp.up_proj.weight`, layer.up),
      matrix(`model.layers.${i}.mlp.down_proj.weight`, layer.down),
    ]),
    vector('model.norm.weight', model.finalNorm),
    ...(model.head === undefined ? [] : [matrix('lm_head.weight', model.head)]),
  ]
}

/** A model's tensors as llama.cpp has them: rotary pairs beside each other. F32. */
export function ggufTensors(model: FloatModel): GgufTensor[] {
  const { headDim } = model.config
  const vector = (name: string, values: Float32Array) => ({
    name,
    shape: [values.length],
    type: 0,
    bytes: numbersIn('F32', values),
  })
  const matrix = (name: string, { rows, columns, weights }: FloatMatrix) => ({
    name,
    shape: [rows, columns],
    type: 0,
    bytes: numbersIn('F32', weights),
  })
  return [
    matrix('token_embd.weight', model.embedding),
    ...model.layers.flatMap((layer, i) => [
      vector(`blk.${i}.attn_norm.weight`, layer.attentionNorm),
      matrix(`blk.${i}.attn_q.weight`, interleaved(layer.query, headDim)),
      matrix(`blk.${i}.attn_k.weight`, interleaved(layer.key, headDim)),
      matrix(`blk.${i}.attn_v.weight`, layer.value),
      matrix(`blk.${i}.attn_output.weight`, layer.output),
      vector(`blk.${i}.ffn_norm.weight`, layer.ffnNorm),
      matrix(`blk.${i}.ffn_gate.weight`, layer.gate),
      matrix(`blk.${i}.ffn_up.weight`, layer.up),
      matrix(`blk.${i}.ffn_down.weight`, layer.down),
    ]),
    vector('output_norm.weight', model.finalNorm),
    ...(model.head === undefined ? [] : [matrix('output.weight', model.head)]),
  ]
}

/** Rows i and i + headDim / 2 of each head to 2i and 2i + 1. */
function interleaved(matrix: FloatMatrix, headDim: number): FloatMatrix {
  const { rows, columns, weights } = matrix
  const half = headDim / 2
  const order = Array.from({ length: rows }, (_, to) => {
    const [head, place] = [Math.floor(to / headDim), to % headDim]
    return head * headDim + (place % 2) * half + Math.floor(place / 2)
  })
  const moved = order.flatMap((from) => [...weights.subarray(from * columns, (from + 1) * columns)])
  return { rows, columns, weights: Float32Array.from(moved) }
}

function ggufValue(value: GgufValue): Uint8Array {
  if (typeof value === 'string') return concatBytes(u32(8), text(value))
  if (typeof value === 'boolean') return concatBytes(u32(7), Uint8Array.of(value ? 1 : 0))
  if (typeof value === 'number') return Number.isInteger(value) ? concatBytes(u32(4), u32(value)) : real(value)
  const texts = value.every((item) => typeof item === 'string')
  const items = value.map((item) => (typeof item === 'string' ? text(item) : u32(item)))
  return concatBytes(u32(9), u32(texts ? 8 : 5), u64(value.length), ...items)
}

/** Type 12: float64. */
function real(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value, true)
  return concatBytes(u32(12), new Uint8Array(view.buffer))
}

function padded(bytes: Uint8Array): Uint8Array {
  return concatBytes(bytes, new Uint8Array((32 - (bytes.length % 32)) % 32))
}

function text(value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value)
  return concatBytes(u64(bytes.length), bytes)
}

function u32(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(4))
  view.setUint32(0, value, true)
  return new Uint8Array(view.buffer)
}

function u64(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, BigInt(value), true)
  return new Uint8Array(view.buffer)
}

function brain(value: number): number {
  return (new Uint32Array(Float32Array.of(value).buffer)[0] as number) >>> 16
}

function half(value: number): number {
  const [sign, magnitude] = [value < 0 ? 0x8000 : 0, Math.abs(value)]
  if (magnitude < 2 ** -14) return sign | Math.floor(magnitude * 2 ** 24)
  const exponent = Math.floor(Math.log2(magnitude))
  return sign | ((exponent + 15) << 10) | Math.floor((magnitude / 2 ** exponent - 1) * 1024)
}
