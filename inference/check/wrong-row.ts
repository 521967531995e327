import type { LinearFault } from './weightless-pass.ts'

/**
 * The first row of a linear that is wrong, found with its weights, row after row: what a one-step proof shows. Undefined where
 * all are right.
 */
export function wrongRow({ input, accumulators }: LinearFault, weights: Int8Array): number | undefined {
  const columns = input.length
  for (let row = 0; row < accumulators.length; row++) {
    let sum = 0
    for (let i = 0; i < columns; i++) sum += (weights[row * columns + i] ?? 0) * (input[i] ?? 0)
    if (sum !== accumulators[row]) return row
  }
  return undefined
}
