import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Slot, targets } from '../../../inference/adapter/adapter.ts'
import { adaptedModel, floatAdapter, floatOf } from '../../../inference/float/dequantise.ts'
import type { FloatModel } from '../../../inference/float/float-model.ts'
import { llamaLoraGguf } from '../../../inference/float/llama-lora-gguf.ts'
import { FloatReference } from '../../../inference/float/reference.ts'
import { InferenceError } from '../../../inference/inference-error.ts'
import { readGguf } from '../../../inference/loaders/gguf.ts'
import { readTensor, type Tensor } from '../../../inference/loaders/tensor.ts'
import type { CanonicalModel } from '../../../inference/model.ts'
import { decodeModel } from '../../../inference/model-file.ts'
import { baseModelFile } from '../../../inference/models/base-model.ts'
import { WasmEngine } from '../../../inference/wasm/wasm-engine.ts'
import { memorySource } from '../../fakes/memory-source.ts'
import { randomAdapter } from '../../fakes/random-adapter.ts'
import { smallConfig } from '../../fakes/random-model.ts'

const tokens = [0, 90, 400, 7, 1_200]

let canonical: CanonicalModel
let model: FloatModel
let slot: Slot
beforeAll(() => {
  canonical = decodeModel(readFileSync(baseModelFile))
  model = floatOf(canonical)
  slot = { adapter: randomAdapter(4, canonical.config, 8, targets, 0.2), weight: 40_000 }
})

const inFloats = (slots: readonly Slot[], of = model) => {
  const reference = new FloatReference(adaptedModel(of, canonical.config, slots))
  return tokens.map((token) => reference.step(token)).at(-1) ?? new Float64Array(0)
}

/** Largest difference of two lists, each less its own largest. */
function apart(a: Float64Array, b: Float64Array): number {
  const [topA, topB] = [Math.max(...a), Math.max(...b)]
  return Math.max(...a.map((value, i) => Math.abs(value - topA - ((b[i] ?? 0) - topB))))
}

describe('the model with adapters in floats', () => {
  test('is the integer engine’s with the same adapters, and neither without them nor by another weight', () => {
    const session = new WasmEngine(canonical).start({ slots: [slot] })
    const shown = session.append(tokens)
    const integers = Float64Array.from(shown, (logit) => logit / 65_536)
    session.close?.()
    const own = apart(inFloats([slot]), integers)
    const others = [inFloats([]), inFloats([{ ...slot, weight: 20_000 }]), inFloats([{ ...slot, weight: 65_535 }])]
    for (const other of others) expect(apart(other, integers)).toBeGreaterThan(4 * own)
    expect(own).toBeLessThan(0.4)
  })

  test('two halves of an adapter are the whole, and weight 0 is none', () => {
    const half = { ...slot, weight: slot.weight / 2 }
    expect(apart(inFloats([half, half]), inFloats([slot]))).toBeLessThan(1e-6)
    expect(apart(inFloats([{ ...slot, weight: 0 }]), inFloats([]))).toBe(0)
  })

  test('slots that no engine may run are refused by name', () => {
    const other = { adapter: randomAdapter(1, smallConfig), weight: 1 }
    for (const slots of [[other], Array.from({ length: 5 }, () => slot), [{ ...slot, weight: 70_000 }]]) {
      expect(() => adaptedModel(model, canonical.config, slots)).toThrow(InferenceError)
    }
  })
})

test('an adapter as llama.cpp reads it: the same numbers, rotary rows beside each other, alpha of the rank', () => {
  const { metadata, tensors } = readGguf(memorySource(llamaLoraGguf(slot.adapter, canonical.config)))
  const read = (name: string) => readTensor(tensors.get(name) as Tensor)
  const floats = floatAdapter(slot.adapter, canonical.config).layers[2]
  expect(tensors.size).toBe(2 * targets.length * canonical.config.layers)
  expect(read('blk.2.ffn_down.weight.lora_a')).toEqual(floats?.down?.down.weights)
  expect(read('blk.2.ffn_down.weight.lora_b')).toEqual(floats?.down?.up.weights)
  const [turned, plain] = [read('blk.2.attn_q.weight.lora_b'), floats?.query?.up.weights ?? new Float32Array(0)]
  const { rank } = slot.adapter
  const row = (of: Float32Array, at: number) => of.slice(at * rank, (at + 1) * rank)
  expect(row(turned, 1)).toEqual(row(plain, canonical.config.headDim / 2))
  expect(row(turned, 2)).toEqual(row(plain, 1))
  expect(metadata.number('adapter.lora.alpha')).toBe(rank)
})
