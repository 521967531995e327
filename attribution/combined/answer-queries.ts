import type { Adapter } from '../../inference/adapter/adapter.ts'
import { adapterRoot } from '../../inference/adapter/adapter-file.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { AdapterGradients } from '../gradients/gradient-attributor.ts'
import { GradientError } from '../gradients/gradient-error.ts'
import type { Projection } from '../gradients/projection.ts'
import { querySketch } from '../gradients/query.ts'
import { byteQuery, type InfluenceTable } from './influence-table.ts'

/** Tokens of an answer; the output ends with eos where the answer did. */
export type AnswerTokens = { readonly prompt: ArrayLike<number>; readonly output: ArrayLike<number> }

/**
 * Query sketches of answers by one table of influences: gradients of the base and the adapter that its head names, whatever adapter the
 * request has. The same bits on every machine. docs/GRADIENTS.md §9.
 */
export class AnswerQueries {
  readonly #gradients: AdapterGradients
  readonly #projection: Projection
  readonly #scales: Float32Array

  /**
   * `model`: the table's base; `length`: most tokens of an answer with its prompt, at most the model's context. Throws
   * {@link GradientError} `file` for a table of another adapter, and InferenceError for a length that the model cannot have.
   */
  constructor(
    model: CanonicalModel,
    adapter: Adapter,
    table: Pick<InfluenceTable, 'adapter' | 'seed' | 'fold' | 'size' | 'scales'>,
    length: number,
  ) {
    if (table.adapter !== adapterRoot(adapter)) {
      throw new GradientError('file', `the table of influences is of adapter ${table.adapter}`)
    }
    this.#gradients = new AdapterGradients(model, adapter, length)
    this.#projection = this.#gradients.projection(table.seed, table.fold)
    if (table.size !== this.#projection.size || table.scales.length !== this.#projection.parts.length) {
      const wanted = `${this.#projection.parts.length} blocks with ${this.#projection.size} numbers`
      throw new GradientError('file', `the table of influences is not of the adapter’s ${wanted}`)
    }
    this.#scales = table.scales
  }

  /** Throws InferenceError for tokens that the model has not, and for an answer that is empty or longer than `length`. */
  of({ prompt, output }: AnswerTokens): Int8Array {
    const example = { tokens: [...Array.from(prompt), ...Array.from(output)], from: prompt.length }
    return byteQuery(querySketch(this.#projection, this.#scales, this.#gradients.of(example)))
  }
}
