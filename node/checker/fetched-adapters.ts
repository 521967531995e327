import { readFile } from 'node:fs/promises'
import { FetchedFiles } from '../../common/fetched-files.ts'
import type { Adapter } from '../../inference/adapter/adapter.ts'
import { adapterRoot } from '../../inference/adapter/adapter-file.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { type AdapterBase, adapterExtension, adapterIn } from './model-files.ts'

/** Adapters kept: one more, and the one that was not asked for the longest goes. */
const adaptersMax = 256

/** Adapters that requests name and other nodes have, by their roots. */
export class FetchedAdapters {
  readonly #files: FetchedFiles
  readonly #signal: AbortSignal

  /** `urls`: nodes that serve content; `signal` ends what is being fetched. */
  constructor(dir: string, urls: readonly string[], signal: AbortSignal) {
    this.#files = new FetchedFiles({ dir, urls, extension: adapterExtension, filesMax: adaptersMax })
    this.#signal = signal
  }

  /** Undefined where nobody has it, or it is none of the model's. */
  async get(root: Hex, base: AdapterBase): Promise<Adapter | undefined> {
    const rootOf = (bytes: Uint8Array) => {
      const adapter = adapterIn(bytes, base)
      return adapter && adapterRoot(adapter)
    }
    const path = await this.#files.fetch(root, rootOf, this.#signal)
    const adapter = path === undefined ? undefined : adapterIn(await readFile(path), base)
    return adapter !== undefined && adapterRoot(adapter) === root ? adapter : undefined
  }
}
