import type { FloatConfig, FloatShape, FloatSource } from '../float/float-model.ts'
import { configLimits } from '../model-config.ts'
import { Fields } from './fields.ts'
import { type LlamaNames, llamaSource } from './llama-source.ts'
import { LoadError } from './load-error.ts'
import { scaledFrequencies } from './rope-scaling.ts'
import type { Tensor } from './tensor.ts'

/** What a HF checkpoint calls a Llama's tensors. */
export const hfNames: LlamaNames = {
  embedding: 'model.embed_tokens.weight',
  finalNorm: 'model.norm.weight',
  head: 'lm_head.weight',
  layer: (i) => ({
    attentionNorm: `model.layers.${i}.input_layernorm.weight`,
    query: `model.layers.${i}.self_attn.q_proj.weight`,
    key: `model.layers.${i}.self_attn.k_proj.weight`,
    value: `model.layers.${i}.self_attn.v_proj.weight`,
    output: `model.layers.${i}.self_attn.o_proj.weight`,
    ffnNorm: `model.layers.${i}.post_attention_layernorm.weight`,
    gate: `model.layers.${i}.mlp.gate_proj.weight`,
    up: `model.layers.${i}.mlp.up_proj.weight`,
    down: `model.layers.${i}.mlp.down_proj.weight`,
  }),
  interleaved: false,
  ignored: /\.rotary_emb\.inv_freq$/,
}

/** What the canonical model stands for; a config that says otherwise is refused by name. */
const supported = {
  hidden_act: 'silu',
  attention_bias: false,
  mlp_bias: false,
  partial_rotary_factor: 1,
  sliding_window: false,
  quantization_config: false,
}

/** What a directory of a HF checkpoint holds. `eosName`: of the end of an answer, where the config leaves a choice. */
export type HfParts = {
  readonly config: Fields
  readonly tensors: ReadonlyMap<string, Tensor>
  readonly tokenizer: (vocab: number) => { readonly section: Uint8Array; readonly eos: number | undefined }
  readonly contextMax: number
}

/** A Llama as HF transformers saves it. Throws {@link LoadError} and FormatError, naming what is not supported. */
export function hfLlama({ config, tensors, tokenizer, contextMax }: HfParts): FloatSource {
  const type = config.text('model_type')
  if (type !== 'llama') throw new LoadError('unsupported', `config.json: model_type ${type}; llama is supported`)
  config.require(supported)
  const vocab = config.count('vocab_size')
  if (vocab > configLimits.vocab[1]) {
    throw new LoadError('unsupported', `config.json: vocab_size is ${vocab}, at most ${configLimits.vocab[1]}`)
  }
  const { section, eos } = tokenizer(vocab)
  const shape: FloatShape = {
    vocab,
    dim: config.count('hidden_size'),
    ffnDim: config.count('intermediate_size'),
    layers: config.count('num_hidden_layers'),
    tiedHead: config.flag('tie_word_embeddings', false),
  }
  const parts = { config: floatConfig(config, shape, contextMax, eos), shape, tokenizer: section, tensors }
  return llamaSource(hfNames, { file: 'the checkpoint', ...parts })
}

/** Absent fields are what transformers' LlamaConfig has. */
function floatConfig(config: Fields, { dim }: FloatShape, contextMax: number, eos: number | undefined): FloatConfig {
  const heads = config.count('num_attention_heads')
  const headDim = config.count('head_dim', dim / heads)
  if (headDim > configLimits.headDim[1]) {
    throw new LoadError('unsupported', `config.json: head_dim is ${headDim}, at most ${configLimits.headDim[1]}`)
  }
  // transformers 5 has base and scaling in one field.
  const rope = ['rope_parameters', 'rope_scaling'].find((name) => config.get(name) !== undefined)
  const scaling = rope === undefined ? new Fields('rope', new Map()) : config.object(rope)
  const theta = scaling.number('rope_theta', config.number('rope_theta', 10_000))
  const frequencies = scaledFrequencies(scaling, headDim, theta)
  return {
    heads,
    kvHeads: config.count('num_key_value_heads', heads),
    headDim,
    context: Math.min(config.count('max_position_embeddings', 2048), contextMax),
    theta,
    ...(frequencies === undefined ? {} : { frequencies }),
    epsilon: config.number('rms_norm_eps', 1e-6),
    bos: config.count('bos_token_id', 1),
    eos: endToken(config, eos),
  }
}

/** Of several the one that the tokenizer names, or the first. */
function endToken(config: Fields, named: number | undefined): number {
  const value = config.get('eos_token_id')
  if (!Array.isArray(value)) return config.count('eos_token_id', 2)
  return named !== undefined && value.includes(named) ? named : Number(value[0])
}
