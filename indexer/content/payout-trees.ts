import { leafRowBytes } from '../../attribution/epochs/epoch-rows.ts'
import type { Rows } from '../../attribution/epochs/epoch-trees.ts'
import { RowTree } from '../../attribution/epochs/row-tree.ts'
import type { ContentStore } from '../../common/content-store.ts'
import { LruCache } from '../../common/lru-cache.ts'
import { fileAnswer } from './file-thread.ts'

/** Trees kept: those of 100,000 payees take 13 MB each. */
const treesMax = 4
/** Trees being read; who asks for another one while so many are waits its turn elsewhere. */
export const treesWaitingMax = 16

/** The payouts of epochs with their trees, read from the data files when a claim is to be proven. */
export class PayoutTrees {
  readonly #content: ContentStore
  readonly #trees = new LruCache<string, Rows>(treesMax)
  readonly #waiting = new Map<string, Promise<Rows | undefined>>()

  constructor(content: ContentStore) {
    this.#content = content
  }

  /** True where {@link get} would have to wait behind too many others. */
  isBusy(hash: string): boolean {
    return this.#waiting.size >= treesWaitingMax && !this.#waiting.has(hash)
  }

  /** The payouts in the file of this hash, which was checked before; undefined where it is no longer there whole. */
  get(hash: string): Promise<Rows | undefined> {
    const known = this.#trees.get(hash)
    if (known !== undefined) return Promise.resolve(known)
    const waiting = this.#waiting.get(hash) ?? this.#read(hash).finally(() => this.#waiting.delete(hash))
    this.#waiting.set(hash, waiting)
    return waiting
  }

  async #read(hash: string): Promise<Rows | undefined> {
    const place = this.#content.place(hash)
    if (place === undefined) return undefined
    const answer = await fileAnswer({ ...place, hash, want: 'payouts' })
    if (answer.kind !== 'payouts') return undefined
    const tree = RowTree.ofLevels(leafRowBytes, answer.levels)
    return this.#trees.set(hash, { rows: answer.rows, tree })
  }
}
