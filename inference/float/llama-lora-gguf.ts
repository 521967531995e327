import { type Adapter, type Target, targets } from '../adapter/adapter.ts'
import type { ModelConfig } from '../model-config.ts'
import { floatAdapter } from './dequantise.ts'
import type { FloatMatrix } from './float-model.ts'
import { type GgufField, type GgufTensor, ggmlTypes, ggufFile, ggufValue } from './gguf-writer.ts'
import { rotaryRow } from './llama-gguf.ts'

const names: Readonly<Record<Target, string>> = {
  query: 'attn_q',
  key: 'attn_k',
  value: 'attn_v',
  output: 'attn_output',
  gate: 'ffn_gate',
  up: 'ffn_up',
  down: 'ffn_down',
}

/**
 * A canonical adapter as the GGUF that llama.cpp takes beside its base of `llamaGguf`, in single floats; its scale is the weight that
 * the request gives it. `config` is the base's.
 */
export function llamaLoraGguf(adapter: Adapter, config: Pick<ModelConfig, 'headDim' | 'inputMax'>): Uint8Array {
  const tensors = floatAdapter(adapter, config).layers.flatMap((layer, i) =>
    targets.flatMap((target) => {
      const pair = layer[target]
      if (pair === undefined) return []
      const isRotated = target === 'query' || target === 'key'
      const name = `blk.${i}.${names[target]}.weight`
      return [
        tensor(`${name}.lora_a`, pair.down),
        tensor(`${name}.lora_b`, isRotated ? interleaved(pair.up, config.headDim) : pair.up),
      ]
    }),
  )
  return ggufFile(fieldsOf(adapter.rank), tensors)
}

/** llama.cpp multiplies by alpha over the rank. */
function fieldsOf(rank: number): GgufField[] {
  const { real, string } = ggufValue
  return [
    ['general.type', string('adapter')],
    ['general.architecture', string('llama')],
    ['adapter.type', string('lora')],
    ['adapter.lora.alpha', real(rank)],
  ]
}

function tensor(name: string, { rows, columns, weights }: FloatMatrix): GgufTensor {
  const bytes = new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength)
  return { name, shape: [rows, columns], type: ggmlTypes.f32, bytes }
}

function interleaved({ rows, columns, weights }: FloatMatrix, headDim: number): FloatMatrix {
  const moved = new Float32Array(weights.length)
  for (let to = 0; to < rows; to++) {
    const from = rotaryRow(to, headDim) * columns
    moved.set(weights.subarray(from, from + columns), to * columns)
  }
  return { rows, columns, weights: moved }
}
