import { allEvents, topicOf } from '../../chain/ledger/all-events.ts'
import { ContentPeers } from '../../common/content-peers.ts'
import { ContentStore } from '../../common/content-store.ts'
import { bytesToHex, type Hex } from '../../protocol/bytes.ts'
import { contentChunkBytes, merkleRoot, proveChunk } from '../../protocol/content-hash.ts'
import { batchRecord, batchRecordBytes, type ItemRecord } from '../../protocol/datanets/item-record.ts'
import type { ChainAccess } from './action.ts'
import { RefusedError } from './refused.ts'

type Places = { readonly 'content.dir': string | undefined; readonly node: readonly string[] | undefined }

/** A contribution's record as the DatanetJudge takes it; in a batch `size` is that of all items up to it. */
export type ShownRecord = {
  readonly contribId: bigint
  readonly record: ItemRecord & { readonly metaHash: Hex }
  readonly siblings: readonly Hex[]
  /** It is alone, or the first of its batch. */
  readonly isFirst: boolean
}

const contentTimeoutMs = 30_000

/** Throws RefusedError where there is no such contribution, or nobody here has the list of its batch. */
export async function shownRecord(contribId: bigint, places: Places, chain: ChainAccess): Promise<ShownRecord> {
  const { datanet } = (await chain.read('DatanetRegistry', 'contribution', [contribId])) as { readonly datanet: bigint }
  const of = async (name: string) => await allEvents(chain, 'DatanetRegistry', name, [topicOf(datanet)])
  type Submitted = ItemRecord & { readonly contribId: bigint; readonly metaHash: Hex }
  type Batch = { readonly firstId: bigint; readonly count: number; readonly root: Hex; readonly metaHash: Hex }
  const singles = (await of('ContributionSubmitted')).map(({ args }) => args as Submitted)
  const alone = singles.find((each) => each.contribId === contribId)
  if (alone !== undefined) {
    const { contentHash, simHash, consent, size, metaHash } = alone
    return { contribId, record: { contentHash, simHash, consent, size, metaHash }, siblings: [], isFirst: true }
  }
  const batches = (await of('ContributionBatch')).map(({ args }) => args as Batch)
  const batch = batches.find(({ firstId, count }) => firstId <= contribId && contribId < firstId + BigInt(count))
  if (batch === undefined) throw new RefusedError(`there is no contribution ${contribId}`)
  const records = await contentOf(batch.root, batchRecordBytes, places, chain)
  const index = Number(contribId - batch.firstId)
  const { siblings } = proveChunk(records, batchRecordBytes, index)
  let size = 0
  for (let i = 0; i <= index; i++) size += batchRecord(records, i).size
  const record = { ...batchRecord(records, index), size, metaHash: batch.metaHash }
  return { contribId, record, siblings: siblings.map(bytesToHex), isFirst: index === 0 }
}

/** The first or last 1 KiB of a content with its way to the content hash. */
export async function shownChunk(contentHash: Hex, which: 'first' | 'last', places: Places, chain: ChainAccess) {
  const content = await contentOf(contentHash, contentChunkBytes, places, chain)
  const index = which === 'first' ? 0 : Math.max(0, Math.ceil(content.length / contentChunkBytes) - 1)
  const { chunk, siblings } = proveChunk(content, contentChunkBytes, index)
  return { index, data: bytesToHex(chunk), siblings: siblings.map(bytesToHex) }
}

async function contentOf(root: Hex, recordBytes: number, places: Places, { signal }: ChainAccess): Promise<Uint8Array> {
  const { 'content.dir': dir, node = [] } = places
  const rootOf = (bytes: Uint8Array) => merkleRoot(bytes, recordBytes)
  const own = dir === undefined ? undefined : new ContentStore(dir, merkleRoot).getRecords(root, recordBytes)
  const found = own ?? (await new ContentPeers({ urls: node, timeoutMs: contentTimeoutMs }, rootOf).get(root, signal))
  if (found === undefined) throw new RefusedError(`nobody here has the content ${root}; name --content.dir or --node`)
  return found
}
