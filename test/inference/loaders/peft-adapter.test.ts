import { describe, expect, test } from 'vitest'
import { Fields } from '../../../inference/loaders/fields.ts'
import { LoadError } from '../../../inference/loaders/load-error.ts'
import { peftAdapter } from '../../../inference/loaders/peft-adapter.ts'
import { readSafetensors } from '../../../inference/loaders/safetensors.ts'
import { peftConfigJson, peftTensors } from '../../fakes/checkpoints.ts'
import { memorySource } from '../../fakes/memory-source.ts'
import { safetensorsFile, type TensorData } from '../../fakes/model-files.ts'

const shape = { rank: 4, rows: 6, columns: 8 }
const tensors = peftTensors(['0.self_attn.q_proj', '1.mlp.down_proj'], shape)

function open(change: Readonly<Record<string, unknown>> = {}, written: readonly TensorData[] = tensors) {
  const config = Fields.of('adapter_config.json', peftConfigJson(shape.rank, change))
  return peftAdapter(config, readSafetensors(memorySource(safetensorsFile(written, 'F32'))), 2)
}

describe('adapters of PEFT', () => {
  test('both halves of each target are read, and the scale is alpha over the rank, or over its root', () => {
    const { scale, layers } = open()
    expect(scale).toBe(2)
    expect(open({ use_rslora: true }).scale).toBe(4)
    expect(layers.map((layer) => Object.keys(layer))).toEqual([['query'], ['down']])
    expect(layers[0]?.query?.down).toMatchObject({ rows: 4, columns: 8 })
    expect(layers[1]?.down?.up).toMatchObject({ rows: 6, columns: 4 })
    expect(new Uint8Array(layers[0]?.query?.down.weights.buffer ?? new ArrayBuffer())).toEqual(tensors[0]?.bytes)
  })

  test.each([
    ['DoRA', { use_dora: true }, 'use_dora is true'],
    ['biases', { bias: 'all' }, 'bias is "all"'],
    ['modules beside the linears', { modules_to_save: ['lm_head'] }, 'modules_to_save is ["lm_head"]'],
    ['transposed weights', { fan_in_fan_out: true }, 'fan_in_fan_out is true'],
    ['ranks by layer', { rank_pattern: { q_proj: 8 } }, 'rank_pattern'],
    ['another method', { peft_type: 'IA3' }, 'peft_type is "IA3"'],
    ['another rank than its tensors', { r: 8 }, 'are not of rank 8'],
    ['no rank', { r: 0 }, 'r is 0'],
    ['no alpha', { lora_alpha: null }, 'lora_alpha is missing'],
  ] as const)('one with %s is refused by name', (_, change, message) => {
    expect(() => open(change)).toThrow(LoadError)
    expect(() => open(change)).toThrow(message)
  })

  test.each([
    ['a layer that the base has not', ['2.mlp.up_proj'], 'the adapter has layer 2'],
    ['a target that is no linear', ['0.mlp.act_fn'], 'mlp.act_fn.lora_A.weight is no LoRA tensor'],
  ] as const)('%s is refused by name', (_, places, message) => {
    expect(() => open({}, peftTensors(places, shape))).toThrow(message)
  })

  test('half a pair is refused', () => {
    expect(() => open({}, tensors.slice(1))).toThrow('layer 0 query: half of the adapter is missing')
  })
})
