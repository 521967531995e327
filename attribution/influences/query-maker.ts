import { createHash } from 'node:crypto'
import { LruCache } from '../../common/lru-cache.ts'
import type { Adapter } from '../../inference/adapter/adapter.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { AnswerQueries, type AnswerTokens } from '../combined/answer-queries.ts'
import type { InfluenceTable } from '../combined/influence-table.ts'
import { GradientError } from '../gradients/gradient-error.ts'
import { IndexError } from '../indexes/index-error.ts'
import type { GradientFolders } from './gradient-folders.ts'

/** By what class G of an answer is computed: roots of the model, of the adapter and of the table in force, as SketchRegistry has it. */
export type SketchSource = {
  readonly model: Hex
  /** Zeros: the request names none, and the gradient is by that of the table. */
  readonly adapter: Hex
  readonly table: Hex
  readonly size: number
  readonly rows: number
}

type Loaded = { readonly key: string; readonly table: InfluenceTable; readonly queries: AnswerQueries }

/** Query sketches that are kept, of at most 16 KiB. */
const madeMax = 256
/**
 * Query sketches of answers: their gradients by an adapter's parameters, projected as a table of influences is. The model of the last
 * answer stays in memory, in single precision. docs/GRADIENTS.md §8, §9.
 */
export class QueryMaker {
  readonly #folders: GradientFolders
  /** By source and tokens: an answer is attributed when it is made, when it is settled, and when its evidence is asked for. */
  readonly #made = new LruCache<string, Int8Array>(madeMax)
  #loaded: Loaded | undefined

  constructor(folders: GradientFolders) {
    this.#folders = folders
  }

  /**
   * The table in force, and an answer's query sketch. Throws IndexError `no-file` where model, adapter or table is not here, or the table is not as it was registered.
   */
  sketch(source: SketchSource, answer: AnswerTokens): { readonly table: InfluenceTable; readonly query: Int8Array } {
    const loaded = this.#load(source)
    const key = `${loaded.key} ${hashOf(answer)}`
    return { table: loaded.table, query: this.#made.get(key) ?? this.#made.set(key, loaded.queries.of(answer)) }
  }

  /** The table alone. Throws as {@link sketch}. */
  table(source: SketchSource): InfluenceTable {
    return this.#load(source).table
  }

  #load(source: SketchSource): Loaded {
    const key = JSON.stringify(source)
    if (this.#loaded?.key === key) return this.#loaded
    const table = this.#folders.table(source.table)
    const { base, adapter: trained, size, rows } = table
    const isOwn = source.adapter === zeroHash || source.adapter === trained
    if (base !== source.model || !isOwn || size !== source.size || rows.length !== source.rows) {
      throw new IndexError(
        'no-file',
        `the table of influences ${source.table} is not of the model that it is registered for`,
      )
    }
    // Two models in memory would be one too many.
    this.#loaded = undefined
    const model = this.#folders.model(base)
    const adapter = this.#folders.adapter(trained, base, model)
    this.#loaded = { key, table, queries: queriesOf(model, adapter, table) }
    return this.#loaded
  }
}

function queriesOf(model: CanonicalModel, adapter: Adapter, table: InfluenceTable): AnswerQueries {
  try {
    return new AnswerQueries(model, adapter, table)
  } catch (error) {
    if (error instanceof GradientError) throw new IndexError('no-file', error.message)
    throw error
  }
}

function hashOf({ prompt, output }: AnswerTokens): string {
  const words = Uint32Array.from([prompt.length, ...Array.from(prompt), ...Array.from(output)])
  return createHash('sha256').update(new Uint8Array(words.buffer)).digest('hex')
}
