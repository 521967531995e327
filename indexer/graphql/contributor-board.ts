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

/** Reputations in a Datanet by block `at`, replayed from the chain's own events, the best first. docs/INTEGRITY.md §1. */
export function contributorBoard(store: Store, datanet: number, at: number): Contributor[] {
  const items = authorsBy(store, 'select id as key, author, 1 as count from contribution', datanet, at)
  const batches = authorsBy(store, 'select first_id as key, author, count from batch', datanet, at)
  const logs = store.all(
    `select topic0, topic1, data from log where address = ? and topic0 in (?, ?, ?) and block <= ? order by block, idx`,
    ...[openLedgerPredeploys.datanetRegistry, decided, batchDecided, slashed, at],
  )
  const reputations = new Reputations()
  for (const log of logs) {
    const from = log['topic0'] === batchDecided ? batches : items
    const whose = from.get(Number(BigInt(String(log['topic1']))))
    if (whose === undefined) continue
    const author = String(whose['author']) as Hex
    reputations.apply({ datanet: BigInt(datanet), author, items: Number(whose['count']), result: resultOf(log) })
  }
  return reputations.leaderboard(BigInt(datanet))
}

function authorsBy(store: Store, select: string, datanet: number, at: number): Map<number, Row> {
  const rows = store.all(`${select} where datanet = ? and block <= ?`, datanet, at)
  return new Map(rows.map((row) => [Number(row['key']), row]))
}

/** What a decision says; of a batch it has no score. */
function resultOf({ topic0, data }: Row): Outcome['result'] {
  if (topic0 === slashed) return { kind: 'refuted' }
  const bytes = data as Uint8Array
  if (bytes[wordBytes - 1] !== 1) return { kind: 'rejected' }
  const score = topic0 === batchDecided ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint16(2 * wordBytes - 2)
  return { kind: 'accepted', score }
}
