import {
  challengeArgs,
  type ItemStanding,
  isUndecided,
  type PublishedList,
  type PublishedVersion,
  versionFaults,
} from '../../attribution/datanets/version-faults.ts'
import { batchTree, recordInBatch, type ShownRecord } from '../../chain/datanets/shown-record.ts'
import { fetchedList, recordsOf } from '../../chain/datanets/version-lists.ts'
import { contentOf } from '../../chain/indexes/version-content.ts'
import { callContract } from '../../chain/ledger/l2-calls.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import { eventsPerBlockMax } from '../../chain/ledger/ledger-event.ts'
import type { MoneyCall } from '../../chain/ledger/money-contracts.ts'
import type { ContentStore } from '../../common/content-store.ts'
import { LruCache } from '../../common/lru-cache.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { batchRecordBytes } from '../../protocol/datanets/item-record.ts'
import { mediaTypes } from '../../protocol/datanets/media-types.ts'
import { checkItem, type ItemVerdict } from './check-item.ts'
import { CommunityBook, decisions, type KnownBatch, type KnownItem, type KnownVersion } from './community-book.ts'

export type CommunitySource = {
  readonly rpc: L2Rpc
  readonly book: CommunityBook
  readonly content: ContentStore
  /** Rollup RPCs of nodes that serve content. */
  readonly peers: readonly string[]
  readonly signal: AbortSignal
}

export type VersionVerdict =
  | { readonly kind: 'right' | 'missing' | 'unshowable' }
  | { readonly kind: 'false'; readonly call: MoneyCall }

/** Records that are kept to be shown. */
const recordsMax = 512
/** Lists of batches that are kept with their trees: at most 25 MiB each. */
const listsMax = 2

/** Checks of what the community made, each by the bytes that it committed to. Nothing is taken from anybody's word. */
export class CommunityCheck {
  readonly #source: CommunitySource
  readonly #records = new LruCache<bigint, ShownRecord>(recordsMax)
  /** Of the batches that were shown of last. */
  readonly #lists = new LruCache<bigint, Uint8Array>(listsMax)
  readonly #trees = new LruCache<bigint, ReturnType<typeof batchTree>>(listsMax)

  constructor(source: CommunitySource) {
    this.#source = source
  }

  forget(): void {
    this.#records.clear()
    this.#lists.clear()
    this.#trees.clear()
  }

  /** Takes up the items of a batch; false where nobody here has its list. */
  async batch(batch: KnownBatch): Promise<boolean> {
    const records = await this.#recordsOf(batch.root, batchRecordBytes)
    if (records === undefined || !CommunityBook.isList(batch, records)) return false
    this.#source.book.addItems(batch, records)
    return true
  }

  /** Undefined where nobody here has its content. */
  async item(item: KnownItem): Promise<ItemVerdict | undefined> {
    const { book, signal } = this.#source
    const content = await contentOf(item.content, this.#source)
    const datanet = book.datanet(item.datanet)
    if (content === undefined || datanet === undefined) return undefined
    const before = item.first === undefined || item.first === item.id ? undefined : book.item(item.id - 1n)
    return await checkItem(item, {
      ...{ content, signal, media: mediaTypes[datanet.media] ?? 'text', begin: before?.size ?? 0 },
      shown: (id) => this.shown(id),
      signatureOf: (sim) => book.signatureOf(sim),
    })
  }

  async version(known: KnownVersion): Promise<VersionVerdict> {
    const { datanet, version, diff } = known
    const before = this.#source.book.version(datanet, version - 1)
    const published: PublishedVersion = {
      ...{ datanet, version, isLive: await this.#isLive(datanet), addedBytes: BigInt(diff.addedBytes) },
      items: await this.#list(known.itemsRoot, diff.itemCount),
      previous: await this.#list(before?.itemsRoot ?? zeroHash, before?.diff.itemCount ?? 0),
      added: await this.#list(diff.addedRoot, diff.added),
      removed: await this.#list(diff.removedRoot, diff.removed),
      standing: (contribId) => this.#standing(contribId, known),
    }
    for (const fault of versionFaults(published)) {
      const args = await challengeArgs(fault, (id) => this.shown(id))
      return { kind: 'false', call: { contract: 'DatanetJudge', functionName: fault.functionName, args } }
    }
    const { items, previous } = published
    if (items.items === undefined || previous.items === undefined) return { kind: 'missing' }
    if (items.items.some(({ contribId }) => published.standing(contribId) === undefined)) return { kind: 'missing' }
    return { kind: isUndecided(published) ? 'unshowable' : 'right' }
  }

  /** The record of a contribution. Throws {@link ListGone} where the list of its batch is here no more. */
  async shown(id: bigint): Promise<ShownRecord> {
    const known = this.#records.get(id)
    if (known !== undefined) return known
    const { book } = this.#source
    const item = book.item(id)
    if (item === undefined) throw new Error(`contribution ${id} is not known here`)
    return this.#records.set(id, await this.#recordOf(item))
  }

  async #recordOf({ id, first, content, sim, consent, size, meta }: KnownItem): Promise<ShownRecord> {
    if (first === undefined) {
      const record = { contentHash: content, simHash: sim, consent, size, metaHash: meta }
      return { contribId: id, record, siblings: [] }
    }
    const batch = this.#source.book.batch(first)
    const records = this.#lists.get(first) ?? (batch && (await this.#recordsOf(batch.root, batchRecordBytes)))
    if (records === undefined) throw new ListGone(first)
    this.#lists.set(first, records)
    const tree = this.#trees.get(first) ?? this.#trees.set(first, batchTree(records))
    return recordInBatch(records, { firstId: first, metaHash: meta }, id, tree)
  }

  #standing(contribId: bigint, { pos }: KnownVersion): ItemStanding | 'none' | undefined {
    const { book } = this.#source
    const item = book.item(contribId)
    if (item === undefined) return contribId === 0n || contribId > book.contributionCount ? 'none' : undefined
    const { datanet, content: contentHash, consent, decision, leftPos } = item
    const isRefused = decision === decisions.pending || decision === decisions.rejected
    // In one block a version and a withdrawal may have crossed.
    const leftBefore = leftPos !== undefined && blockOf(leftPos) < blockOf(pos)
    const { first: batch, size: end } = item
    const begin = batch === undefined || batch === contribId ? 0 : (book.item(contribId - 1n)?.size ?? 0)
    return { datanet, contentHash, consent, isRefused, leftBefore, begin, end, batch }
  }

  async #list(root: Hex, count: number): Promise<PublishedList> {
    const source = { records: (of: Hex, bytes: number) => this.#recordsOf(of, bytes) }
    return { root, count, items: await fetchedList(root, source) }
  }

  #recordsOf(root: Hex, recordBytes: number): Promise<Uint8Array | undefined> {
    const { content: store, peers, signal } = this.#source
    return recordsOf(root, recordBytes, { store, peers, signal })
  }

  async #isLive(datanet: bigint): Promise<boolean> {
    const call = { contract: 'DatanetRegistry', functionName: 'datanets', args: [datanet] } as const
    return ((await callContract(this.#source.rpc, call)) as { readonly live: boolean }).live
  }
}

/** The list of a batch was here once and is not to be had now. */
export class ListGone extends Error {
  override readonly name = 'ListGone'
  readonly first: bigint

  constructor(first: bigint) {
    super(`the list of batch ${first} is here no more`)
    this.first = first
  }
}

function blockOf(pos: number): number {
  return Math.floor(pos / eventsPerBlockMax)
}
