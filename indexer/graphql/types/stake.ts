import { stakeTerms } from '../../../protocol/stake-interest.ts'
import { valueAt } from '../../handlers/stake-pool.ts'
import type { PageArguments } from '../connection.ts'
import type { QueryContext } from '../context.ts'
import { eventField, eventList, stateList } from '../lists.ts'
import { timeOf } from '../proposal-state.ts'
import { column, type Entity, flag, origin, stateColumn, stateEntity } from '../rows.ts'

const logged = ['block', 'idx'] as const
const termOf = (config: unknown) => stakeTerms[Number(config)]
const wei = (value: unknown) => BigInt(String(value ?? 0))

export const Stake = {
  id: column('key'),
  recipient: column('recipient'),
  term: ({ row }: Entity) => termOf(row['config'])?.name ?? null,
  status: column('status'),
  putIn: column('principal'),
  worth: ({ row, at }: Entity, _: unknown, context: QueryContext) => {
    if (row['status'] !== 'live') return row['amount']
    const { amount, rate, started_at: startedAt, accrues_until: accruesUntil } = row
    const state = {
      amount: wei(amount),
      rate: wei(rate),
      startedAt: Number(startedAt),
      accruesUntil: Number(accruesUntil),
    }
    return String(valueAt(state, timeOf(context, at)))
  },
  rate: column('rate'),
  reserved: column('reserved'),
  startedAt: column('started_at'),
  accruesUntil: column('accrues_until'),
  exitFrom: ({ row }: Entity) => Number(row['started_at']) + Number(termOf(row['config'])?.durationSeconds ?? 0),
  availableAt: column('available_at'),
  paid: column('paid'),
  events: eventField('stake_event', logged, (row) => ({ stake: row['key'] })),
  ...origin,
}

export const StakeEvent = {
  kind: column('kind'),
  stake: stateColumn('stake', 'stake'),
  account: column('account'),
  amount: column('amount'),
  ...origin,
}

export const StakeTerm = {
  name: ({ row }: Entity) => termOf(row['key'])?.name ?? null,
  durationSeconds: ({ row }: Entity) => Number(termOf(row['key'])?.durationSeconds ?? 0),
  cooldownSeconds: ({ row }: Entity) => Number(termOf(row['key'])?.cooldownSeconds ?? 0),
  rate: column('rate'),
  minStake: column('min_stake'),
  maxStake: column('max_stake'),
  isActive: flag('active'),
}

type StakePoolNode = { readonly at: number | undefined }

const part =
  (name: string) =>
  async ({ at }: StakePoolNode, _: unknown, context: QueryContext) =>
    (await stateEntity(context, 'stake_pool', 'pool', at))?.row[name] ?? '0'

export const StakePool = {
  freeReserve: part('free'),
  reserved: part('reserved'),
  staked: part('staked'),
  owed: part('owed'),
  funded: part('funded'),
  interest: part('interest'),
  terms: ({ at }: StakePoolNode, page: PageArguments, context: QueryContext) =>
    stateList('stake_config', { at }, page, context),
  events: ({ at }: StakePoolNode, page: PageArguments, context: QueryContext) =>
    eventList('stake_event', logged, { at }, page, context),
}
