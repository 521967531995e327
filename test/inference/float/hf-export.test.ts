import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { targets } from '../../../inference/adapter/adapter.ts'
import { convertAdapter } from '../../../inference/adapter/convert-adapter.ts'
import { adaptedModel, floatAdapter, floatOf } from '../../../inference/float/dequantise.ts'
import type { FloatModel } from '../../../inference/float/float-model.ts'
import { type Exported, hfCheckpoint, peftDirectory, safetensorsHead } from '../../../inference/float/hf-export.ts'
import { FloatReference } from '../../../inference/float/reference.ts'
import { rotaryBase } from '../../../inference/float/rope-tables.ts'
import { Fields } from '../../../inference/loaders/fields.ts'
import { hfLlama } from '../../../inference/loaders/hf-llama.ts'
import { peftAdapter } from '../../../inference/loaders/peft-adapter.ts'
import { readSafetensors } from '../../../inference/loaders/safetensors.ts'
import { decodeModel, modelRoot } from '../../../inference/model-file.ts'
import { baseModelFile } from '../../../inference/models/base-model.ts'
import { concatBytes } from '../../../protocol/bytes.ts'
import { memorySource } from '../../fakes/memory-source.ts'
import { randomAdapter } from '../../fakes/random-adapter.ts'

const model = decodeModel(readFileSync(baseModelFile))
const own = floatOf(model)

/** What is written, read back. */
function readBack({ config, tensors }: Exported) {
  const bytes = tensors.map(({ weights }) => new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength))
  const file = memorySource(concatBytes(safetensorsHead(tensors), ...bytes))
  return { config: Fields.ofJson('config', JSON.stringify(config)), tensors: readSafetensors(file) }
}

function openBack() {
  const tokenizer = () => ({ section: model.tokenizer, eos: model.config.eos })
  return hfLlama({ ...readBack(hfCheckpoint(model)), tokenizer, contextMax: model.config.context })
}

const logits = (of: FloatModel) => {
  const reference = new FloatReference(of)
  return [0, 90, 400, 7].map((token) => reference.step(token)).at(-1) ?? new Float64Array(0)
}

/** All floats of a tree, one behind the other: comparing them one by one takes seconds. */
function floatsOf(tree: unknown): Buffer {
  if (tree instanceof Float32Array) return Buffer.from(tree.buffer, tree.byteOffset, tree.byteLength)
  if (typeof tree !== 'object' || tree === null) return Buffer.from(JSON.stringify(tree))
  return Buffer.concat(Object.entries(tree).flatMap(([name, part]) => [Buffer.from(name), floatsOf(part)]))
}

const apart = (a: FloatModel, b: FloatModel) => {
  const other = logits(b)
  return Math.max(...logits(a).map((value, i) => Math.abs(value - (other[i] ?? 0))))
}

test('a checkpoint that is read back is the model, weight by weight', () => {
  const source = openBack()
  expect(floatsOf(source.embedding()).equals(floatsOf(own.embedding))).toBe(true)
  expect(floatsOf(source.layer(3)).equals(floatsOf(own.layers[3]))).toBe(true)
  expect(floatsOf(source.layer(2)).equals(floatsOf(own.layers[3]))).toBe(false)
  expect(source.head()).toBeUndefined()
  const layers = own.layers.map((_, i) => source.layer(i))
  const back = { ...own, config: source.config, layers, finalNorm: source.finalNorm() }
  expect(apart(back, own)).toBeLessThan(0.01)
})

test('an adapter that is read back is the same, and converted again for the model nearly so', () => {
  const root = modelRoot(model)
  const adapter = { ...randomAdapter(4, model.config, 16, targets, 0.2), base: root }
  const { config, tensors } = readBack(peftDirectory(adapter, model.config))
  const read = peftAdapter(config, tensors, model.config.layers)
  expect(floatsOf(read).equals(floatsOf(floatAdapter(adapter, model.config)))).toBe(true)
  const source = openBack()
  const again = convertAdapter(read, root, model, (layer) => source.layer(layer))
  const [one, two] = [adapter, again].map((each) =>
    adaptedModel(own, model.config, [{ adapter: each, weight: 65_535 }]),
  )
  if (one === undefined || two === undefined) throw new Error('two models')
  expect(apart(one, two)).toBeLessThan(apart(one, own) / 10)
})

test('rotary angles of no one base are refused', () => {
  expect(rotaryBase(Float64Array.from([1, 0.1, 0.01, 0.001]))).toBeCloseTo(10_000, 3)
  expect(() => rotaryBase(Float64Array.from([1, 0.1, 0.05, 0.001]))).toThrow(RangeError)
})
