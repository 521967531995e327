import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { LruCache } from '../../common/lru-cache.ts'
import { InferenceError } from '../../inference/inference-error.ts'
import { decodeModel } from '../../inference/model-file.ts'
import { readTokenizer } from '../../inference/tokenizer/model-tokenizer.ts'
import { FormatError, type Hex } from '../../protocol/bytes.ts'
import { contentHash } from '../../protocol/content-hash.ts'
import type { TokenBytes } from './token-text.ts'

/** Model files whose tokenizers are remembered. */
const filesMax = 4_096
/** Tokenizers that are held. */
const tokenizersMax = 8
/** Of a file that is no model. */
const noHash = 'none'

/** Tokenizers of model files (.olm) in folders, by the hash of their section. The folders are looked into at each need: they may fill up later. */
export class TokenizerFiles {
  readonly #folders: readonly string[]
  /** By path, length and time of writing. */
  readonly #hashes = new LruCache<string, Hex | typeof noHash>(filesMax)
  readonly #tokenizers = new LruCache<Hex, TokenBytes>(tokenizersMax)

  constructor(folders: readonly string[]) {
    this.#folders = folders
  }

  /** Undefined where no model of the folders has it. */
  get(hash: Hex): TokenBytes | undefined {
    const known = this.#tokenizers.get(hash)
    if (known !== undefined) return known
    for (const path of this.#folders.flatMap(modelsIn)) {
      const stat = statSync(path, { throwIfNoEntry: false })
      if (stat === undefined) continue
      const key = `${path} ${stat.size} ${stat.mtimeMs}`
      const before = this.#hashes.get(key)
      if (before !== undefined && before !== hash) continue
      const section = sectionOf(path)
      const found = section === undefined ? noHash : contentHash(section)
      this.#hashes.set(key, found)
      if (section !== undefined && found === hash) return this.#tokenizers.set(hash, tokenBytesOf(section))
    }
    return undefined
  }
}

function modelsIn(folder: string): string[] {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return []
  return readdirSync(folder)
    .filter((name) => name.endsWith('.olm'))
    .sort()
    .map((name) => join(folder, name))
}

/** Undefined for what is no model: anything may lie in a folder. */
function sectionOf(path: string): Uint8Array | undefined {
  try {
    return decodeModel(readFileSync(path)).tokenizer.slice()
  } catch (error) {
    if (error instanceof FormatError || error instanceof InferenceError) return undefined
    throw error
  }
}

function tokenBytesOf(section: Uint8Array): TokenBytes {
  const tokenizer = readTokenizer(section)
  const known = new Map<number, Uint8Array>()
  return (token) => {
    // An answer may have any number for a token.
    if (token >= tokenizer.vocab) return noBytes
    const bytes = known.get(token) ?? tokenizer.decode([token])
    known.set(token, bytes)
    return bytes
  }
}

const noBytes = new Uint8Array(0)
