import {
  challengeArgs,
  type ItemStanding,
  isUndecided,
  type PublishedList,
  type PublishedVersion,
  type VersionChallenge,
  versionFaults,
} from '../../attribution/datanets/version-faults.ts'
import { contributionsOf } from '../../chain/datanets/contributions.ts'
import { fetchedList, type ListSource, recordsOf } from '../../chain/datanets/version-lists.ts'
import { ContentStore } from '../../common/content-store.ts'
import { UsageError } from '../../common/errors.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { merkleRoot } from '../../protocol/content-hash.ts'
import { batchRecordBytes } from '../../protocol/datanets/item-record.ts'
import type { ChainAccess } from './action.ts'
import { type Places, shownRecord } from './contribution-fault.ts'
import { RefusedError } from './refused.ts'

type VersionRef = { readonly datanet: bigint; readonly version: number }
type Facts = {
  readonly addedRoot: Hex
  readonly removedRoot: Hex
  readonly itemCount: number
  readonly added: number
  readonly removed: number
  readonly addedBytes: bigint
  readonly publishedAt: bigint
}

/** Commands of the challenges, by function. */
const commands: Readonly<Record<VersionChallenge, string>> = {
  foreignItem: 'show-foreign-item',
  refusedItem: 'show-refused-item',
  unsorted: 'show-unsorted',
  falseCount: 'show-false-count',
  missingItem: 'show-missing-item',
  falselyListed: 'show-falsely-listed',
  unlisted: 'show-unlisted',
  standingRemoved: 'show-standing-removed',
  falseBytes: 'show-false-bytes',
}

/** Faults of a version by the commands that prove them. */
export async function checkedVersion(ref: VersionRef, places: Places, chain: ChainAccess) {
  const version = await publishedVersion(ref, places, chain)
  const faults = new Set([...versionFaults(version)].map(({ functionName }) => commands[functionName]))
  return { ...ref, faults: [...faults], undecided: isUndecided(version) }
}

/** Arguments of the first challenge of that name that holds. Throws RefusedError where the version has no such fault. */
export async function challengeOf(
  functionName: VersionChallenge,
  ref: VersionRef,
  places: Places,
  chain: ChainAccess,
): Promise<readonly unknown[]> {
  const version = await publishedVersion(ref, places, chain)
  for (const fault of versionFaults(version)) {
    if (fault.functionName !== functionName) continue
    return await challengeArgs(fault, (contribId) => shownRecord(contribId, places, chain))
  }
  const missing = isUndecided(version) ? '; not all of its lists are here' : ''
  throw new RefusedError(`version ${ref.version} of Datanet ${ref.datanet} shows no such fault${missing}`)
}

async function publishedVersion(ref: VersionRef, places: Places, chain: ChainAccess): Promise<PublishedVersion> {
  const { datanet, version } = ref
  const source = sourceOf(places, chain)
  const facts = await factsOf(ref, chain)
  if (facts.publishedAt === 0n) throw new RefusedError(`Datanet ${datanet} has no version ${version}`)
  const before = { datanet, version: version - 1 }
  const [items, previous, previousFacts] = await Promise.all([
    rootOf(ref, chain),
    rootOf(before, chain),
    factsOf(before, chain),
  ])
  const { isLive } = await registered(datanet, chain)
  const list = async (root: Hex, count: number): Promise<PublishedList> => ({
    ...{ root, count, items: await fetchedList(root, source) },
  })
  return {
    ...{ datanet, version, isLive, addedBytes: facts.addedBytes },
    items: await list(items, facts.itemCount),
    previous: await list(previous, previousFacts.itemCount),
    added: await list(facts.addedRoot, facts.added),
    removed: await list(facts.removedRoot, facts.removed),
    standing: await standings(datanet, facts.publishedAt, source, chain),
  }
}

/** How each contribution of the Datanet stood when the version was published. */
async function standings(datanet: bigint, publishedAt: bigint, source: ListSource, chain: ChainAccess) {
  const { known, unlisted } = await contributionsOf(chain, datanet, (root) => source.records(root, batchRecordBytes))
  if (unlisted.length > 0) {
    throw new RefusedError(
      `nobody here has the lists of the batches ${unlisted.map(({ firstId }) => firstId).join(', ')}`,
    )
  }
  const of = new Map<bigint, ItemStanding>()
  for (const { contribId, contentHash, consent, status, begin, end, batch } of known) {
    const isGone = status === 'withdrawn' || status === 'slashed'
    const left = isGone ? ((await chain.read('DatanetRegistry', 'leftAt', [contribId])) as bigint) : 0n
    const leftBefore = left !== 0n && left <= publishedAt
    const isRefused = status === 'pending' || status === 'rejected'
    of.set(contribId, { datanet, contentHash, consent, isRefused, leftBefore, begin, end, batch })
  }
  return (contribId: bigint) => of.get(contribId) ?? ('none' as const)
}

async function registered(datanet: bigint, chain: ChainAccess): Promise<{ readonly isLive: boolean }> {
  const { live } = (await chain.read('DatanetRegistry', 'datanets', [datanet])) as { readonly live: boolean }
  return { isLive: live }
}

async function rootOf({ datanet, version }: VersionRef, chain: ChainAccess): Promise<Hex> {
  if (version === 0) return zeroHash
  const { itemsRoot } = (await chain.read('DatanetRegistry', 'versions', [datanet, version])) as { itemsRoot: Hex }
  return itemsRoot
}

async function factsOf({ datanet, version }: VersionRef, chain: ChainAccess): Promise<Facts> {
  return (await chain.read('DatanetRegistry', 'versionFacts', [datanet, version])) as Facts
}

function sourceOf({ 'content.dir': dir, node = [] }: Places, { signal }: ChainAccess): ListSource {
  if (dir === undefined && node.length === 0) throw new UsageError('give --content.dir or --node: where lists are')
  const store = dir === undefined ? undefined : new ContentStore(dir, merkleRoot)
  return { records: (root, bytes) => recordsOf(root, bytes, { store, peers: node, signal }) }
}
