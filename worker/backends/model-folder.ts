import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorMessage } from '../../common/errors.ts'
import { adapterRoot, decodeAdapter } from '../../inference/adapter/adapter-file.ts'
import { InferenceError } from '../../inference/inference-error.ts'
import type { ModelConfig } from '../../inference/model-config.ts'
import { decodeModel, modelRoot } from '../../inference/model-file.ts'
import { FormatError, type Hex } from '../../protocol/bytes.ts'

/** Extensions of model and adapter files. */
export const modelExtension = '.olm'
export const adapterExtension = '.ola'

export type ModelFile = { readonly root: Hex; readonly path: string; readonly config: ModelConfig }
export type AdapterFile = { readonly root: Hex; readonly path: string; readonly base: Hex }

/** What a worker can run. */
export type ModelFolder = {
  readonly models: ReadonlyMap<Hex, ModelFile>
  readonly adapters: { readonly get: (root: Hex) => AdapterFile | undefined }
  /** Begins to fetch an adapter that is not here; ms after which to look again, 0: never. Absent: none is fetched. */
  readonly wantAdapter?: (root: Hex) => number
}

/** Reads and hashes all models and adapters of the folders. Throws FormatError naming a file that is none. */
export function openModelFolder(
  folders: readonly string[],
): ModelFolder & { readonly adapters: ReadonlyMap<Hex, AdapterFile> } {
  const paths = folders.flatMap((folder) =>
    readdirSync(folder)
      .sort()
      .map((name) => join(folder, name)),
  )
  const models = paths.filter((path) => path.endsWith(modelExtension)).map(readModelFile)
  const adapters = paths.filter((path) => path.endsWith(adapterExtension)).map((path) => readAdapterFile(path, models))
  return {
    models: new Map(models.map((model) => [model.root, model])),
    adapters: new Map(adapters.map((adapter) => [adapter.root, adapter])),
  }
}

function readModelFile(path: string): ModelFile {
  const model = named(path, () => decodeModel(readFileSync(path)))
  return { root: modelRoot(model), path, config: model.config }
}

/** Throws FormatError for a file that is none, and for one of a model that is not here. */
export function readAdapterFile(path: string, models: readonly ModelFile[]): AdapterFile {
  const file = named(path, () => adapterFileOf(readFileSync(path), path, models))
  if (file === undefined) throw new FormatError(`${path}: its base model is not here`)
  return file
}

/** The adapter in a file's bytes; undefined where it is for none of the models. Throws FormatError for bytes that are none. */
export function adapterFileOf(bytes: Uint8Array, path: string, models: readonly ModelFile[]): AdapterFile | undefined {
  for (const base of models) {
    try {
      return { root: adapterRoot(decodeAdapter(bytes, base)), path, base: base.root }
    } catch (error) {
      if (!(error instanceof InferenceError) || error.code !== 'adapter') throw error
    }
  }
  return undefined
}

function named<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new FormatError(`${path}: ${errorMessage(cause)}`)
  }
}
