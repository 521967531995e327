import { documentedGovernance } from '../../protocol/governance-parameters.ts'
import type { Row, Value } from '../store/store.ts'
import type { QueryContext } from './context.ts'
import { type Entity, stateEntity } from './rows.ts'

export type ProposalState =
  | 'Pending'
  | 'Active'
  | 'Canceled'
  | 'Defeated'
  | 'Succeeded'
  | 'Queued'
  | 'Expired'
  | 'Executed'

/** The state of a proposal as a block left it, by the Governor's own rules and the block's time. */
export async function proposalState({ row, at }: Entity, context: QueryContext): Promise<ProposalState> {
  if (row['executed'] === 1) return 'Executed'
  if (row['canceled'] === 1) return 'Canceled'
  const now = timeOf(context, at)
  if (now <= Number(row['vote_start'])) return 'Pending'
  if (now <= Number(row['vote_end'])) return 'Active'
  const [votesFor, against, abstain] = (['votes_for', 'votes_against', 'votes_abstain'] as const).map((name) =>
    BigInt(String(row[name])),
  ) as [bigint, bigint, bigint]
  const quorum = quorumOf(context, Number(row['vote_start']), at)
  if (votesFor <= against || votesFor + abstain < quorum) return 'Defeated'
  if (row['eta'] === null) return 'Succeeded'
  const operation = await stateEntity(context, 'timelock_operation', row['operation'], at)
  const status = operation?.row['status']
  if (status === 'done') return 'Executed'
  if (status === 'cancelled') return 'Canceled'
  return now > Number(operation?.row['ready_at'] ?? row['eta']) + graceSeconds(context) ? 'Expired' : 'Queued'
}

/** wei of GOPEN that a vote which began at that time needs for and abstaining. */
export function quorumOf(context: QueryContext, time: number, at: number | undefined): bigint {
  const percent = parameterAt(context, 'quorumPercent', time, at) ?? documentedGovernance.quorumPercent
  return (supplyAt(context, time, at) * percent) / 100n
}

/** wei of GOPEN there were at a time. */
export function supplyAt({ store }: QueryContext, time: number, at: number | undefined): bigint {
  const sql = 'select supply from gopen_supply where at <= ? and block <= ? order by block desc, idx desc limit 1'
  return BigInt(String(store.get(sql, time, at ?? newest)?.['supply'] ?? 0))
}

/** Votes of an account at a time, as `getPastVotes`. */
export function votesAt({ store }: QueryContext, account: Value, time: number, at: number | undefined): bigint {
  const sql =
    'select votes from vote_checkpoint where account = ? and at <= ? and block <= ? order by block desc, idx desc limit 1'
  return BigInt(String(store.get(sql, account, time, at ?? newest)?.['votes'] ?? 0))
}

/** Unix seconds of a block; of the newest where none is named. */
export function timeOf({ store }: QueryContext, at: number | undefined): number {
  const row: Row | undefined =
    at === undefined
      ? store.get('select timestamp from block order by number desc limit 1')
      : store.get('select timestamp from block where number = ?', at)
  return Number(row?.['timestamp'] ?? 0)
}

/** Seconds in which what is due can be executed: fixed, so it is read from the chain once. */
export function graceSeconds({ governance }: QueryContext): number {
  return Number(governance()?.timelockGraceSeconds ?? documentedGovernance.timelockGraceSeconds)
}

/** Above every block. */
const newest = Number.MAX_SAFE_INTEGER

function parameterAt({ store }: QueryContext, name: string, time: number, at: number | undefined): bigint | undefined {
  const sql =
    'select value from governor_parameter where name = ? and at <= ? and block <= ? order by block desc, idx desc limit 1'
  const found = store.get(sql, name, time, at ?? newest)
  return found === undefined ? undefined : BigInt(String(found['value']))
}
