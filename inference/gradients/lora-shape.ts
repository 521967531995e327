import { rankMax, type Target, targetShape, targets } from '../adapter/adapter.ts'
import { InferenceError } from '../inference-error.ts'
import type { ModelConfig } from '../model-config.ts'

/** What of a model an adapter adds to. */
export type LoraShape = {
  /** A multiple of 8, at most {@link rankMax}. */
  readonly rank: number
  /** In the order of their numbers. */
  readonly targets: readonly Target[]
}

/**
 * One matrix of the parameters, `rank` × `columns` from element `offset` on: of `down` D itself, of `up` U with rows and columns
 * swapped.
 */
export type Block = {
  readonly layer: number
  readonly target: Target
  readonly side: 'down' | 'up'
  readonly offset: number
  readonly columns: number
}

/** All parameters of an adapter: layer after layer, target after target, down before up. docs/GRADIENTS.md §3. */
export function blocksOf(config: ModelConfig, shape: LoraShape): Block[] {
  const blocks: Block[] = []
  let offset = 0
  for (let layer = 0; layer < config.layers; layer++) {
    for (const target of shape.targets) {
      const [rows, columns] = targetShape(config, target)
      blocks.push({ layer, target, side: 'down', offset, columns })
      blocks.push({ layer, target, side: 'up', offset: offset + shape.rank * columns, columns: rows })
      offset += shape.rank * (columns + rows)
    }
  }
  return blocks
}

export function parameterCount(config: ModelConfig, { rank, targets: chosen }: LoraShape): number {
  const sizes = chosen.map((target) => targetShape(config, target))
  return config.layers * rank * sizes.reduce((sum, [rows, columns]) => sum + rows + columns, 0)
}

/** Throws {@link InferenceError} `adapter` for a rank or targets that no adapter has. */
export function checkShape({ rank, targets: chosen }: LoraShape): void {
  if (!Number.isInteger(rank) || rank < 8 || rank > rankMax || rank % 8 !== 0) {
    throw new InferenceError('adapter', `rank ${rank}: must be a multiple of 8, at most ${rankMax}`)
  }
  const ordered = targets.filter((target) => chosen.includes(target))
  if (chosen.length === 0 || ordered.join() !== chosen.join()) {
    throw new InferenceError('adapter', `targets ${chosen.join()}: must be some of ${targets.join()}, in this order`)
  }
}
