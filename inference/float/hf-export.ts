import type { Adapter, Target } from '../adapter/adapter.ts'
import { hfNames } from '../loaders/hf-llama.ts'
import { peftModules } from '../loaders/peft-adapter.ts'
import type { CanonicalModel } from '../model.ts'
import type { ModelConfig } from '../model-config.ts'
import { floatAdapter, floatOf } from './dequantise.ts'
import type { FloatMatrix } from './float-model.ts'
import { rotaryBase } from './rope-tables.ts'

/** A tensor of single floats; `shape`: rows before columns. */
export type ExportedTensor = {
  readonly name: string
  readonly shape: readonly number[]
  readonly weights: Float32Array
}
export type Exported = { readonly config: object; readonly tensors: readonly ExportedTensor[] }

/**
 * A canonical model's floats as transformers' LlamaForCausalLM reads them; the tokenizer is the source's. Throws RangeError for rotary
 * angles that are no powers of one base.
 */
export function hfCheckpoint(model: CanonicalModel): Exported {
  const { embedding, layers, finalNorm, head, config } = floatOf(model)
  const tensors = layers.flatMap((layer, i) => {
    const names = hfNames.layer(i)
    const { query, key, value, output, gate, up, down } = layer
    return [
      vector(names.attentionNorm, layer.attentionNorm),
      vector(names.ffnNorm, layer.ffnNorm),
      ...Object.entries({ query, key, value, output, gate, up, down }).map(([name, weights]) =>
        matrix(names[name as Target], weights),
      ),
    ]
  })
  return {
    config: hfConfig(model.config, rotaryBase(config.frequencies ?? new Float64Array(0))),
    tensors: [
      matrix(hfNames.embedding, embedding),
      ...tensors,
      vector(hfNames.finalNorm, finalNorm),
      ...(head === undefined ? [] : [matrix(hfNames.head, head)]),
    ],
  }
}

/** A canonical adapter's floats as PEFT reads them, for the checkpoint of {@link hfCheckpoint}; `config` is its base's. */
export function peftDirectory(adapter: Adapter, config: Pick<ModelConfig, 'inputMax'>): Exported {
  const { rank } = adapter
  const modules = Object.entries(peftModules).filter(([, target]) => adapter.layers[0]?.[target] !== undefined)
  const tensors = floatAdapter(adapter, config).layers.flatMap((layer, i) =>
    modules.flatMap(([module, target]) => {
      const pair = layer[target]
      const name = `base_model.model.model.layers.${i}.${module}`
      if (pair === undefined) return []
      return [matrix(`${name}.lora_A.weight`, pair.down), matrix(`${name}.lora_B.weight`, pair.up)]
    }),
  )
  return {
    config: {
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      base_model_name_or_path: adapter.base,
      inference_mode: true,
      r: rank,
      // What is added is multiplied by alpha over the rank.
      lora_alpha: rank,
      lora_dropout: 0,
      bias: 'none',
      target_modules: modules.map(([module]) => module.split('.')[1]),
    },
    tensors,
  }
}

/** The head of a safetensors file; the tensors' bytes follow in their order. https://github.com/huggingface/safetensors */
export function safetensorsHead(tensors: readonly ExportedTensor[]): Uint8Array {
  let end = 0
  const entries = tensors.map(({ name, shape, weights }) => {
    const begin = end
    end += weights.byteLength
    return [name, { dtype: 'F32', shape, data_offsets: [begin, end] }]
  })
  const text = Buffer.from(JSON.stringify({ __metadata__: { format: 'pt' }, ...Object.fromEntries(entries) }))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([length, text])
}

function hfConfig(config: ModelConfig, theta: number): object {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    torch_dtype: 'float32',
    hidden_act: 'silu',
    hidden_size: config.dim,
    intermediate_size: config.ffnDim,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    vocab_size: config.vocab,
    max_position_embeddings: config.context,
    rms_norm_eps: config.epsilon / 2 ** 32,
    rope_theta: theta,
    tie_word_embeddings: config.tiedHead,
    attention_bias: false,
    mlp_bias: false,
    bos_token_id: config.bos,
    eos_token_id: config.eos,
  }
}

function matrix(name: string, { rows, columns, weights }: FloatMatrix): ExportedTensor {
  return { name, shape: [rows, columns], weights }
}

function vector(name: string, weights: Float32Array): ExportedTensor {
  return { name, shape: [weights.length], weights }
}
