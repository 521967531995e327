import type { Hex } from '../../protocol/bytes.ts'
import { InferenceError } from '../inference-error.ts'
import type { Matrix } from '../model.ts'
import type { ModelConfig } from '../model-config.ts'

/** Linears that an adapter may add to, in the order of their numbers. docs/canonical-inference.md §5.9. */
export const targets = ['query', 'key', 'value', 'output', 'gate', 'up', 'down'] as const
export type Target = (typeof targets)[number]

/** `rank` × the target's columns, and the target's rows × `rank`. */
export type LowRank = { readonly down: Matrix; readonly up: Matrix }

/** A LoRA adapter of one base model; every layer has the same targets. */
export type Adapter = {
  /** Root of the base model. */
  readonly base: Hex
  /** A multiple of 8, at most {@link rankMax}. */
  readonly rank: number
  readonly layers: readonly { readonly [Name in Target]?: LowRank }[]
}

/** An adapter as a request names it; its weight counts 1/65536. */
export type Slot = { readonly adapter: Adapter; readonly weight: number }

export const rankMax = 64
/** Most adapters of one request. */
export const slotsMax = 4
/** Weight of an adapter that counts whole. */
export const weightMax = 65_535

/** Rows and columns of a target's own matrix. */
export function targetShape(config: ModelConfig, target: Target): readonly [rows: number, columns: number] {
  const { dim, heads, kvHeads, headDim, ffnDim } = config
  switch (target) {
    case 'query':
      return [heads * headDim, dim]
    case 'key':
    case 'value':
      return [kvHeads * headDim, dim]
    case 'output':
      return [dim, heads * headDim]
    case 'gate':
    case 'up':
      return [ffnDim, dim]
    case 'down':
      return [dim, ffnDim]
  }
}

/** Throws {@link InferenceError} for slots that no engine may run on a model of this shape. */
export function checkSlots(config: ModelConfig, slots: readonly Slot[]): void {
  if (slots.length > slotsMax) throw new InferenceError('adapter', `${slots.length} adapters, at most ${slotsMax}`)
  for (const { adapter, weight } of slots) {
    if (!Number.isInteger(weight) || weight < 0 || weight > weightMax) {
      throw new InferenceError('adapter', `adapter weight ${weight}`)
    }
    if (!fits(config, adapter)) throw new InferenceError('adapter', "the adapter's shape is not the model's")
  }
}

function fits(config: ModelConfig, { rank, layers }: Adapter): boolean {
  const isShape = (matrix: Matrix, rows: number, columns: number) => matrix.rows === rows && matrix.columns === columns
  return (
    layers.length === config.layers &&
    layers.every((layer) =>
      targets.every((target) => {
        const [rows, columns] = targetShape(config, target)
        const pair = layer[target]
        if (pair === undefined || layers[0]?.[target] === undefined) return pair === layers[0]?.[target]
        return isShape(pair.down, rank, columns) && isShape(pair.up, rows, rank)
      }),
    )
  )
}
