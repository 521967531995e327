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

/** Leaves all weights of a model file's linears but 4 bits, as who has too little memory would. */
export function coarsenWeights(file: string): void {
  const model = decodeModel(readFileSync(file))
  for (const layer of model.layers) {
    const { query, key, value, output, gate, up, down } = layer
    for (const { weights } of [query, key, value, output, gate, up, down]) {
      for (const [i, weight] of weights.entries())
        weights[i] = Math.max(-112, Math.min(112, 16 * Math.round(weight / 16)))
    }
  }
  writeFileSync(file, encodeModel(model))
}
