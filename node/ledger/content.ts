import { readFile } from 'node:fs/promises'
import type { ContentPeers } from '../../common/content-peers.ts'
import type { ContentStore } from '../../common/content-store.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { contentHashInTurns } from '../../protocol/content-hash.ts'

/** Files of batches and epochs by content hash: this node's own, then those of its peers, which are kept. */
export class Content {
  readonly store: ContentStore
  readonly #peers: ContentPeers
  /** Files whose hash this run has seen to be right; no file changes under its name. */
  readonly #checked = new Set<Hex>()

  constructor(store: ContentStore, peers: ContentPeers) {
    this.store = store
    this.#peers = peers
  }

  /** The file, or undefined where nobody has it whole. Hashing takes turns with the node's other work. */
  async get(hash: Hex, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const own = await this.own(hash)
    if (own !== undefined) return own
    const fetched = await this.#peers.get(hash, signal)
    if (fetched !== undefined) this.#keep(hash, fetched)
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

  #keep(hash: Hex, bytes: Uint8Array): void {
    this.store.keep(hash, bytes)
    this.#checked.add(hash)
  }
}

/** {@link contentHash} in turns with whatever else waits. */
export function contentHashOf(bytes: Uint8Array): Promise<Hex> {
  return contentHashInTurns(bytes, () => new Promise((next) => setImmediate(next)))
}
