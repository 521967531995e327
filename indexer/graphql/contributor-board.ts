import { type Outcome, Reputations } from '../../attribution/integrity/reputation.ts'
import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import type { Hex } from '../../protocol/bytes.ts'
import { eventTopic } from '../handlers/event.ts'
import type { Row, Store } from '../store/store.ts'

/** An author of a Datanet with what was decided of its contributions. */
export type Contributor = {
  readonly author: string
  /** 0 … 65,536. */
  readonly reputation: number
  readonly accepted: number
  readonly rejected: number
}

const decided = eventTopic('ContributionDecided(uint64,bool,uint16,bytes32)')
const batchDecided = eventTopic('ContributionBatchDecided(uint64,bool,uint32,bytes32)')
const slashed = eventTopic('ContributionSlashed(uint64,address,uint256,uint256)')
const wordBytes = 32

/**
 * Reputations in a Datanet by block `at`, replayed from the chain's own events, the best first, whatever lists of batches are
 * there. docs/INTEGRITY.md §1.
 */
export function contributorBoard(store: Store, datanet: number, at: number): Contributor[] {
  const authorOf = authors(store, datanet, at)
  const logs = store.all(
    `select topic0, topic1, data from log where address = ? and topic0 in (?, ?, ?) and block <= ? order by block, idx`,
    ...[openLedgerPredeploys.datanetRegistry, decided, batchDecided, slashed, at],
  )
  const reputations = new Reputations()
  for (const log of logs) {
    const author = authorOf(Number(BigInt(String(log['topic1']))))
    if (author === undefined) continue
    reputations.apply({ datanet: BigInt(datanet), author, items: itemsOf(log), result: resultOf(log) })
  }
  return reputations.leaderboard(BigInt(datanet))
}

/** Whose a contribution of a Datanet is: a batch's author is that of all its items. */
function authors(store: Store, datanet: number, at: number): (id: number) => Hex | undefined {
  const rows = store.all(
    `select id as first, 1 as count, author from contribution where datanet = ? and batch is null and block <= ?
     union all select first_id, count, author from batch where datanet = ? and block <= ? order by first`,
    ...[datanet, at, datanet, at],
  )
  const firsts = Float64Array.from(rows, (row) => Number(row['first']))
  return (id) => {
    let [low, high] = [0, firsts.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((firsts[middle] as number) <= id) low = middle + 1
      else high = middle
    }
    const row = rows[low - 1]
    return row !== undefined && id < Number(row['first']) + Number(row['count']) ? (row['author'] as Hex) : undefined
  }
}

/** How many contributions were decided at once: of a batch those that were not decided or withdrawn alone. */
function itemsOf({ topic0, data }: Row): number {
  const bytes = data as Uint8Array
  return topic0 === batchDecided ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(2 * wordBytes - 4) : 1
}

/** What a decision says; of a batch it has no score. */
function resultOf({ topic0, data }: Row): Outcome['result'] {
  if (topic0 === slashed) return { kind: 'refuted' }
  const bytes = data as Uint8Array
  if (bytes[wordBytes - 1] !== 1) return { kind: 'rejected' }
  const score = topic0 === batchDecided ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint16(2 * wordBytes - 2)
  return { kind: 'accepted', score }
}
