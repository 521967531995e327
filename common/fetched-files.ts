import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { ContentPeers } from './content-peers.ts'
import { LruCache } from './lru-cache.ts'

type Root = `0x${string}`

export type FetchedFilesOptions = {
  /** Of these files alone; several threads may share it. */
  readonly dir: string
  /** With its dot. */
  readonly extension: string
  /** Rollup RPCs of nodes that serve content. */
  readonly urls: readonly string[]
  readonly filesMax: number
  readonly bytesMax?: number
}

/** Bytes of one folder. */
export const fetchedBytesMax = 4 * 2 ** 30
/** For a whole file from one node. */
const timeoutMs = 60_000
/** Files fetched at once: each is held in memory until its root is known. */
const fetchesMax = 2
/** What nobody had is asked for again after this time; so many are remembered. */
const askAgainMs = 10_000
const missedMax = 4_096

/**
 * Files that other nodes have, by their roots. What comes is held against the root, and kept on disk; where there is no more room, what
 * was not asked for the longest goes.
 */
export class FetchedFiles {
  readonly #options: FetchedFilesOptions
  readonly #fetching = new Map<Root, Promise<string | undefined>>()
  readonly #missedAtMs = new LruCache<Root, number>(missedMax)
  #lastUseMs = 0

  constructor(options: FetchedFilesOptions) {
    this.#options = options
    mkdirSync(options.dir, { recursive: true })
  }

  /** Where the file lies; undefined where it is not here. It is in use now. */
  get(root: Root): string | undefined {
    const path = this.#path(root)
    if (!isRoot(root) || !existsSync(path)) return undefined
    this.#use(path)
    return path
  }

  /** Roots of the files that are here. */
  roots(): Root[] {
    const { extension } = this.#options
    return this.#names().map((name) => name.slice(0, -extension.length) as Root)
  }

  /**
   * Where the file lies, fetched where it is not here; undefined where nobody has it, or too many are being fetched. `rootOf`: the root of
   * bytes, which may be anything; undefined where they are no such file.
   */
  async fetch(
    root: Root,
    rootOf: (bytes: Uint8Array) => Root | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const known = this.get(root) ?? this.#fetching.get(root)
    if (known !== undefined) return await known
    const isMissed = Date.now() - (this.#missedAtMs.get(root) ?? 0) < askAgainMs
    if (!isRoot(root) || isMissed || this.#fetching.size >= fetchesMax) return undefined
    const fetching = this.#load(root, rootOf, signal).finally(() => this.#fetching.delete(root))
    this.#fetching.set(root, fetching)
    return await fetching
  }

  async #load(root: Root, rootOf: (bytes: Uint8Array) => Root | undefined, signal: AbortSignal) {
    const { urls } = this.#options
    const peers = new ContentPeers({ urls, timeoutMs }, (bytes) => rootOf(bytes) ?? '0x')
    const bytes = await peers.get(root, signal)
    if (bytes === undefined) {
      this.#missedAtMs.set(root, Date.now())
      return undefined
    }
    const path = this.#path(root)
    writeFileSync(`${path}.new`, bytes)
    renameSync(`${path}.new`, path)
    this.#use(path)
    this.#evict(path)
    return path
  }

  /** The access time of a file is that of its last use, so that the order outlives the process; when it was written stays. */
  #use(path: string): void {
    this.#lastUseMs = Math.max(Date.now(), this.#lastUseMs + 1)
    // Another thread may have evicted it.
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat !== undefined) utimesSync(path, this.#lastUseMs / 1_000, stat.mtimeMs / 1_000)
  }

  /** All but `kept` may go. */
  #evict(kept: string): void {
    const { dir, filesMax, bytesMax = fetchedBytesMax } = this.#options
    const files = this.#names()
      .map((name) => ({ path: join(dir, name), stat: statSync(join(dir, name), { throwIfNoEntry: false }) }))
      .filter((file): file is { path: string; stat: Stats } => file.stat !== undefined)
      .sort((a, b) => a.stat.atimeMs - b.stat.atimeMs)
    let [count, bytes] = [files.length, files.reduce((sum, { stat }) => sum + stat.size, 0)]
    for (const { path, stat } of files) {
      if (count <= filesMax && bytes <= bytesMax) return
      if (path === kept) continue
      rmSync(path, { force: true })
      count--
      bytes -= stat.size
    }
  }

  #names(): string[] {
    const { dir, extension } = this.#options
    return readdirSync(dir).filter((name) => name.endsWith(extension) && isRoot(name.slice(0, -extension.length)))
  }

  #path(root: Root): string {
    return join(this.#options.dir, `${root}${this.#options.extension}`)
  }
}

function isRoot(name: string): boolean {
  return /^0x[0-9a-f]{64}$/.test(name)
}
