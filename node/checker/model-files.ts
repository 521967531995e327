import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Adapter } from '../../inference/adapter/adapter.ts'
import { adapterRoot, decodeAdapter } from '../../inference/adapter/adapter-file.ts'
import { InferenceError } from '../../inference/inference-error.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import type { ModelConfig } from '../../inference/model-config.ts'
import { decodeModel, modelRoot } from '../../inference/model-file.ts'
import { FormatError, type Hex } from '../../protocol/bytes.ts'

export const adapterExtension = '.ola'

/** Files of the folders with an extension. */
export async function filesOf(folders: readonly string[], extension: string): Promise<string[]> {
  const named = async (folder: string) => (await readdir(folder)).sort().map((name) => join(folder, name))
  return (await Promise.all(folders.map(named))).flat().filter((path) => path.endsWith(extension))
}

/** The model of a root with its weights; undefined where no file of the folders is it. Hashes whole files. */
export async function findModel(folders: readonly string[], root: Hex): Promise<CanonicalModel | undefined> {
  for (const path of await filesOf(folders, '.olm')) {
    try {
      const model = decodeModel(await readFile(path))
      if (modelRoot(model) === root) return model
    } catch (error) {
      // No model that this version reads.
      if (!(error instanceof FormatError)) throw error
    }
  }
  return undefined
}

/** What an adapter's file is read against. */
export type AdapterBase = { readonly root: Hex; readonly config: ModelConfig }

/** The adapter of a root, for a model. Of a folder's many, one that its root names is looked at first, and no other of that kind. */
export async function findAdapter(
  folders: readonly string[],
  root: Hex,
  base: AdapterBase,
): Promise<Adapter | undefined> {
  for (const path of await candidates(folders, root, adapterExtension)) {
    const adapter = adapterIn(await readFile(path), base)
    if (adapter !== undefined && adapterRoot(adapter) === root) return adapter
  }
  return undefined
}

/** Undefined for bytes that are no adapter of the model. */
export function adapterIn(bytes: Uint8Array, base: AdapterBase): Adapter | undefined {
  try {
    return decodeAdapter(bytes, base)
  } catch (error) {
    if (error instanceof InferenceError || error instanceof FormatError) return undefined
    throw error
  }
}

/** Files that may have a root, the one that it names first; those that other roots name are others. */
async function candidates(folders: readonly string[], root: Hex, extension: string): Promise<string[]> {
  const all = await filesOf(folders, extension)
  const isNamed = (path: string) => /^0x[0-9a-f]{64}$/.test(basename(path, extension))
  const own = all.filter((path) => basename(path, extension) === root)
  return [...own, ...all.filter((path) => !isNamed(path))]
}
