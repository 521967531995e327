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
  readonly publisher: Hex
  readonly publishedAt: bigint
  /** From when on it counts for nothing; 0 where that is not known to come. */
  readonly deadFrom: bigint
  readonly isFalse: boolean
  /** What answers for it, in wei. */
  readonly bond: bigint
}

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
  const call = { contract: 'IndexRegistry', functionName: 'indexOf', args: [id] } as const
  const state = (await callContract(rpc, call)) as Omit<PublishedIndex, 'id' | 'record'>
  const { publisher, publishedAt, deadFrom, isFalse, bond } = state
  return { id: id as Hex, record: index as IndexRecord, publisher, publishedAt, deadFrom, isFalse, bond }
}

/** From when on one of the indexes counts for nothing, Unix seconds; 0 where that is not known to come. */
export async function deadFrom(rpc: L2Rpc, ids: readonly Hex[]): Promise<bigint> {
  const ask = (id: Hex) => callContract(rpc, { contract: 'IndexRegistry', functionName: 'deadFrom', args: [id] })
  const times = ((await Promise.all(ids.map(ask))) as readonly bigint[]).filter((time) => time > 0n)
  return times.reduce((least, time) => (least === 0n || time < least ? time : least), 0n)
}
