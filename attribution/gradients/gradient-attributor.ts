import type { Adapter } from '../../inference/adapter/adapter.ts'
import { adapterRoot } from '../../inference/adapter/adapter-file.ts'
import { adapterParameters, shapeOf } from '../../inference/gradients/adapter-parameters.ts'
import { type Example, GradientPass } from '../../inference/gradients/gradient-pass.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { GradientError } from './gradient-error.ts'
import { Projection } from './projection.ts'
import { InfluenceScorer, querySketch } from './query.ts'
import type { SketchFile } from './sketch-file.ts'

/** Gradients of texts by an adapter's parameters, as its file has them. */
export class AdapterGradients {
  readonly pass: GradientPass

  /** `length`: most positions of a text. */
  constructor(model: CanonicalModel, adapter: Adapter, length: number) {
    this.pass = new GradientPass(model, shapeOf(adapter), length)
    this.pass.parameters.set(adapterParameters(model.config, adapter))
    this.pass.refresh()
  }

  of(example: Example): Float32Array {
    this.pass.gradients.fill(0)
    this.pass.accumulate(example, 1)
    return this.pass.gradients.slice()
  }

  projection(seed: number, fold: number): Projection {
    const { rank } = this.pass.shape
    return new Projection(this.pass.blocks, rank, seed, fold)
  }
}

/** Class G of an adapter: what each contribution did for an answer. docs/GRADIENTS.md §8. */
export class GradientAttributor {
  readonly #gradients: AdapterGradients
  readonly #projection: Projection
  readonly #scorer: InfluenceScorer
  readonly #file: SketchFile

  /** Throws {@link GradientError} `file` for sketches of another adapter. */
  constructor(model: CanonicalModel, adapter: Adapter, file: SketchFile, length: number) {
    this.#gradients = new AdapterGradients(model, adapter, length)
    this.#projection = this.#gradients.projection(file.seed, file.fold)
    if (file.adapter !== adapterRoot(adapter) || file.size !== this.#projection.size) {
      throw new GradientError('file', `the sketches are of adapter ${file.adapter}`)
    }
    this.#scorer = new InfluenceScorer(file)
    this.#file = file
  }

  sketch(example: Example): Int16Array {
    return querySketch(this.#projection, this.#file.scales, this.#gradients.of(example))
  }

  /** Sums over each contribution's examples, exact; negative where it did harm. */
  parts(sketch: Int16Array): Map<bigint, bigint> {
    const parts = new Map<bigint, bigint>()
    for (const [k, score] of this.#scorer.scores(sketch).entries()) {
      const contribution = this.#file.contributions[k] as bigint
      parts.set(contribution, (parts.get(contribution) ?? 0n) + score)
    }
    return parts
  }
}
