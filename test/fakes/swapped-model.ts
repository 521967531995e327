import { readFileSync, writeFileSync } from 'node:fs'
import { decodeModel, encodeModel } from '../../inference/model-file.ts'

/**
 * Changes one weight of the first layer in a model file. Behind the back of a worker that has hashed the file and not loaded it yet,
 * this makes it answer with another model than the one it serves.
 */
export function swapWeight(file: string): void {
  const model = decodeModel(readFileSync(file))
  const weights = model.layers[0]?.query.weights
  if (weights === undefined) throw new Error('a model without layers')
  // The heaviest weight that can grow: an input that is not 0 shows it.
  const at = weights.indexOf(Math.max(...weights.filter((weight) => weight < 127)))
  weights[at] = 127
  writeFileSync(file, encodeModel(model))
}
