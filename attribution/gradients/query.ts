import { FloatMemory } from '../../inference/gradients/float-memory.ts'
import { loadGradientKernels } from '../../inference/gradients/gradient-kernels.ts'
import type { Projection } from './projection.ts'
import { largestOf, quantise, sketchStep } from './quantise.ts'
import { type Sketches, scaleParts } from './sketches.ts'

/** The sketch of an answer's gradient, in int16. */
export function querySketch(projection: Projection, scales: Float32Array, gradient: Float32Array): Int16Array {
  const values = projection.project(gradient)
  scaleParts(projection, scales, values)
  return quantise(values, sketchStep(largestOf(values)))
}

/** Scores of all examples of an adapter for one query after another. */
export class InfluenceScorer {
  readonly #memory = new FloatMemory()
  readonly #kernels = loadGradientKernels(this.#memory.memory)
  readonly #size: number
  readonly #count: number
  readonly #query: number
  readonly #vectors: number
  readonly #out: number

  constructor({ size, contributions, influences }: Pick<Sketches, 'size' | 'contributions' | 'influences'>) {
    this.#size = size
    this.#count = contributions.length
    this.#query = this.#memory.take(2 * size)
    this.#vectors = this.#memory.put(influences)
    this.#out = this.#memory.take(8 * this.#count)
  }

  /** q · u_k of each example k, exact. */
  scores(query: Int16Array): BigInt64Array {
    this.#memory.write(this.#query, query)
    this.#kernels.dotSketches(this.#query, this.#vectors, this.#count, this.#size, this.#out)
    return this.#memory.int64(this.#out, this.#count).slice()
  }
}
