import type { Hex } from '../../protocol/bytes.ts'
import { allowsTraining } from '../../protocol/datanets/consent.ts'
import { batchLeaf, batchRecord, batchRecordBytes, type ItemRecord } from '../../protocol/datanets/item-record.ts'
import { allEvents, topicOf } from '../ledger/all-events.ts'
import type { L2Rpc } from '../ledger/l2-rpc.ts'
import type { Decoded } from '../ledger/money-contracts.ts'

export type ContributionStatus = 'pending' | 'accepted' | 'rejected' | 'withdrawn' | 'slashed'

/** A contribution as its Datanet's events tell it. `parent`: of a label or curation. */
export type KnownContribution = ItemRecord & {
  readonly contribId: bigint
  readonly author: Hex
  readonly status: ContributionStatus
  readonly parent: bigint | undefined
  /** Where its bytes begin and end among those of its batch; of one made alone from 0 on. */
  readonly begin: number
  readonly end: number
  /** First contribution of its batch; undefined: it was made alone. */
  readonly batch: bigint | undefined
}

/** The records of a batch by their root; undefined: nobody here has them. */
export type BatchLists = (root: Hex) => Promise<Uint8Array | undefined>

export type Contributions = {
  /** Ascending. */
  readonly known: readonly KnownContribution[]
  /** Batches whose lists nobody here has. */
  readonly unlisted: readonly UnlistedBatch[]
}

/** `isAccepted`: some of its items may be in a version. */
export type UnlistedBatch = { readonly firstId: bigint; readonly isAccepted: boolean }

/**
 * All contributions to a Datanet. An item that ends before it begins is none: whoever makes a list cannot keep others from theirs.
 * Throws what the RPC throws.
 */
export async function contributionsOf(rpc: L2Rpc, datanet: bigint, lists: BatchLists): Promise<Contributions> {
  const of = (name: string, topics: readonly (Hex | null)[] = []) => allEvents(rpc, 'DatanetRegistry', name, topics)
  const [singles, batches, decided, decidedBatches, withdrawn, slashed, parents] = await Promise.all([
    of('ContributionSubmitted', [topicOf(datanet)]),
    of('ContributionBatch', [topicOf(datanet)]),
    of('ContributionDecided'),
    of('ContributionBatchDecided'),
    of('ConsentWithdrawn'),
    of('ContributionSlashed'),
    of('ContributionParent'),
  ])
  const statuses = new Map<bigint, ContributionStatus>()
  const outcome = ({ accepted }: Decoded) => (accepted === true ? 'accepted' : 'rejected')
  for (const { args } of decided) statuses.set(args['contribId'] as bigint, outcome(args))
  for (const { args } of withdrawn) statuses.set(args['contribId'] as bigint, 'withdrawn')
  for (const { args } of slashed) statuses.set(args['contribId'] as bigint, 'slashed')
  const ofBatch = new Map(decidedBatches.map(({ args }) => [args['firstId'] as bigint, outcome(args)] as const))
  const parentOf = new Map(parents.map(({ args }) => [args['contribId'] as bigint, args['parent'] as bigint]))
  const known: KnownContribution[] = singles.map(({ args }) => {
    const contribId = args['contribId'] as bigint
    const { author, contentHash, simHash, consent, size } = args as Decoded & ItemRecord & { readonly author: Hex }
    const status = statuses.get(contribId) ?? 'pending'
    const place = { begin: 0, end: size, batch: undefined }
    return { contribId, author, contentHash, simHash, consent, size, status, parent: parentOf.get(contribId), ...place }
  })
  const unlisted: UnlistedBatch[] = []
  for (const { args } of batches) {
    const [firstId, count] = [args['firstId'] as bigint, args['count'] as number]
    const records = await lists(args['root'] as Hex)
    const statusOf = (index: number) => statuses.get(firstId + BigInt(index)) ?? ofBatch.get(firstId) ?? 'pending'
    const indexes = Array.from({ length: count }, (_, i) => i)
    if (records?.length !== count * batchRecordBytes) {
      unlisted.push({ firstId, isAccepted: indexes.some((i) => statusOf(i) === 'accepted') })
      continue
    }
    for (const i of indexes.filter((index) => isItem(records, index))) {
      const [contribId, author] = [firstId + BigInt(i), args['author'] as Hex]
      const record = batchRecord(records, i)
      const { size: end } = batchLeaf(records, i)
      const place = { begin: end - record.size, end, batch: firstId }
      known.push({ contribId, author, ...record, status: statusOf(i), parent: undefined, ...place })
    }
  }
  return { known: known.sort((a, b) => (a.contribId < b.contribId ? -1 : 1)), unlisted }
}

function isItem(records: Uint8Array, index: number): boolean {
  return index === 0 || batchLeaf(records, index).size >= batchLeaf(records, index - 1).size
}

/** What the next version holds: accepted items, none twice, that may be trained on. */
export function versionable(known: readonly KnownContribution[]): KnownContribution[] {
  const seen = new Set<Hex>()
  return known.filter(({ status, parent, consent, contentHash }) => {
    if (status !== 'accepted' || parent !== undefined || !allowsTraining(consent) || seen.has(contentHash)) return false
    seen.add(contentHash)
    return true
  })
}
