import { join } from 'node:path'
import { errorMessage } from '../../common/errors.ts'
import { FetchedFiles } from '../../common/fetched-files.ts'
import type { Log } from '../../common/log.ts'
import { InferenceError } from '../../inference/inference-error.ts'
import { FormatError, type Hex } from '../../protocol/bytes.ts'
import { type AdapterFile, adapterExtension, adapterFileOf, type ModelFile, readAdapterFile } from './model-folder.ts'

type Parts = {
  /** What the operator gave; these are never fetched. */
  readonly own: ReadonlyMap<Hex, AdapterFile>
  readonly models: ReadonlyMap<Hex, ModelFile>
  /** Directory of what was fetched. */
  readonly dir: string
  /** Rollup RPCs of nodes that serve content. */
  readonly urls: readonly string[]
  readonly log: Log
  readonly fetchedMax?: number
}

/** Adapters fetched and kept: one more, and the one that was not asked for the longest goes. */
const fetchedMax = 256
/** Who asks for an adapter that is being fetched asks again after this time. */
const fetchRetryMs = 10_000

/** Adapters by their roots: the operator's, and those that requests named and nodes had. */
export class AdapterFiles {
  readonly #parts: Parts
  readonly #fetched: FetchedFiles
  /** What was fetched, as it was read. */
  readonly #read: Map<Hex, AdapterFile>
  /** The one that is being fetched. */
  #fetching: Hex | undefined
  readonly #stop = new AbortController()

  /** Opens what was fetched before; what is of no model here is left where it is. */
  constructor(parts: Parts) {
    const { dir, urls, models, fetchedMax: filesMax = fetchedMax } = parts
    this.#parts = parts
    this.#fetched = new FetchedFiles({ dir, urls, filesMax, extension: adapterExtension })
    const paths = this.#fetched.roots().map((root) => join(dir, `${root}${adapterExtension}`))
    const files = paths.flatMap((path) => readOrNone(path, [...models.values()]))
    this.#read = new Map(files.map((file) => [file.root, file]))
  }

  get(root: Hex): AdapterFile | undefined {
    const own = this.#parts.own.get(root)
    const read = this.#read.get(root)
    if (own !== undefined || read === undefined) return own
    if (this.#fetched.get(root) !== undefined) return read
    this.#read.delete(root)
    return undefined
  }

  /** Begins to fetch an adapter that is not here; ms until it is worth while to look again, 0 where nothing is to be hoped for. */
  want(root: Hex): number {
    if (this.#parts.urls.length === 0) return 0
    this.#fetching ??= this.#fetch(root)
    return fetchRetryMs
  }

  close(): void {
    this.#stop.abort(new Error('the worker was closed'))
  }

  #fetch(root: Hex): Hex {
    const { log } = this.#parts
    this.#load(root)
      .catch((error: unknown) => log.warn('an adapter was not fetched', { adapter: root, error: errorMessage(error) }))
      .finally(() => {
        this.#fetching = undefined
      })
    return root
  }

  async #load(root: Hex): Promise<void> {
    const { models, log } = this.#parts
    const bases = [...models.values()]
    const path = await this.#fetched.fetch(root, (bytes) => rootOrNone(bytes, bases), this.#stop.signal)
    if (path === undefined) {
      log.info('nobody has an adapter that a request names', { adapter: root })
      return
    }
    const file = readAdapterFile(path, bases)
    this.#read.set(root, file)
    const kept = new Set(this.#fetched.roots())
    for (const known of this.#read.keys()) if (!kept.has(known)) this.#read.delete(known)
    log.info('adapter fetched', { adapter: root })
  }
}

/** Bytes of strangers may be anything. */
function rootOrNone(bytes: Uint8Array, models: readonly ModelFile[]): Hex | undefined {
  try {
    return adapterFileOf(bytes, '', models)?.root
  } catch (error) {
    if (error instanceof FormatError || error instanceof InferenceError) return undefined
    throw error
  }
}

function readOrNone(path: string, models: readonly ModelFile[]): readonly AdapterFile[] {
  try {
    return [readAdapterFile(path, models)]
  } catch (error) {
    if (error instanceof FormatError) return []
    throw error
  }
}
