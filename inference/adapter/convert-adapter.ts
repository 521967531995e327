import type { Hex } from '../../protocol/bytes.ts'
import { quantiseRows } from '../float/convert.ts'
import type { FloatLayer, FloatMatrix } from '../float/float-model.ts'
import { InferenceError } from '../inference-error.ts'
import type { CanonicalModel } from '../model.ts'
import { type Adapter, type LowRank, rankMax, type Target, targetShape, targets } from './adapter.ts'
import { type Factors, smoothingOf } from './smoothing.ts'

/** LoRA as it was trained: `up · down` is added to the target's weights, times `scale`. Ranks may differ. */
export type FloatLowRank = { readonly down: FloatMatrix; readonly up: FloatMatrix }
export type FloatAdapter = {
  /** alpha / rank, or what the trainer had instead. */
  readonly scale: number
  readonly layers: readonly { readonly [Name in Target]?: FloatLowRank }[]
}

/**
 * The adapter for a converted model. `float` gives the layers that the model was converted from, in whose terms the adapter was
 * trained. Throws {@link InferenceError} `adapter` for one of another shape, or without a target.
 */
export function convertAdapter(
  adapter: FloatAdapter,
  root: Hex,
  model: CanonicalModel,
  float: (layer: number) => FloatLayer,
): Adapter {
  const present = targets.filter((target) => adapter.layers.some((layer) => layer[target] !== undefined))
  if (adapter.layers.length !== model.config.layers || present.length === 0) {
    throw new InferenceError('adapter', `an adapter of ${adapter.layers.length} layers and ${present.length} targets`)
  }
  checkShapes(adapter, model)
  const rank = rankOf(adapter)
  const { inputMax } = model.config
  const layers = model.layers.map((after, i) => {
    const before = float(i)
    const pairs = present.map((target): [Target, LowRank] => {
      const pair = adapter.layers[i]?.[target]
      return [
        target,
        pair === undefined
          ? absent(model, target, rank)
          : quantisePair(pair, adapter.scale, smoothingOf(before, after, target, inputMax), rank, inputMax),
      ]
    })
    return Object.fromEntries(pairs)
  })
  return { base: root, rank, layers }
}

function checkShapes({ layers }: FloatAdapter, { config }: CanonicalModel): void {
  for (const [i, layer] of layers.entries()) {
    for (const target of targets) {
      const pair = layer[target]
      if (pair === undefined) continue
      const [rows, columns] = targetShape(config, target)
      if (pair.up.rows !== rows || pair.down.columns !== columns || pair.up.columns !== pair.down.rows) {
        throw new InferenceError('adapter', `the adapter's ${target} of layer ${i} has not the model's shape`)
      }
    }
  }
}

function rankOf({ layers }: FloatAdapter): number {
  const ranks = layers.flatMap((layer) => targets.map((target) => layer[target]?.down.rows ?? 0))
  const rank = 8 * Math.ceil(Math.max(...ranks) / 8)
  if (rank < 8 || rank > rankMax) throw new InferenceError('adapter', `rank ${rank}, at most ${rankMax}`)
  return rank
}

/** A layer that the adapter leaves out. */
function absent({ config }: CanonicalModel, target: Target, rank: number): LowRank {
  const [rows, columns] = targetShape(config, target)
  const zeros = (height: number, width: number) =>
    quantiseRows({ rows: height, columns: width, weights: new Float32Array(height * width) }, config.inputMax)
  return { down: zeros(rank, columns), up: zeros(rows, rank) }
}

/**
 * In the smoothed model's terms, and each component's size shared evenly by its row of `down` and its column of `up`, so that
 * none is lost in the rounding of either. `inputMax` is the model's.
 */
export function quantisePair(
  { down, up }: FloatLowRank,
  scale: number,
  factors: Factors,
  rank: number,
  inputMax: number,
): LowRank {
  const d = new Float32Array(rank * down.columns)
  const u = new Float32Array(up.rows * rank)
  for (const [i, weight] of down.weights.entries()) d[i] = weight * (factors.columns[i % down.columns] ?? 1)
  for (const [i, weight] of up.weights.entries()) {
    const [row, component] = [Math.floor(i / up.columns), i % up.columns]
    u[row * rank + component] = weight * scale * (factors.rows[row] ?? 1)
  }
  for (let component = 0; component < down.rows; component++) {
    const balance = Math.sqrt(norm(u, component, rank) / norm(d.subarray(component * down.columns), 0, 1, down.columns))
    if (!Number.isFinite(balance) || balance === 0) continue
    for (let i = 0; i < down.columns; i++)
      d[component * down.columns + i] = (d[component * down.columns + i] ?? 0) * balance
    for (let i = component; i < u.length; i += rank) u[i] = (u[i] ?? 0) / balance
  }
  return {
    down: quantiseRows({ rows: rank, columns: down.columns, weights: d }, inputMax),
    up: quantiseRows({ rows: up.rows, columns: rank, weights: u }, inputMax),
  }
}

/** Euclidean, of every `step`-th element from `first` to `end`. */
function norm(values: Float32Array, first: number, step: number, end = values.length): number {
  let squares = 0
  // A power may be rounded differently elsewhere, a product may not.
  for (let i = first; i < end; i += step) squares += (values[i] ?? 0) * (values[i] ?? 0)
  return Math.sqrt(squares)
}
