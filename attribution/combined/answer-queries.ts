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

type TableHead = Pick<InfluenceTable, 'adapter' | 'seed' | 'fold' | 'size' | 'scales'>

/** Tokens of an answer that its gradient is of: the last ones. What it needs grows with their square. */
export const sketchTokensMax = 1_024
/** Positions that a first answer gets room for. */
const lengthMin = 128

/**
 * Query sketches of answers by one table of influences: gradients of the base and the adapter that its head names, whatever adapter the
 * request has. The same bits on every machine. docs/GRADIENTS.md §8, §9.
 */
export class AnswerQueries {
  readonly #model: CanonicalModel
  readonly #adapter: Adapter
  readonly #table: TableHead
  readonly #projection: Projection
  /** For answers of {@link #length} positions; made anew for a longer one. */
  #gradients: AdapterGradients
  #length: number

  /** `model`: the table's base. Throws {@link GradientError} `file` for a table of another adapter. */
  constructor(model: CanonicalModel, adapter: Adapter, table: TableHead) {
    if (table.adapter !== adapterRoot(adapter)) {
      throw new GradientError('file', `the table of influences is of adapter ${table.adapter}`)
    }
    this.#length = Math.min(lengthMin, model.config.context)
    this.#gradients = new AdapterGradients(model, adapter, this.#length)
    this.#projection = this.#gradients.projection(table.seed, table.fold)
    if (table.size !== this.#projection.size || table.scales.length !== this.#projection.parts.length) {
      const wanted = `${this.#projection.parts.length} blocks with ${this.#projection.size} numbers`
      throw new GradientError('file', `the table of influences is not of the adapter’s ${wanted}`)
    }
    this.#model = model
    this.#adapter = adapter
    this.#table = table
  }

  /** Zeros of an answer without input or output, or with a token that is none of the model's, as those of private requests. */
  of({ prompt, output }: AnswerTokens): Int8Array {
    const { vocab, context } = this.#model.config
    const all = [...Array.from(prompt), ...Array.from(output)]
    if (prompt.length === 0 || output.length === 0 || all.some((token) => token >= vocab)) {
      return new Int8Array(this.#table.size)
    }
    const tokens = all.slice(-Math.min(sketchTokensMax, context + 1))
    const from = Math.max(prompt.length - (all.length - tokens.length), 1)
    const gradient = this.#gradientsFor(tokens.length - 1).of({ tokens, from })
    return byteQuery(querySketch(this.#projection, this.#table.scales, gradient))
  }

  #gradientsFor(positions: number): AdapterGradients {
    if (positions <= this.#length) return this.#gradients
    while (this.#length < positions) this.#length *= 2
    this.#length = Math.min(this.#length, this.#model.config.context)
    this.#gradients = new AdapterGradients(this.#model, this.#adapter, this.#length)
    return this.#gradients
  }
}
