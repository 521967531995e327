import { join } from 'node:path'
import type { AnswerTokens } from '../../attribution/combined/answer-queries.ts'
import { tableExtension } from '../../attribution/combined/influence-table.ts'
import { IndexError } from '../../attribution/indexes/index-error.ts'
import { GradientFolders } from '../../attribution/influences/gradient-folders.ts'
import { tableRootOf } from '../../attribution/influences/influence-files.ts'
import { QueryMaker, type SketchSource } from '../../attribution/influences/query-maker.ts'
import type { Reply } from '../../common/asked-thread.ts'
import { FetchedFiles } from '../../common/fetched-files.ts'
import { failedJob } from '../../common/thread-job.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { keccakHex } from '../../protocol/keccak.ts'
import { FetchedAdapters } from '../checker/fetched-adapters.ts'

/** An answer, and the table of influences that was in force for it. Plain data. */
export type SketchTask = { readonly source: SketchSource; readonly answer: AnswerTokens }

/** `query`: keccak of the answer's query sketch. `missing`: what it takes is not here, and no node that was asked has it. */
export type SketchOutcome =
  | { readonly kind: 'query'; readonly hash: Hex; readonly ms: number }
  | { readonly kind: 'missing'; readonly reason: string }

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

/** The thread's side: sketches of answers one after another, as workers make them. */
export class SketchJobs {
  readonly #folders: GradientFolders
  readonly #queries: QueryMaker
  readonly #tell: (reply: Reply<SketchOutcome>) => void
  readonly #adapters: FetchedAdapters
  readonly #tables: FetchedFiles
  readonly #never = new AbortController().signal
  #last: Promise<void> = Promise.resolve()

  constructor({ folders, fetched, urls }: SketchFolders, tell: (reply: Reply<SketchOutcome>) => void) {
    this.#tell = tell
    this.#folders = new GradientFolders([...folders, adaptersIn(fetched), tablesIn(fetched)])
    this.#queries = new QueryMaker(this.#folders)
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

  /** What is here is taken; only where something is not, nodes are asked. */
  async #sketch(task: SketchTask): Promise<SketchOutcome> {
    try {
      return this.#make(task)
    } catch (error) {
      if (!(error instanceof IndexError)) throw error
    }
    try {
      await this.#fetch(task.source)
      return this.#make(task)
    } catch (error) {
      if (error instanceof IndexError) return { kind: 'missing', reason: error.message }
      throw error
    }
  }

  #make({ source, answer }: SketchTask): SketchOutcome {
    const beganMs = performance.now()
    const { query } = this.#queries.sketch(source, answer)
    return { kind: 'query', hash: keccakHex(Uint8Array.from(query)), ms: Math.round(performance.now() - beganMs) }
  }

  /** The table, and the adapter in its head. Throws IndexError `no-file` for the table and the model. */
  async #fetch({ table: root }: SketchSource): Promise<void> {
    if (!isHere(() => this.#folders.table(root))) await this.#tables.fetch(root, tableRootOf, this.#never)
    const { base, adapter } = this.#folders.table(root)
    const model = this.#folders.model(base)
    if (isHere(() => this.#folders.adapter(adapter, base, model))) return
    await this.#adapters.get(adapter, { root: base, config: model.config })
  }
}

function isHere(find: () => unknown): boolean {
  try {
    find()
    return true
  } catch (error) {
    if (error instanceof IndexError) return false
    throw error
  }
}
