import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Adapter } from '../../inference/adapter/adapter.ts'
import { adapterRoot, decodeAdapter } from '../../inference/adapter/adapter-file.ts'
import { InferenceError } from '../../inference/inference-error.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import type { ModelConfig } from '../../inference/model-config.ts'
import { decodeModel, modelRoot } from '../../inference/model-file.ts'
import { FormatError, type Hex } from '../../protocol/bytes.ts'

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

/** The adapter of a root, for a model. */
export async function findAdapter(
  folders: readonly string[],
  root: Hex,
  base: { readonly root: Hex; readonly config: ModelConfig },
): Promise<Adapter | undefined> {
  for (const path of await filesOf(folders, '.ola')) {
    try {
      const adapter = decodeAdapter(await readFile(path), base)
      if (adapterRoot(adapter) === root) return adapter
    } catch (error) {
      // One of another model.
      if (!(error instanceof InferenceError) && !(error instanceof FormatError)) throw error
    }
  }
  return undefined
}
