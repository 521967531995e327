import { describe, expect, test } from 'vitest'
import { type Target, targetShape, targets } from '../../../inference/adapter/adapter.ts'
import { decodeAdapter, encodeAdapter } from '../../../inference/adapter/adapter-file.ts'
import { convertAdapter, type FloatAdapter, type FloatLowRank } from '../../../inference/adapter/convert-adapter.ts'
import { convertModel } from '../../../inference/float/convert.ts'
import type { FloatLayer, FloatMatrix, FloatModel } from '../../../inference/float/float-model.ts'
import { FloatReference } from '../../../inference/float/reference.ts'
import { InferenceError } from '../../../inference/inference-error.ts'
import { modelRoot } from '../../../inference/model-file.ts'
import { Oracle } from '../../../inference/oracle.ts'
import { randomFloatModel } from '../../fakes/random-float-model.ts'
import { randomNumbers } from '../../fakes/random-model.ts'

const random = randomNumbers(5)
const calibration = Array.from({ length: 96 }, () => Math.floor(random() * 96))
const tokens = Array.from({ length: 40 }, () => Math.floor(random() * 96))
const float = randomFloatModel(2, false)
const model = convertModel(float, calibration)
const root = modelRoot(model)

/** LoRA as trainers leave it: `up` much smaller than `down`, ranks of its own per target. */
function trained(chosen: readonly Target[], rank: number, scale: number): FloatAdapter {
  const matrix = (rows: number, columns: number, gain: number): FloatMatrix => ({
    rows,
    columns,
    weights: Float32Array.from({ length: rows * columns }, () => (random() - 0.5) * gain),
  })
  return {
    scale,
    layers: float.layers.map(() =>
      Object.fromEntries(
        chosen.map((target): [Target, FloatLowRank] => {
          const [rows, columns] = targetShape(model.config, target)
          return [target, { down: matrix(rank, columns, 0.4), up: matrix(rows, rank, 0.05) }]
        }),
      ),
    ),
  }
}

/** The float model with the adapter in its weights. */
function merged(adapter: FloatAdapter): FloatModel {
  const layers = float.layers.map((layer, i): FloatLayer => {
    const changed: { -readonly [Name in Target]?: FloatMatrix } = {}
    for (const target of targets) {
      const pair = adapter.layers[i]?.[target]
      if (pair === undefined) continue
      const { rows, columns } = layer[target]
      const weights = layer[target].weights.map((weight, at) => {
        const [row, column] = [Math.floor(at / columns), at % columns]
        let sum = 0
        for (let j = 0; j < pair.up.columns; j++) {
          sum += (pair.up.weights[row * pair.up.columns + j] ?? 0) * (pair.down.weights[j * columns + column] ?? 0)
        }
        return weight + adapter.scale * sum
      })
      changed[target] = { rows, columns, weights }
    }
    return { ...layer, ...changed }
  })
  return { ...float, layers }
}

function distance(a: readonly ArrayLike<number>[], b: readonly ArrayLike<number>[]): number {
  let [difference, size] = [0, 0]
  for (const [t, list] of a.entries()) {
    for (let i = 0; i < list.length; i++) {
      difference += ((list[i] ?? 0) - (b[t]?.[i] ?? 0)) ** 2
      size += (list[i] ?? 0) ** 2
    }
  }
  return Math.sqrt(difference / size)
}

describe('conversion of adapters', () => {
  test.each([
    ['query and value', ['query', 'value'], 8, 2],
    ['all', targets, 5, 1],
    ['output and down', ['output', 'down'], 12, 1.5],
  ] as const)('%s on the integer model answer as the float model with the adapter merged', (_, chosen, rank, scale) => {
    const adapter = trained(chosen, rank, scale)
    const converted = convertAdapter(adapter, root, model, (i) => float.layers[i] as FloatLayer)
    expect(decodeAdapter(encodeAdapter(converted), { root, config: model.config })).toEqual(converted)
    const run = (reference: FloatReference) => tokens.map((token) => reference.step(token))
    const session = new Oracle(model).start({ slots: [{ adapter: converted, weight: 65_535 }] })
    const integer = tokens.map((token) => Array.from(session.append([token]), (logit) => logit / 65_536))
    const [plain, target] = [run(new FloatReference(float)), run(new FloatReference(merged(adapter)))]
    expect(distance(target, plain)).toBeGreaterThan(0.15)
    expect(distance(target, integer)).toBeLessThan(0.03)
  })

  test('layers that an adapter leaves out stay the base model', () => {
    const adapter = trained(['value'], 8, 1)
    const partial = { ...adapter, layers: adapter.layers.map((layer, i) => (i === 1 ? layer : {})) }
    const converted = convertAdapter(partial, root, model, (i) => float.layers[i] as FloatLayer)
    expect(converted.layers[0]?.value?.up.weights.every((weight) => weight === 0)).toBe(true)
    expect(converted.layers[1]?.value?.up.weights.some((weight) => weight !== 0)).toBe(true)
  })

  test('other shapes, ranks above 64 and adapters of nothing are refused', () => {
    const adapter = trained(['value'], 8, 1)
    const layers = (i: number) => float.layers[i] as FloatLayer
    const wide = trained(['value'], 65, 1)
    const transposed = {
      ...adapter,
      layers: adapter.layers.map(({ value }) => (value === undefined ? {} : { query: value })),
    }
    for (const bad of [
      { ...adapter, layers: adapter.layers.slice(1) },
      { ...adapter, layers: adapter.layers.map(() => ({})) },
      wide,
      transposed,
    ]) {
      expect(() => convertAdapter(bad, root, model, layers)).toThrow(InferenceError)
    }
  })
})
