import type { IndexRecord } from '../../attribution/suffix/index-record.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { allEvents, topicOf } from '../ledger/all-events.ts'
import { callContract } from '../ledger/l2-calls.ts'
import type { L2Rpc } from '../ledger/l2-rpc.ts'
import type { Decoded } from '../ledger/money-contracts.ts'

/** What IndexRegistry knows of an index; times in Unix seconds. */
export type PublishedIndex = {
  readonly id: Hex
  readonly record: IndexRecord
  /** Who answers for it now: the last who took it over, if anybody did. */
  readonly publisher: Hex
  /** When that one did so. */
  readonly publishedAt: bigint
  /** From when on it counts for nothing; 0 where that is not known to come. */
  readonly deadFrom: bigint
  /** When it counted for nothing before somebody took it over: from `from`, until before `until`; in their order. */
  readonly lapses: readonly Lapse[]
  readonly isFalse: boolean
  /** What answers for it, in wei. */
  readonly bond: bigint
}

export type Lapse = { readonly from: bigint; readonly until: bigint }

/** Undefined where nobody published it. Throws what the RPC throws. */
export async function publishedIndex(rpc: L2Rpc, id: Hex): Promise<PublishedIndex | undefined> {
  const [event] = await allEvents(rpc, 'IndexRegistry', 'IndexPublished', [id])
  return event && (await withState(rpc, event.args))
}

/** All that were ever published, or those of one Datanet, in order. Throws what the RPC throws. */
export async function publishedIndexes(rpc: L2Rpc, datanet?: bigint): Promise<PublishedIndex[]> {
  const topics = datanet === undefined ? [] : [null, topicOf(datanet)]
  const events = await allEvents(rpc, 'IndexRegistry', 'IndexPublished', topics)
  return await Promise.all(events.map(({ args }) => withState(rpc, args)))
}

async function withState(rpc: L2Rpc, { id, index }: Decoded): Promise<PublishedIndex> {
  const ask = (functionName: string, ...args: readonly unknown[]) =>
    callContract(rpc, { contract: 'IndexRegistry', functionName, args })
  const state = (await ask('indexOf', id)) as Omit<PublishedIndex, 'id' | 'record' | 'lapses'> & {
    readonly lapses: number
  }
  const lapses = await Promise.all(Array.from({ length: state.lapses }, (_, number) => ask('lapseOf', id, number)))
  const { publisher, publishedAt, deadFrom, isFalse, bond } = state
  return {
    ...{ id: id as Hex, record: index as IndexRecord, publisher, publishedAt, deadFrom, isFalse, bond },
    lapses: lapses as readonly Lapse[],
  }
}

/** Whether one of the indexes counts for nothing at a time, Unix seconds; of a time to come as far as is known. */
export async function isDeadAt(rpc: L2Rpc, ids: readonly Hex[], time: bigint): Promise<boolean> {
  const ask = (id: Hex) => callContract(rpc, { contract: 'IndexRegistry', functionName: 'isDeadAt', args: [id, time] })
  return (await Promise.all(ids.map(ask))).includes(true)
}
