import { join } from 'node:path'
import { AnswerQueries, type AnswerTokens } from '../../attribution/combined/answer-queries.ts'
import { type InfluenceTable, tableExtension, tableRoot } from '../../attribution/combined/influence-table.ts'
import { GradientError } from '../../attribution/gradients/gradient-error.ts'
import type { Reply } from '../../common/asked-thread.ts'
import { FetchedFiles } from '../../common/fetched-files.ts'
import { failedJob } from '../../common/thread-job.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import { FetchedAdapters } from '../checker/fetched-adapters.ts'
import { findAdapter, findModel, findTable, tableIn } from '../checker/model-files.ts'

/** An answer, and the table of influences that was in force for it. Plain data. */
export type SketchTask = { readonly table: Hex; readonly answer: AnswerTokens }

/**
 * `query`: keccak of the answer's query sketch. `missing`: what is not here, or is no table of its adapter, and no node that was asked has it.
 */
export type SketchOutcome =
  | { readonly kind: 'query'; readonly hash: Hex; readonly tokens: number; readonly ms: number }
  | { readonly kind: 'missing'; readonly what: 'table' | 'model' | 'adapter'; readonly root: Hex }

export type SketchFolders = {
  /** Models, adapters and tables that the operator has. */
  readonly folders: readonly string[]
  /** What is fetched by its root is kept here, in a folder a kind. */
  readonly fetched: string
  /** Nodes that serve content. */
  readonly urls: readonly string[]
}

export type ToSketches = { readonly id: number; readonly task: SketchTask }

/** Tables kept on disk. */
const tablesMax = 64

/** Where what is fetched lies. */
export const adaptersIn = (fetched: string): string => join(fetched, 'adapters')
const tablesIn = (fetched: string): string => join(fetched, 'tables')

/** The thread's side: sketches of answers one after another; the last model and the last table are kept. */
export class SketchJobs {
  readonly #places: SketchFolders
  readonly #tell: (reply: Reply<SketchOutcome>) => void
  readonly #adapters: FetchedAdapters
  readonly #tables: FetchedFiles
  readonly #never = new AbortController().signal
  #model: { readonly root: Hex; readonly model: CanonicalModel } | undefined
  #table: { readonly root: Hex; readonly table: InfluenceTable } | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(places: SketchFolders, tell: (reply: Reply<SketchOutcome>) => void) {
    const { fetched, urls } = places
    this.#places = places
    this.#tell = tell
    this.#adapters = new FetchedAdapters(adaptersIn(fetched), urls, this.#never)
    this.#tables = new FetchedFiles({ dir: tablesIn(fetched), urls, extension: tableExtension, filesMax: tablesMax })
  }

  take({ id, task }: ToSketches): void {
    this.#last = this.#last.then(async () => {
      try {
        this.#tell({ id, done: await this.#sketch(task) })
      } catch (error) {
        this.#tell({ id, failed: failedJob(error) })
      }
    })
  }

  async #sketch({ table: root, answer }: SketchTask): Promise<SketchOutcome> {
    const table = await this.#tableOf(root)
    if (table === undefined) return { kind: 'missing', what: 'table', root }
    const model = await this.#modelOf(table.base)
    if (model === undefined) return { kind: 'missing', what: 'model', root: table.base }
    const base = { root: table.base, config: model.config }
    const adapter =
      (await findAdapter(this.#places.folders, table.adapter, base)) ?? (await this.#adapters.get(table.adapter, base))
    if (adapter === undefined) return { kind: 'missing', what: 'adapter', root: table.adapter }
    const beganMs = performance.now()
    const tokens = answer.prompt.length + answer.output.length
    try {
      const query = new AnswerQueries(model, adapter, table).of(answer)
      const ms = Math.round(performance.now() - beganMs)
      return { kind: 'query', hash: keccakHex(new Uint8Array(query.buffer)), tokens, ms }
    } catch (error) {
      // Its adapter has other numbers: nobody is judged by a table that is none.
      if (error instanceof GradientError) return { kind: 'missing', what: 'table', root }
      throw error
    }
  }

  async #tableOf(root: Hex): Promise<InfluenceTable | undefined> {
    if (this.#table?.root === root) return this.#table.table
    const rootOf = (bytes: Uint8Array) => {
      const table = tableIn(bytes)
      return table && tableRoot(table)
    }
    const find = () => findTable([...this.#places.folders, tablesIn(this.#places.fetched)], root)
    const isFetched = async () => (await this.#tables.fetch(root, rootOf, this.#never)) !== undefined
    const table = (await find()) ?? ((await isFetched()) ? await find() : undefined)
    if (table !== undefined) this.#table = { root, table }
    return table
  }

  async #modelOf(root: Hex): Promise<CanonicalModel | undefined> {
    if (this.#model?.root === root) return this.#model.model
    const model = await findModel(this.#places.folders, root)
    if (model !== undefined) this.#model = { root, model }
    return model
  }
}
