import { chunkOf, recordInBatch, type ShownChunk, type ShownRecord } from '../../chain/datanets/shown-record.ts'
import { allEvents, topicOf } from '../../chain/ledger/all-events.ts'
import { ContentPeers } from '../../common/content-peers.ts'
import { ContentStore } from '../../common/content-store.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { contentChunkBytes, merkleRoot } from '../../protocol/content-hash.ts'
import { batchRecordBytes, type ItemRecord } from '../../protocol/datanets/item-record.ts'
import type { ChainAccess } from './action.ts'
import { RefusedError } from './refused.ts'

export type Places = { readonly 'content.dir': string | undefined; readonly node: readonly string[] | undefined }

const contentTimeoutMs = 30_000

/**
 * A contribution's record; `isFirst`: it is alone, or the first of its batch. Throws RefusedError where there is no such
 * contribution, or nobody here has the list of its batch.
 */
export async function shownRecord(
  contribId: bigint,
  places: Places,
  chain: ChainAccess,
): Promise<ShownRecord & { readonly isFirst: boolean }> {
  const { datanet } = (await chain.read('DatanetRegistry', 'contribution', [contribId])) as { readonly datanet: bigint }
  type Submitted = ItemRecord & { readonly metaHash: Hex }
  const topics = [topicOf(datanet), topicOf(contribId)]
  const [alone] = await allEvents(chain, 'DatanetRegistry', 'ContributionSubmitted', topics)
  if (alone !== undefined) {
    const { contentHash, simHash, consent, size, metaHash } = alone.args as unknown as Submitted
    return { contribId, record: { contentHash, simHash, consent, size, metaHash }, siblings: [], isFirst: true }
  }
  type Batch = { readonly firstId: bigint; readonly root: Hex; readonly metaHash: Hex }
  const firstId = (await chain.read('DatanetRegistry', 'batchOf', [contribId])) as bigint
  const [found] = await allEvents(chain, 'DatanetRegistry', 'ContributionBatch', [topicOf(datanet), topicOf(firstId)])
  if (found === undefined) throw new RefusedError(`there is no contribution ${contribId}`)
  const batch = found.args as unknown as Batch
  const records = await contentOf(batch.root, batchRecordBytes, places, chain)
  return { ...recordInBatch(records, batch, contribId), isFirst: contribId === firstId }
}

/** The first or last 1 KiB of a content with its way to the content hash. */
export async function shownChunk(
  contentHash: Hex,
  which: 'first' | 'last',
  places: Places,
  chain: ChainAccess,
): Promise<ShownChunk> {
  return chunkOf(await contentOf(contentHash, contentChunkBytes, places, chain), which)
}

async function contentOf(root: Hex, recordBytes: number, places: Places, { signal }: ChainAccess): Promise<Uint8Array> {
  const { 'content.dir': dir, node = [] } = places
  const rootOf = (bytes: Uint8Array) => merkleRoot(bytes, recordBytes)
  const own = dir === undefined ? undefined : new ContentStore(dir, merkleRoot).getRecords(root, recordBytes)
  const found = own ?? (await new ContentPeers({ urls: node, timeoutMs: contentTimeoutMs }, rootOf).get(root, signal))
  if (found === undefined) throw new RefusedError(`nobody here has the content ${root}; name --content.dir or --node`)
  return found
}
