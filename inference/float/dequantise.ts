import { type Adapter, checkSlots, type Slot, type Target, targets } from '../adapter/adapter.ts'
import type { FloatAdapter, FloatLowRank } from '../adapter/convert-adapter.ts'
import type { CanonicalModel, Matrix } from '../model.ts'
import type { ModelConfig } from '../model-config.ts'
import type { AddedPair, FloatMatrix, FloatModel } from './float-model.ts'

/** Doublings of a position by which a rotary frequency is found: 2^9 fits every context of 1,024 and above; less where there is less. */
const doublingsMax = 9

/** The canonical model as floats: what float engines of class FINGERPRINT run. docs/CHECKING.md §7 */
export function floatOf(model: CanonicalModel): FloatModel {
  const { config } = model
  const { heads, kvHeads, headDim, context, bos, eos, epsilon, tiedHead, inputMax } = config
  const linear = (matrix: Matrix) => realOf(matrix, inputMax)
  const frequencies = Float64Array.from({ length: headDim / 2 }, (_, i) => frequencyOf(model, i))
  return {
    // Frequencies stand for theta.
    config: { heads, kvHeads, headDim, context, bos, eos, epsilon: epsilon / 2 ** 32, theta: 0, frequencies },
    tokenizer: model.tokenizer,
    embedding: realOf(model.embedding, 1),
    layers: model.layers.map((layer) => ({
      attentionNorm: q16(layer.attentionNorm),
      query: linear(layer.query),
      key: linear(layer.key),
      value: linear(layer.value),
      output: linear(layer.output),
      ffnNorm: q16(layer.ffnNorm),
      gate: linear(layer.gate),
      up: linear(layer.up),
      down: linear(layer.down),
    })),
    finalNorm: q16(model.finalNorm),
    ...(tiedHead ? {} : { head: linear(model.head) }),
  }
}

/** What an adapter's weight of 1 counts. */
export const weightUnit = 65_536

/**
 * The model with a request's adapters beside its linears, in floats and in the request's order; `config` is the canonical model's. Throws
 * {@link InferenceError} `adapter` for slots that no engine may run. docs/canonical-inference.md §5.9
 */
export function adaptedModel(model: FloatModel, config: ModelConfig, slots: readonly Slot[]): FloatModel {
  checkSlots(config, slots)
  if (slots.length === 0) return model
  const floats = slots.map(({ adapter, weight }) => ({ ...floatAdapter(adapter, config), weight: weight / weightUnit }))
  const addedTo = (layer: number, target: Target) =>
    floats.flatMap(({ layers, weight }): AddedPair[] => {
      const pair = layers[layer]?.[target]
      return pair === undefined ? [] : [{ ...pair, weight }]
    })
  const layers = model.layers.map((layer, i) => ({
    ...layer,
    added: Object.fromEntries(targets.map((target) => [target, addedTo(i, target)])),
  }))
  return { ...model, layers }
}

/** A canonical adapter's matrices as floats; `config` is its base's. */
export function floatAdapter({ layers }: Adapter, { inputMax }: Pick<ModelConfig, 'inputMax'>): FloatAdapter {
  return {
    scale: 1,
    layers: layers.map((layer) => {
      const floats: { [Name in Target]?: FloatLowRank } = {}
      for (const target of targets) {
        const pair = layer[target]
        if (pair !== undefined) floats[target] = { down: realOf(pair.down, inputMax), up: realOf(pair.up, inputMax) }
      }
      return floats
    }),
  }
}

/** A scale is what one step is worth over `per`: over 1 in the embedding, else over the largest input. */
function realOf({ rows, columns, weights, scales }: Matrix, per: number): FloatMatrix {
  const real = new Float32Array(rows * columns)
  for (let row = 0; row < rows; row++) {
    const scale = scales[row] ?? 0
    const step = ((scale >>> 8) / 2 ** (scale & 255)) * per
    for (let i = row * columns; i < (row + 1) * columns; i++) real[i] = step * (weights[i] ?? 0)
  }
  return { rows, columns, weights: real }
}

function q16(values: Int32Array): Float32Array {
  return Float32Array.from(values, (value) => value / 65_536)
}

/**
 * Radians that pair `i` turns a position, from the tables of 15 bits: the angle of position 1 says how often that of position 2 went
 * round, that of 2 says it of 4, and so on, each time with half the error.
 */
function frequencyOf({ config, ropeCos, ropeSin }: CanonicalModel, i: number): number {
  const half = config.headDim / 2
  const angle = (position: number) => Math.atan2(ropeSin[position * half + i] ?? 0, ropeCos[position * half + i] ?? 0)
  let frequency = Math.abs(angle(1))
  for (let k = 1; k <= doublingsMax && 2 ** k < config.context; k++) {
    const position = 2 ** k
    const turns = Math.round((frequency * position - angle(position)) / (2 * Math.PI))
    frequency = (angle(position) + 2 * Math.PI * turns) / position
  }
  return frequency
}
