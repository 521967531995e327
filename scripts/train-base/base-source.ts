import { readFileSync } from 'node:fs'
import type { FloatSource } from '../../inference/float/float-model.ts'
import { Fields } from '../../inference/loaders/fields.ts'
import { hfLlama } from '../../inference/loaders/hf-llama.ts'
import { readSafetensors } from '../../inference/loaders/safetensors.ts'

/** Sizes of model.py in the terms of HF. */
const config = {
  model_type: 'llama',
  vocab_size: 4096,
  hidden_size: 192,
  intermediate_size: 512,
  num_hidden_layers: 6,
  num_attention_heads: 6,
  num_key_value_heads: 2,
  head_dim: 32,
  max_position_embeddings: 512,
  rope_theta: 10_000,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
  bos_token_id: 0,
  eos_token_id: 1,
}

/** The base model's float original. */
export function baseSource(file: string, tokenizer: Uint8Array): FloatSource {
  const bytes = readFileSync(file)
  return hfLlama({
    config: Fields.of('config', config),
    tensors: readSafetensors({ name: file, size: bytes.length, read: (at, length) => bytes.subarray(at, at + length) }),
    tokenizer: () => ({ section: tokenizer, eos: config.eos_token_id }),
    contextMax: config.max_position_embeddings,
  })
}
