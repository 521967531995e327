import { type Adapter, type LowRank, type Target, targetShape, targets } from '../../inference/adapter/adapter.ts'
import { type Matrix, rowScale } from '../../inference/model.ts'
import type { ModelConfig } from '../../inference/model-config.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { randomNumbers } from './random-model.ts'

export const fakeBase: Hex = `0x${'ba'.repeat(32)}`

/** An adapter of random weights for some of the targets, loud enough to change every answer. */
export function randomAdapter(
  seed: number,
  config: ModelConfig,
  rank = 8,
  chosen: readonly Target[] = targets,
  gain = 1,
): Adapter {
  const random = randomNumbers(seed)
  const matrix = (rows: number, columns: number): Matrix => ({
    rows,
    columns,
    weights: Int8Array.from({ length: rows * columns }, () => Math.floor(random() * 255) - 127),
    scales: Uint32Array.from({ length: rows }, () =>
      rowScale(Math.min((random() * gain) / (Math.sqrt(columns) * 127 * 127 * 0.4), 0.2)),
    ),
  })
  const layers = Array.from({ length: config.layers }, () => {
    const layer: { [Name in Target]?: LowRank } = {}
    for (const target of targets.filter((name) => chosen.includes(name))) {
      const [rows, columns] = targetShape(config, target)
      layer[target] = { down: matrix(rank, columns), up: matrix(rows, rank) }
    }
    return layer
  })
  return { base: fakeBase, rank, layers }
}
