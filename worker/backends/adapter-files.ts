import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ContentPeers } from '../../common/content-peers.ts'
import { errorMessage } from '../../common/errors.ts'
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
/** For a whole file from one node. */
const timeoutMs = 60_000
/** Who asks for an adapter that is being fetched asks again after this time. */
const fetchRetryMs = 10_000

/** Adapters by their roots: the operator's, and those that requests named and nodes had. */
export class AdapterFiles {
  readonly #parts: Parts
  /** By their last use, the oldest first. */
  readonly #fetched: Map<Hex, AdapterFile>
  /** The one that is being fetched. */
  #fetching: Hex | undefined
  readonly #stop = new AbortController()

  /** Opens what was fetched before; what is of no model here is left where it is. */
  constructor(parts: Parts) {
    this.#parts = parts
    mkdirSync(parts.dir, { recursive: true })
    const paths = readdirSync(parts.dir).filter((name) => name.endsWith(adapterExtension))
    const files = paths.flatMap((name) => readOrNone(join(parts.dir, name), [...parts.models.values()]))
    this.#fetched = new Map(files.map((file) => [file.root, file]))
  }

  get(root: Hex): AdapterFile | undefined {
    const fetched = this.#fetched.get(root)
    if (fetched !== undefined) this.#use(fetched)
    return this.#parts.own.get(root) ?? fetched
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
    const { dir, urls, models, log } = this.#parts
    const bases = [...models.values()]
    const rootOf = (bytes: Uint8Array) => rootOrNone(bytes, bases)
    const bytes = await new ContentPeers({ urls, timeoutMs }, rootOf).get(root, this.#stop.signal)
    const path = join(dir, `${root}${adapterExtension}`)
    const file = bytes && adapterFileOf(bytes, path, bases)
    if (bytes === undefined || file === undefined) {
      log.info('nobody has an adapter that a request names', { adapter: root })
      return
    }
    writeFileSync(`${path}.new`, bytes)
    renameSync(`${path}.new`, path)
    this.#use(file)
    this.#evict()
    log.info('adapter fetched', { adapter: root, bytes: bytes.length })
  }

  #use(file: AdapterFile): void {
    this.#fetched.delete(file.root)
    this.#fetched.set(file.root, file)
  }

  #evict(): void {
    const { dir, fetchedMax: most = fetchedMax } = this.#parts
    for (const root of [...this.#fetched.keys()].slice(0, Math.max(this.#fetched.size - most, 0))) {
      this.#fetched.delete(root)
      rmSync(join(dir, `${root}${adapterExtension}`), { force: true })
    }
  }
}

/** Bytes of strangers may be anything. */
function rootOrNone(bytes: Uint8Array, models: readonly ModelFile[]): Hex {
  try {
    return adapterFileOf(bytes, '', models)?.root ?? '0x'
  } catch (error) {
    if (error instanceof FormatError || error instanceof InferenceError) return '0x'
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
