import { randomUUID } from 'node:crypto'
import { createWriteStream, existsSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Hex } from '../../protocol/bytes.ts'
import { IndexFile } from '../suffix/index-file.ts'
import type { SuffixIndex } from '../suffix/suffix-index.ts'
import { IndexError } from './index-error.ts'

const suffix = '.oli'
const scratchPrefix = 'new-'
/** A file that is being made is written to more often than that. */
const leftoverMs = 86_400_000

/** Index files of one directory, each `<indexId>.oli`, of so many bytes together at most. */
export class IndexFolder {
  readonly dir: string
  readonly #bytesMax: number
  readonly #open = new Map<Hex, IndexFile>()

  constructor(dir: string, bytesMax = folderBytesMax) {
    this.dir = dir
    this.#bytesMax = bytesMax
  }

  path(id: Hex): string {
    return join(this.dir, `${id}${suffix}`)
  }

  /** Ids of the files that are here. */
  ids(): Hex[] {
    return names(this.dir)
      .filter((name) => /^0x[0-9a-f]{64}\.oli$/.test(name))
      .map((name) => name.slice(0, -suffix.length) as Hex)
  }

  /** Where a file lies and how long it is; undefined where it is not here. */
  place(id: string): { readonly file: string; readonly bytes: number } | undefined {
    if (!/^0x[0-9a-f]{64}$/.test(id)) return undefined
    const file = this.path(id as Hex)
    const bytes = statSync(file, { throwIfNoEntry: false })?.size
    return bytes === undefined ? undefined : { file, bytes }
  }

  /**
   * The index on disk, kept open until {@link openMax} others were asked for. Undefined where it is not here. Throws SuffixError
   * for a file that is none, {@link IndexError} `no-file` for another's.
   */
  get(id: Hex): SuffixIndex | undefined {
    const known = this.#open.get(id)
    if (known !== undefined) return known.index
    if (!existsSync(this.path(id))) return undefined
    const [oldest] = this.#open
    if (this.#open.size >= openMax && oldest !== undefined) {
      oldest[1].close()
      this.#open.delete(oldest[0])
    }
    const file = IndexFile.open(this.path(id))
    if (file.index.id !== id) {
      file.close()
      throw new IndexError('no-file', `${this.path(id)} is the index ${file.index.id}: remove it`)
    }
    this.#open.set(id, file)
    return file.index
  }

  /** Room in bytes for one more file. */
  get room(): number {
    const used = names(this.dir).map((name) => statSync(join(this.dir, name), { throwIfNoEntry: false })?.size ?? 0)
    return this.#bytesMax - used.reduce((sum, bytes) => sum + bytes, 0)
  }

  /** A path for a file that is being made. Throws {@link IndexError} `folder-full` where `bytes` do not fit. */
  scratch(bytes: number): string {
    mkdirSync(this.dir, { recursive: true })
    this.#removeLeftovers()
    if (bytes > this.room) {
      throw new IndexError(
        'folder-full',
        `${this.dir} has no room for an index of ${bytes} bytes: remove what nobody needs`,
      )
    }
    // Other processes and other parts of this one may make files here too.
    return join(this.dir, `${scratchPrefix}${randomUUID()}`)
  }

  /** What processes that were killed left half made. */
  #removeLeftovers(): void {
    for (const path of names(this.dir)
      .filter((name) => name.startsWith(scratchPrefix))
      .map((name) => join(this.dir, name))) {
      const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity
      if (written < Date.now() - leftoverMs) rmSync(path, { force: true })
    }
  }

  /** Receives a file of so many bytes at most. Throws {@link IndexError} `folder-full`, `too-long`, and what the source throws. */
  async receive(source: Readable, bytesMax: number, signal: AbortSignal): Promise<string> {
    const path = this.scratch(bytesMax)
    let left = bytesMax
    const bounded = async function* (parts: AsyncIterable<Uint8Array>) {
      for await (const part of parts) {
        left -= part.length
        if (left < 0) throw new IndexError('too-long', `more than the ${bytesMax} bytes of the index`)
        yield part
      }
    }
    // Open before anything is read: a stream that opens its file itself may make it after it failed, and it would stay.
    const file = openSync(path, 'wx')
    try {
      await pipeline(source, bounded, createWriteStream(path, { fd: file }), { signal })
      return path
    } catch (error) {
      rmSync(path, { force: true })
      throw error
    }
  }

  /** Gives a file that was made its name. */
  keep(path: string, id: Hex): void {
    renameSync(path, this.path(id))
  }

  /** Closes what is open. */
  close(): void {
    for (const file of this.#open.values()) file.close()
    this.#open.clear()
  }
}

/** Files held open: more than any model's set. */
const openMax = 64

/** 16 GiB. */
export const folderBytesMax = 2 ** 34

function names(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir) : []
}
