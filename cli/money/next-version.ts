import { contributionsOf, type KnownContribution, versionable } from '../../chain/datanets/contributions.ts'
import type { ContentSource } from '../../chain/indexes/version-content.ts'
import { versionItems } from '../../chain/indexes/version-content.ts'
import { ContentPeers } from '../../common/content-peers.ts'
import { ContentStore } from '../../common/content-store.ts'
import { UsageError } from '../../common/errors.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { batchRecordBytes } from '../../protocol/datanets/item-record.ts'
import {
  encodeList,
  type ListedItem,
  listedItemBytes,
  type VersionDiff,
  versionDiff,
  wrongFields,
} from '../../protocol/datanets/version-diff.ts'
import type { ChainAccess } from './action.ts'
import { RefusedError } from './refused.ts'

type Places = { readonly 'content.dir': string | undefined; readonly node: readonly string[] | undefined }

const contentTimeoutMs = 30_000

/** Root of the next version's list, which is kept in the content store, and its difference. */
export async function nextVersion(
  values: Places & { readonly datanet: bigint },
  chain: ChainAccess,
): Promise<{
  readonly itemsRoot: Hex
  readonly diff: VersionDiff
  readonly version: number
  readonly items: readonly KnownContribution[]
}> {
  const source = sourceOf(values, chain)
  const { datanet } = values
  const { known, sizeOf } = await contributions(datanet, source, chain)
  const items = versionable(known)
  const next = items.map(({ contribId, contentHash }) => ({ contribId, contentHash }))
  if (next.length === 0)
    throw new RefusedError(`Datanet ${datanet} has no accepted contribution that may be trained on`)
  const { version } = (await chain.read('DatanetRegistry', 'datanets', [datanet])) as { readonly version: number }
  const { diff } = versionDiff(await itemsOf({ datanet, version }, source, chain), next, sizeOf)
  const itemsRoot = source.content.putRecords(encodeList(next), listedItemBytes)
  return { itemsRoot, diff, version: version + 1, items }
}

/** What a version added and removed; `wrong` names the fields of the published difference that are false. */
export async function shownDiff(
  { version: ref, ...values }: Places & { readonly version: { readonly datanet: bigint; readonly version: number } },
  chain: ChainAccess,
) {
  const source = sourceOf(values, chain)
  const { sizeOf } = await contributions(ref.datanet, source, chain)
  const next = await itemsOf(ref, source, chain)
  const previous = await itemsOf({ ...ref, version: ref.version - 1 }, source, chain)
  type Facts = Omit<VersionDiff, 'previousRoot'>
  const facts = (await chain.read('DatanetRegistry', 'versionFacts', [ref.datanet, ref.version])) as Facts
  const { diff, lists } = versionDiff(previous, next, sizeOf)
  const { addedRoot, removedRoot, itemCount, added, removed, addedBytes } = facts
  const published = { ...diff, addedRoot, removedRoot, itemCount, added, removed, addedBytes }
  const ids = (items: readonly ListedItem[]) => items.map(({ contribId }) => contribId)
  const wrong = wrongFields(published, previous, next, sizeOf)
  return { ...ref, ...published, addedItems: ids(lists.added), removedItems: ids(lists.removed), wrong }
}

/** Items of a version; none for version 0, which is before the first. */
async function itemsOf(
  ref: { readonly datanet: bigint; readonly version: number },
  source: ContentSource,
  chain: ChainAccess,
): Promise<readonly ListedItem[]> {
  return ref.version <= 0 ? [] : await versionItems(chain, ref, source)
}

async function contributions(datanet: bigint, { content, peers, signal }: ContentSource, chain: ChainAccess) {
  const rootOf = (bytes: Uint8Array) => merkleRoot(bytes, batchRecordBytes)
  const nodes = new ContentPeers({ urls: peers, timeoutMs: contentTimeoutMs }, rootOf)
  const { known, unlisted } = await contributionsOf(
    chain,
    datanet,
    async (root) => content.getRecords(root, batchRecordBytes) ?? (await nodes.get(root, signal)),
  )
  const missing = unlisted.filter(({ isAccepted }) => isAccepted).map(({ firstId }) => firstId)
  if (missing.length > 0) {
    throw new RefusedError(
      `nobody here has the lists of the accepted batches ${missing.join(', ')}: get them, or reject those`,
    )
  }
  const sizes = new Map(known.map(({ contribId, size }) => [contribId, size]))
  return { known, sizeOf: (contribId: bigint) => sizes.get(contribId) ?? 0 }
}

function sourceOf({ 'content.dir': dir, node = [] }: Places, { signal }: ChainAccess): ContentSource {
  if (dir === undefined) throw new UsageError('give --content.dir: where lists of contributions are, and are kept')
  return { content: new ContentStore(dir, merkleRoot), peers: node, signal }
}
