import type { FloatConfig, FloatShape, FloatSource } from '../float/float-model.ts'
import type { Fields } from './fields.ts'
import type { Gguf } from './gguf.ts'
import { ggufTokenizer } from './gguf-tokenizer.ts'
import { type LlamaNames, llamaSource } from './llama-source.ts'
import { LoadError } from './load-error.ts'
import { readTensor, type Tensor } from './tensor.ts'

const names: LlamaNames = {
  embedding: 'token_embd.weight',
  finalNorm: 'output_norm.weight',
  head: 'output.weight',
  layer: (i) => ({
    attentionNorm: `blk.${i}.attn_norm.weight`,
    query: `blk.${i}.attn_q.weight`,
    key: `blk.${i}.attn_k.weight`,
    value: `blk.${i}.attn_v.weight`,
    output: `blk.${i}.attn_output.weight`,
    ffnNorm: `blk.${i}.ffn_norm.weight`,
    gate: `blk.${i}.ffn_gate.weight`,
    up: `blk.${i}.ffn_up.weight`,
    down: `blk.${i}.ffn_down.weight`,
  }),
  interleaved: true,
  ignored: /^rope_freqs\.weight$/,
}

/** What the canonical model stands for; metadata that says otherwise are refused by name. */
const supported = {
  'llama.expert_count': 0,
  'llama.attention.sliding_window': 0,
  'llama.embedding_scale': 1,
  'llama.residual_scale': 1,
  'llama.logit_scale': 1,
  'llama.rope.scaling.type': 'none',
}

/** A Llama as llama.cpp converts it. Throws {@link LoadError} and FormatError, naming what is not supported. */
export function ggufLlama({ metadata, tensors }: Gguf, contextMax: number): FloatSource {
  const architecture = metadata.text('general.architecture')
  if (architecture !== 'llama') {
    throw new LoadError('unsupported', `general.architecture ${architecture}; llama is supported`)
  }
  metadata.require(supported)
  const shape: FloatShape = {
    vocab: tensors.get(names.embedding)?.shape[0] ?? 0,
    dim: metadata.count('llama.embedding_length'),
    ffnDim: metadata.count('llama.feed_forward_length'),
    layers: metadata.count('llama.block_count'),
    tiedHead: !tensors.has(names.head),
  }
  const config = floatConfig(metadata, shape, contextMax, tensors.get('rope_freqs.weight'))
  const tokenizer = ggufTokenizer(metadata, shape.vocab)
  return llamaSource(names, { file: 'the GGUF', config, shape, tokenizer, tensors })
}

function floatConfig(
  metadata: Fields,
  { dim }: FloatShape,
  contextMax: number,
  factors: Tensor | undefined,
): FloatConfig {
  const heads = metadata.count('llama.attention.head_count')
  const headDim = metadata.count('llama.attention.key_length', dim / heads)
  metadata.require({ 'llama.attention.value_length': headDim, 'llama.rope.dimension_count': headDim })
  const theta = metadata.number('llama.rope.freq_base', 10_000)
  return {
    heads,
    kvHeads: metadata.count('llama.attention.head_count_kv', heads),
    headDim,
    context: Math.min(metadata.count('llama.context_length'), contextMax),
    theta,
    ...(factors === undefined ? {} : { frequencies: dividedFrequencies(factors, headDim, theta) }),
    epsilon: metadata.number('llama.attention.layer_norm_rms_epsilon'),
    bos: metadata.count('tokenizer.ggml.bos_token_id'),
    eos: metadata.count('tokenizer.ggml.eos_token_id'),
  }
}

/** Llama 3.1's scaling comes as what each pair's frequency is divided by. */
function dividedFrequencies(factors: Tensor, headDim: number, theta: number): Float64Array {
  const divisors = readTensor(factors)
  if (divisors.length !== headDim / 2 || divisors.includes(0)) {
    throw new LoadError('shape', `${factors.name}: ${divisors.length} factors for heads of ${headDim}`)
  }
  return Float64Array.from(divisors, (divisor, i) => theta ** ((-2 * i) / headDim) / divisor)
}
