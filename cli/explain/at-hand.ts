import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ExplainFolders } from '../../attribution/explain/answer-explainer.ts'
import { IndexFiles } from '../../attribution/indexes/index-files.ts'
import { errorMessage, UsageError } from '../../common/errors.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { decodeModel, modelRoot } from '../../inference/model-file.ts'
import type { Hex } from '../../protocol/bytes.ts'

/** Indexes of a folder, looked for at each need. Throws UsageError for a folder that is none. */
export function indexesIn(folder: string | undefined): Pick<IndexFiles, 'get' | 'has'> {
  if (folder !== undefined) requireFolder('indexes', folder)
  return new IndexFiles(folder)
}

/** What the flags name. Throws UsageError for a folder that is none. */
export function foldersAtHand({ indexes, models = [] }: FolderFlags): ExplainFolders {
  if (indexes !== undefined) requireFolder('indexes', indexes)
  for (const folder of models) requireFolder('models', folder)
  return { indexes, models }
}

export type FolderFlags = {
  readonly indexes: string | undefined
  readonly models: readonly string[] | undefined
}

/** Finds a model of the folders by the root of its file. Throws UsageError. */
export function modelsIn(folders: readonly string[] | undefined): (root: Hex) => CanonicalModel | undefined {
  for (const folder of folders ?? []) requireFolder('models', folder)
  const paths = (folders ?? []).flatMap(modelFilesIn)
  return (root) => {
    for (const path of paths) {
      const model = read(path, () => decodeModel(readFileSync(path)))
      if (modelRoot(model) === root) return model
    }
    return undefined
  }
}

function modelFilesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.olm'))
    .sort()
    .map((name) => join(folder, name))
}

function requireFolder(flag: string, folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new UsageError(`--${flag} ${folder} is no folder`)
}

function read<T>(path: string, reads: () => T): T {
  try {
    return reads()
  } catch (cause) {
    throw new UsageError(`${path} cannot be used: ${errorMessage(cause)}`, { cause })
  }
}
