import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { IndexFile } from '../../attribution/suffix/index-file.ts'
import type { SuffixIndex } from '../../attribution/suffix/suffix-index.ts'
import { errorMessage, UsageError } from '../../common/errors.ts'
import type { CanonicalModel } from '../../inference/model.ts'
import { decodeModel, modelRoot } from '../../inference/model-file.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { contentHash } from '../../protocol/content-hash.ts'

/** A tokenizer's section of a model file, and what it does. */
export type TokenizerAtHand = { readonly section: Uint8Array; readonly tokenBytes: (token: number) => Uint8Array }

/** Indexes of a folder by id. Throws UsageError. */
export function indexesIn(folder: string | undefined): ReadonlyMap<Hex, SuffixIndex> {
  const indexes = filesIn(folder, '.oli').map((path) => read(path, () => IndexFile.open(path).index))
  return new Map(indexes.map((index) => [index.id, index]))
}

/** Tokenizers of a folder's models by the hash of their section. Throws UsageError. */
export function tokenizersIn(folder: string | undefined): ReadonlyMap<Hex, TokenizerAtHand> {
  return new Map(
    filesIn(folder, '.olm').map((path) => {
      const section = read(path, () => decodeModel(readFileSync(path)).tokenizer.slice())
      const tokenizer = readTokenizer(section)
      const known = new Map<number, Uint8Array>()
      const tokenBytes = (token: number) => {
        const bytes = known.get(token) ?? (token < tokenizer.vocab ? tokenizer.decode([token]) : noBytes)
        known.set(token, bytes)
        return bytes
      }
      return [contentHash(section), { section, tokenBytes }]
    }),
  )
}

/** Finds a model of the folder by the root of its file. Throws UsageError. */
export function modelsIn(folder: string | undefined): (root: Hex) => CanonicalModel | undefined {
  const paths = filesIn(folder, '.olm')
  return (root) => {
    for (const path of paths) {
      const model = read(path, () => decodeModel(readFileSync(path)))
      if (modelRoot(model) === root) return model
    }
    return undefined
  }
}

function filesIn(folder: string | undefined, extension: string): string[] {
  if (folder === undefined) return []
  return read(folder, () => readdirSync(folder))
    .filter((name) => name.endsWith(extension))
    .sort()
    .map((name) => join(folder, name))
}

function read<T>(path: string, reads: () => T): T {
  try {
    return reads()
  } catch (cause) {
    throw new UsageError(`${path} cannot be used: ${errorMessage(cause)}`, { cause })
  }
}

const noBytes = new Uint8Array(0)
