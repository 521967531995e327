import { readFile } from 'node:fs/promises'
import type { Clock } from '../../common/clock.ts'
import type { ContentPeers } from '../../common/content-peers.ts'
import type { ContentStore } from '../../common/content-store.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { contentHashInTurns } from '../../protocol/content-hash.ts'

/** Peers that did not have a file are asked again after this time. */
const askAgainMs = 5_000
/** Files whose absence is remembered. */
const missedMax = 10_000

/** Files of batches and epochs by content hash: this node's own, then those of its peers, which are kept. */
export class Content {
  readonly store: ContentStore
  readonly #peers: ContentPeers
  /** Files whose hash this run has seen to be right; no file changes under its name. */
  readonly #checked = new Set<Hex>()

  /** When peers were last asked in vain, by hash. */
  readonly #missedAtMs = new Map<Hex, number>()
  readonly #clock: Clock

  constructor(store: ContentStore, peers: ContentPeers, clock: Clock) {
    this.store = store
    this.#peers = peers
    this.#clock = clock
  }

  /** The file, or undefined where nobody has it whole. Hashing takes turns with the node's other work. */
  async get(hash: Hex, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const own = await this.own(hash)
    if (own !== undefined) return own
    const nowMs = this.#clock.nowMs()
    if (nowMs - (this.#missedAtMs.get(hash) ?? -askAgainMs) < askAgainMs) return undefined
    const fetched = await this.#peers.get(hash, signal)
    if (fetched !== undefined) this.#keep(hash, fetched)
    else this.#miss(hash)
    return fetched
  }

  /** The file if it is here; a damaged one is not. */
  async own(hash: Hex): Promise<Uint8Array | undefined> {
    const place = this.store.place(hash)
    if (place === undefined) return undefined
    const bytes = new Uint8Array(await readFile(place.file))
    if (!this.#checked.has(hash) && (await contentHashOf(bytes)) !== hash) return undefined
    this.#checked.add(hash)
    return bytes
  }

  /** Keeps a file where it has the hash; false where it has another. */
  async put(hash: Hex, bytes: Uint8Array): Promise<boolean> {
    if ((await contentHashOf(bytes)) !== hash) return false
    this.#keep(hash, bytes)
    return true
  }

  #miss(hash: Hex): void {
    if (this.#missedAtMs.size >= missedMax) this.#missedAtMs.clear()
    this.#missedAtMs.set(hash, this.#clock.nowMs())
  }

  #keep(hash: Hex, bytes: Uint8Array): void {
    this.store.keep(hash, bytes)
    this.#checked.add(hash)
  }
}

/** {@link contentHash} in turns with whatever else waits. */
export function contentHashOf(bytes: Uint8Array): Promise<Hex> {
  return contentHashInTurns(bytes, () => new Promise((next) => setImmediate(next)))
}
