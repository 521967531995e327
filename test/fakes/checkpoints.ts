import type { FloatModel } from '../../inference/float/float-model.ts'
import {
  type GgufValue,
  ggufFile,
  ggufTensors,
  hfTensors,
  numbersIn,
  safetensorsFile,
  type TensorData,
  type WrittenType,
} from './model-files.ts'

type Json = Readonly<Record<string, unknown>>

/** GPT-2's characters of bytes 0 … 255. */
const byteCharacters = Array.from({ length: 256 }, (_, byte) => {
  const printable = (b: number) => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174
  const moved = Array.from({ length: byte }, (_, b) => b).filter((b) => !printable(b)).length
  return String.fromCodePoint(printable(byte) ? byte : 256 + moved)
})
const merges = ['t h', 'Ġ th', 'Ġth e', 'i n']
/** Bytes from token 2 on, then what the merges make. */
const texts = ['<s>', '</s>', ...byteCharacters, ...merges.map((merge) => merge.replace(' ', ''))]

export const checkpointTokens = texts.length

export function hfTokenizerJson(change: Json = {}, modelChange: Json = {}): Json {
  return {
    version: '1.0',
    added_tokens: [
      { id: 0, content: '<s>', special: true },
      { id: 1, content: '</s>', special: true },
    ],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      vocab: Object.fromEntries(texts.map((text, id) => [text, id])),
      merges,
      ...modelChange,
    },
    ...change,
  }
}

export function hfConfigJson({ config, embedding, layers, head }: FloatModel, change: Json = {}): Json {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_act: 'silu',
    hidden_size: embedding.columns,
    intermediate_size: layers[0]?.gate.rows,
    num_hidden_layers: layers.length,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    vocab_size: embedding.rows,
    max_position_embeddings: config.context,
    rope_theta: config.theta,
    rope_scaling: null,
    rms_norm_eps: config.epsilon,
    tie_word_embeddings: head === undefined,
    bos_token_id: config.bos,
    eos_token_id: config.eos,
    attention_bias: false,
    ...change,
  }
}

/** Files of a checkpoint's directory; with `shards` above 1 several of safetensors and their index. */
export function hfCheckpoint(
  model: FloatModel,
  type: WrittenType,
  shards = 1,
  change: Json = {},
): ReadonlyMap<string, Uint8Array> {
  const json = (value: Json) => new TextEncoder().encode(JSON.stringify(value))
  const tensors = hfTensors(model, type)
  const files = new Map<string, Uint8Array>([
    ['config.json', json(hfConfigJson(model, change))],
    ['tokenizer.json', json(hfTokenizerJson())],
  ])
  if (shards === 1) return files.set('model.safetensors', safetensorsFile(tensors, type))
  const map: Record<string, string> = {}
  for (let shard = 0; shard < shards; shard++) {
    const file = `model-${shard}.safetensors`
    const part = tensors.filter((_, i) => i % shards === shard)
    for (const { name } of part) map[name] = file
    files.set(file, safetensorsFile(part, type))
  }
  return files.set('model.safetensors.index.json', json({ weight_map: map }))
}

export function ggufMetadata(model: FloatModel, change: Readonly<Record<string, GgufValue>> = {}) {
  const { config, embedding, layers } = model
  return {
    'general.architecture': 'llama',
    'llama.block_count': layers.length,
    'llama.context_length': config.context,
    'llama.embedding_length': embedding.columns,
    'llama.feed_forward_length': layers[0]?.gate.rows ?? 0,
    'llama.attention.head_count': config.heads,
    'llama.attention.head_count_kv': config.kvHeads,
    'llama.attention.key_length': config.headDim,
    'llama.rope.dimension_count': config.headDim,
    'llama.rope.freq_base': config.theta,
    'llama.attention.layer_norm_rms_epsilon': config.epsilon,
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'gpt-2',
    'tokenizer.ggml.tokens': texts,
    'tokenizer.ggml.token_type': texts.map((_, id) => (id < 2 ? 3 : 1)),
    'tokenizer.ggml.merges': merges,
    'tokenizer.ggml.bos_token_id': config.bos,
    'tokenizer.ggml.eos_token_id': config.eos,
    ...change,
  }
}

export function ggufCheckpoint(model: FloatModel, change: Readonly<Record<string, GgufValue>> = {}): Uint8Array {
  return ggufFile(ggufMetadata(model, change), ggufTensors(model))
}

export function peftConfigJson(rank: number, change: Json = {}): Json {
  return {
    peft_type: 'LORA',
    r: rank,
    lora_alpha: 2 * rank,
    target_modules: ['q_proj', 'down_proj'],
    bias: 'none',
    use_rslora: false,
    use_dora: false,
    fan_in_fan_out: false,
    modules_to_save: null,
    rank_pattern: {},
    lora_dropout: 0.05,
    ...change,
  }
}

/** Both halves for each `layer.module`, numbers that tell their place. F32. */
export function peftTensors(
  places: readonly string[],
  { rank, rows, columns }: { readonly rank: number; readonly rows: number; readonly columns: number },
): TensorData[] {
  const values = (count: number, seed: number) =>
    numbersIn(
      'F32',
      Float32Array.from({ length: count }, (_, i) => Math.sin(seed + i) / 4),
    )
  return places.flatMap((place, i) => {
    const name = `base_model.model.model.layers.${place}`
    return [
      { name: `${name}.lora_A.weight`, shape: [rank, columns], bytes: values(rank * columns, i) },
      { name: `${name}.lora_B.weight`, shape: [rows, rank], bytes: values(rows * rank, i + 9) },
    ]
  })
}

/** A vocabulary as Llama 2's: marks, bytes, characters and what they make. */
export const llama2Vocabulary = (() => {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)
  const texts = ['<s>', '</s>', ...bytes, ...['\u2581', 't', 'h', 'e', 'n'], ...['th', '\u2581th', '\u2581the', 'en']]
  const prepend = { type: 'Prepend', prepend: '\u2581' }
  const replace = { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' }
  const json = hfTokenizerJson(
    { normalizer: { type: 'Sequence', normalizers: [prepend, replace] }, pre_tokenizer: null },
    {
      byte_fallback: true,
      unk_token: '<s>',
      vocab: Object.fromEntries(texts.map((text, id) => [text, id])),
      // Each is the one way to make its token of two.
      merges: ['t h', '\u2581 th', '\u2581th e', 'e n'],
    },
  )
  const metadata = {
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': texts,
    'tokenizer.ggml.token_type': texts.map((_, id) => (id < 2 ? 3 : id < 258 ? 6 : 1)),
    'tokenizer.ggml.scores': texts.map((_, id) => -id),
  }
  return { texts, json, metadata }
})()
