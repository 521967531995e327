import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { LruCache } from '../../common/lru-cache.ts'
import type { Adapter } from '../../inference/adapter/adapter.ts'
import { adapterRoot, decodeAdapter } from '../../inference/adapter/adapter-file.ts'
import { InferenceError } from '../../inference/inference-error.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { decodeModel, modelRoot } from '../../inference/model-file.ts'
import { FormatError, type Hex } from '../../protocol/bytes.ts'
import { decodeTable, type InfluenceTable, tableExtension, tableRoot } from '../combined/influence-table.ts'
import { GradientError } from '../gradients/gradient-error.ts'
import { IndexError } from '../indexes/index-error.ts'

/** Files whose roots are remembered. */
const rootsMax = 4_096
/** Of a file that is none of its kind. */
const noRoot = 'none'

/** Models (.olm), adapters (.ola) and tables of influences (.olt) in folders, by their roots. Whole files are read and hashed. */
export class GradientFolders {
  readonly #folders: readonly string[]
  /** Roots of files that were read, by path, length and time of writing. */
  readonly #roots = new LruCache<string, Hex | typeof noRoot>(rootsMax)

  /** Folders that are not there yet may come. */
  constructor(folders: readonly string[]) {
    this.#folders = folders
  }

  /** Throws IndexError `no-file` where no file of the folders is it, as the other two. */
  model(root: Hex): CanonicalModel {
    return this.#find('the model', '.olm', root, '', (bytes) => {
      const model = decodeModel(bytes)
      return { root: modelRoot(model), made: model }
    })
  }

  adapter(root: Hex, base: Hex, { config }: CanonicalModel): Adapter {
    return this.#find('the adapter', '.ola', root, base, (bytes) => {
      const adapter = decodeAdapter(bytes, { root: base, config })
      return { root: adapterRoot(adapter), made: adapter }
    })
  }

  table(root: Hex): InfluenceTable {
    return this.#find('the table of influences', tableExtension, root, '', (bytes) => {
      const table = decodeTable(bytes)
      return { root: tableRoot(table), made: table }
    })
  }

  #find<T>(
    what: string,
    extension: string,
    root: Hex,
    as: string,
    read: (bytes: Uint8Array) => { readonly root: Hex; readonly made: T },
  ): T {
    for (const path of this.#paths(extension)) {
      const { size, mtimeMs } = statSync(path)
      const key = `${path} ${size} ${mtimeMs} ${as}`
      const known = this.#roots.get(key)
      if (known !== undefined && known !== root) continue
      const found = readOrNone(path, read)
      this.#roots.set(key, found?.root ?? noRoot)
      if (found?.root === root) return found.made
    }
    throw new IndexError('no-file', `${what} ${root} is not here`)
  }

  #paths(extension: string): string[] {
    return this.#folders.flatMap((folder) =>
      names(folder)
        .filter((name) => name.endsWith(extension))
        .sort()
        .map((name) => join(folder, name)),
    )
  }
}

/** Undefined for what is no such file: anything may lie in a folder. */
function readOrNone<T>(path: string, read: (bytes: Uint8Array) => T): T | undefined {
  try {
    return read(readFileSync(path))
  } catch (error) {
    if (error instanceof FormatError || error instanceof InferenceError || error instanceof GradientError)
      return undefined
    throw error
  }
}

function names(folder: string): string[] {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(folder) : []
}
