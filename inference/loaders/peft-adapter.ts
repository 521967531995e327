import type { Target } from '../adapter/adapter.ts'
import type { FloatAdapter, FloatLowRank } from '../adapter/convert-adapter.ts'
import type { Fields } from './fields.ts'
import { LoadError } from './load-error.ts'
import { readTensor, type Tensor } from './tensor.ts'

/** PEFT's names of what a Llama's layer has. */
export const peftModules: Readonly<Record<string, Target>> = {
  'self_attn.q_proj': 'query',
  'self_attn.k_proj': 'key',
  'self_attn.v_proj': 'value',
  'self_attn.o_proj': 'output',
  'mlp.gate_proj': 'gate',
  'mlp.up_proj': 'up',
  'mlp.down_proj': 'down',
}
const tensorName = /^base_model\.model\.model\.layers\.(\d{1,3})\.([a-z_]+\.[a-z_]+)\.lora_([AB])\.weight$/

/** What an adapter's config may say beside rank and alpha; one that says otherwise is refused by name. */
const supported = {
  peft_type: 'LORA',
  bias: 'none',
  lora_bias: false,
  use_dora: false,
  use_qalora: false,
  fan_in_fan_out: false,
  modules_to_save: [],
  trainable_token_indices: [],
  layer_replication: [],
  rank_pattern: {},
  alpha_pattern: {},
}

type Halves = { A?: Tensor; B?: Tensor }

/**
 * A LoRA adapter as PEFT saves it (adapter_config.json, adapter_model.safetensors), for a base of `layerCount` layers. Throws
 * {@link LoadError}, naming what is not supported, missing or of another shape than the config says.
 */
export function peftAdapter(config: Fields, tensors: ReadonlyMap<string, Tensor>, layerCount: number): FloatAdapter {
  config.require(supported)
  const rank = config.count('r')
  if (rank === 0) throw new LoadError('file', 'adapter_config.json: r is 0')
  const divisor = config.flag('use_rslora', false) ? Math.sqrt(rank) : rank
  const layers = Array.from({ length: layerCount }, (): { [Name in Target]?: FloatLowRank } => ({}))
  for (const [place, halves] of pairs(tensors)) {
    const [index = '', target] = place.split(' ') as [string, Target]
    const layer = layers[Number(index)]
    if (layer === undefined)
      throw new LoadError('shape', `the adapter has layer ${index}, the base ${layerCount} layers`)
    layer[target] = lowRank(place, halves, rank)
  }
  return { scale: config.number('lora_alpha') / divisor, layers }
}

/** Both halves of each target, by `layer target`. */
function pairs(tensors: ReadonlyMap<string, Tensor>): Map<string, Halves> {
  const found = new Map<string, Halves>()
  for (const [name, tensor] of tensors) {
    const [, layer, module = '', half] = tensorName.exec(name) ?? []
    const target = Object.hasOwn(peftModules, module) ? peftModules[module] : undefined
    if (target === undefined) throw new LoadError('unsupported', `${name} is no LoRA tensor of a Llama's linear`)
    const place = `${Number(layer)} ${target}`
    found.set(place, { ...found.get(place), [half as 'A' | 'B']: tensor })
  }
  return found
}

function lowRank(place: string, { A, B }: Halves, rank: number): FloatLowRank {
  if (A === undefined || B === undefined) throw new LoadError('shape', `layer ${place}: half of the adapter is missing`)
  const [down, up] = [A.shape, B.shape]
  if (down.length !== 2 || up.length !== 2 || down[0] !== rank || up[1] !== rank) {
    throw new LoadError('shape', `layer ${place}: ${down.join(' × ')} and ${up.join(' × ')} are not of rank ${rank}`)
  }
  const matrix = (tensor: Tensor) => {
    const [rows = 0, columns = 0] = tensor.shape
    return { rows, columns, weights: readTensor(tensor) }
  }
  return { down: matrix(A), up: matrix(B) }
}
