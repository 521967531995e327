import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { FetchedFiles } from '../../common/fetched-files.ts'
import { LruCache } from '../../common/lru-cache.ts'
import { tableExtension } from '../combined/influence-table.ts'
import { cutTable, type TableShape } from '../combined/table-faults.ts'

type Parts = {
  /** Folders where tables may lie. */
  readonly folders: readonly string[]
  /** Directory of what was fetched. */
  readonly dir: string
  /** Rollup RPCs of nodes that serve content. */
  readonly urls: readonly string[]
}

/** Tables fetched and kept: each is looked at once. */
const tablesMax = 2
/** Files that are remembered to be others: what is forgotten is read once more. */
const othersMax = 16_384

/** Registered tables as they are, whatever their form: what false ones are proven by. */
export class TableLeaves {
  readonly #folders: readonly string[]
  readonly #fetched: FetchedFiles
  /** Files that were found to be other tables, by table. */
  readonly #others = new LruCache<string, true>(othersMax)

  constructor({ folders, dir, urls }: Parts) {
    this.#folders = folders
    this.#fetched = new FetchedFiles({ dir, urls, extension: tableExtension, filesMax: tablesMax })
  }

  /** Undefined where nobody has the table, or cut in a way that its file does not show. */
  async of(shape: TableShape, signal: AbortSignal): Promise<Uint8Array[] | undefined> {
    for (const path of this.#folders.flatMap(tablesIn)) {
      const { size, mtimeMs } = statSync(path)
      const key = `${path} ${size} ${mtimeMs} ${JSON.stringify(shape)}`
      const leaves = this.#others.get(key) === true ? undefined : cutTable(new Uint8Array(readFileSync(path)), shape)
      if (leaves !== undefined) return leaves
      this.#others.set(key, true)
    }
    const rootOf = (bytes: Uint8Array) => (cutTable(bytes, shape) === undefined ? undefined : shape.root)
    const path = await this.#fetched.fetch(shape.root, rootOf, signal)
    return path === undefined ? undefined : cutTable(new Uint8Array(readFileSync(path)), shape)
  }
}

function tablesIn(folder: string): string[] {
  const isFolder = statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true
  const names = isFolder ? readdirSync(folder).filter((name) => name.endsWith(tableExtension)) : []
  return names.sort().map((name) => join(folder, name))
}
