import type { Hex } from '../../protocol/bytes.ts'
import { allowsTraining } from '../../protocol/datanets/consent.ts'
import { batchRecord, batchRecordBytes, type ItemRecord } from '../../protocol/datanets/item-record.ts'
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
}

/** The records of a batch by their root; undefined: nobody here has them. */
export type BatchLists = (root: Hex) => Promise<Uint8Array | undefined>

export type Contributions = {
  /** Ascending. */
  readonly known: readonly KnownContribution[]
  /** Batches whose lists nobody here has, by their first contribution. */
  readonly unlisted: readonly bigint[]
}

/** All contributions to a Datanet. Throws what the RPC throws, FormatError for a list that is none. */
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
    return { contribId, author, contentHash, simHash, consent, size, status, parent: parentOf.get(contribId) }
  })
  const unlisted: bigint[] = []
  for (const { args } of batches) {
    const [firstId, count] = [args['firstId'] as bigint, args['count'] as number]
    const records = await lists(args['root'] as Hex)
    if (records?.length !== count * batchRecordBytes) {
      unlisted.push(firstId)
      continue
    }
    for (let i = 0; i < count; i++) {
      const contribId = firstId + BigInt(i)
      const status = statuses.get(contribId) ?? ofBatch.get(firstId) ?? 'pending'
      known.push({ contribId, author: args['author'] as Hex, ...batchRecord(records, i), status, parent: undefined })
    }
  }
  return { known: known.sort((a, b) => (a.contribId < b.contribId ? -1 : 1)), unlisted }
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
