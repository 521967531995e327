import type { CanonicalModel, Layer, Matrix } from '../model.ts'
import type { Arena } from './arena.ts'

/** A matrix in the kernels' memory. */
export type PlacedMatrix = {
  readonly rows: number
  readonly columns: number
  readonly weights: number
  readonly scales: number
}

type Placed<Part> = { readonly [Name in keyof Part]: Part[Name] extends Matrix ? PlacedMatrix : number }
export type PlacedLayer = Placed<Layer>

/** Addresses of all that a model holds. */
export type PlacedModel = {
  readonly expTable: number
  readonly sigmoidTable: number
  readonly ropeCos: number
  readonly ropeSin: number
  readonly embedding: PlacedMatrix
  readonly layers: readonly PlacedLayer[]
  readonly finalNorm: number
  readonly head: PlacedMatrix
}

export function placeModel(model: CanonicalModel, arena: Arena): PlacedModel {
  const matrix = ({ rows, columns, weights, scales }: Matrix): PlacedMatrix => ({
    rows,
    columns,
    weights: arena.put(weights),
    scales: arena.put(scales),
  })
  const embedding = matrix(model.embedding)
  return {
    expTable: arena.put(model.expTable),
    sigmoidTable: arena.put(model.sigmoidTable),
    ropeCos: arena.put(model.ropeCos),
    ropeSin: arena.put(model.ropeSin),
    embedding,
    layers: model.layers.map((layer) => ({
      attentionNorm: arena.put(layer.attentionNorm),
      query: matrix(layer.query),
      key: matrix(layer.key),
      value: matrix(layer.value),
      output: matrix(layer.output),
      ffnNorm: arena.put(layer.ffnNorm),
      gate: matrix(layer.gate),
      up: matrix(layer.up),
      down: matrix(layer.down),
    })),
    finalNorm: arena.put(model.finalNorm),
    head: model.config.tiedHead ? { ...embedding, scales: arena.put(model.head.scales) } : matrix(model.head),
  }
}
