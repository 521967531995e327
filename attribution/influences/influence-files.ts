import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorMessage } from '../../common/errors.ts'
import { FetchedFiles } from '../../common/fetched-files.ts'
import type { Log } from '../../common/log.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { decodeTable, tableExtension, tableRoot } from '../combined/influence-table.ts'
import { GradientError } from '../gradients/gradient-error.ts'

type Parts = {
  /** What the operator gave. */
  readonly folders: readonly string[]
  /** Directory of what was fetched. */
  readonly dir: string
  /** Rollup RPCs of nodes that serve content. */
  readonly urls: readonly string[]
  readonly log: Log
}

/** Tables fetched and kept. */
const tablesMax = 64
/** Who wants a table that is not here may ask again after this time. */
export const tableRetryMs = 10_000

/** Tables of influences by their roots: the operator's, and those that are in force on chain and nodes had. */
export class InfluenceFiles {
  readonly #parts: Parts
  readonly #own: ReadonlySet<Hex>
  readonly #fetched: FetchedFiles
  #fetching: Promise<void> | undefined
  readonly #stop = new AbortController()

  /** Reads and hashes the operator's. Throws {@link GradientError} `file` naming a file that is none. */
  constructor(parts: Parts) {
    const { folders, dir, urls } = parts
    this.#parts = parts
    this.#own = new Set(folders.flatMap(tablesOf))
    this.#fetched = new FetchedFiles({ dir, urls, extension: tableExtension, filesMax: tablesMax })
  }

  /** Changes with a table that comes. */
  get count(): number {
    return this.#own.size + this.#fetched.roots().length
  }

  has(root: Hex): boolean {
    return this.#own.has(root) || this.#fetched.get(root) !== undefined
  }

  /** Begins to fetch a table that is not here. */
  want(root: Hex): void {
    const { urls, log } = this.#parts
    if (this.has(root) || urls.length === 0 || this.#fetching !== undefined) return
    const warn = (error: unknown) =>
      log.warn('a table of influences was not fetched', { table: root, error: errorMessage(error) })
    this.#fetching = this.#fetch(root)
      .catch(warn)
      .finally(() => {
        this.#fetching = undefined
      })
  }

  /** Resolves when nothing is being fetched. */
  async settle(): Promise<void> {
    await this.#fetching
  }

  close(): void {
    this.#stop.abort(new Error('closed'))
  }

  async #fetch(root: Hex): Promise<void> {
    const path = await this.#fetched.fetch(root, tableRootOf, this.#stop.signal)
    if (path !== undefined) this.#parts.log.info('table of influences fetched', { table: root })
  }
}

function tablesOf(folder: string): Hex[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(tableExtension))
  return names.map((name) => {
    const path = join(folder, name)
    const root = tableRootOf(readFileSync(path))
    if (root === undefined) throw new GradientError('file', `${path}: no table of influences`)
    return root
  })
}

/** Root of a table's bytes, which may be anything: undefined for what is no table. */
export function tableRootOf(bytes: Uint8Array): Hex | undefined {
  try {
    return tableRoot(decodeTable(bytes))
  } catch (error) {
    if (error instanceof GradientError) return undefined
    throw error
  }
}
