import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { LruCache } from '../../common/lru-cache.ts'
import { FormatError, type Hex } from '../../protocol/bytes.ts'
import { IndexFile, readIndexRecord } from '../suffix/index-file.ts'
import { indexId } from '../suffix/index-record.ts'
import { SuffixError } from '../suffix/suffix-error.ts'
import type { SuffixIndex } from '../suffix/suffix-index.ts'

/** Files whose ids are remembered. */
const idsMax = 4_096
/** Files held open: more than any model's set. */
const openMax = 64
/** Of a file that is no index. */
const noId = 'none'

/** Suffix indexes (.oli) of one folder by their ids, whatever the files are called. The folder is looked into at each need: it may fill up later. */
export class IndexFiles {
  readonly #folder: string | undefined
  /** By path, length and time of writing, as the other. */
  readonly #ids = new LruCache<string, Hex | typeof noId>(idsMax)
  readonly #open = new Map<string, IndexFile>()

  /** A folder that is not there yet may come; undefined: there are none. */
  constructor(folder: string | undefined) {
    this.#folder = folder
  }

  has(id: Hex): boolean {
    return this.#find(id) !== undefined
  }

  /** The index on disk, kept open until 64 others were asked for; undefined where it is not here, or its file is damaged. */
  get(id: Hex): SuffixIndex | undefined {
    const found = this.#find(id)
    if (found === undefined) return undefined
    const known = this.#open.get(found.key)
    if (known !== undefined) return known.index
    const file = readOrNone(() => IndexFile.open(found.path))
    if (file?.index.id !== id) {
      file?.close()
      this.#ids.set(found.key, noId)
      return undefined
    }
    const [oldest] = this.#open
    if (this.#open.size >= openMax && oldest !== undefined) {
      oldest[1].close()
      this.#open.delete(oldest[0])
    }
    this.#open.set(found.key, file)
    return file.index
  }

  /** Closes what is open. */
  close(): void {
    for (const file of this.#open.values()) file.close()
    this.#open.clear()
  }

  #find(id: Hex): { readonly path: string; readonly key: string } | undefined {
    for (const path of this.#paths()) {
      const stat = statSync(path, { throwIfNoEntry: false })
      if (stat === undefined) continue
      const key = `${path} ${stat.size} ${stat.mtimeMs}`
      const known = this.#ids.get(key) ?? this.#ids.set(key, idOf(path))
      if (known === id) return { path, key }
    }
    return undefined
  }

  #paths(): string[] {
    const folder = this.#folder
    if (folder === undefined || statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return []
    return readdirSync(folder)
      .filter((name) => name.endsWith('.oli'))
      .sort()
      .map((name) => join(folder, name))
  }
}

function idOf(path: string): Hex | typeof noId {
  const record = readOrNone(() => readIndexRecord(path))
  return record === undefined ? noId : indexId(record)
}

/** Undefined for what is no index: anything may lie in a folder. */
function readOrNone<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof SuffixError || error instanceof FormatError) return undefined
    throw error
  }
}
