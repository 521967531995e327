import { creditedQ64, holding } from '../../handlers/datanet-units.ts'
import { amountIn } from '../../handlers/event.ts'
import { memberClaimable, memberState } from '../../handlers/royalty-pools.ts'
import type { Value } from '../../store/store.ts'
import type { QueryContext } from '../context.ts'
import { eventField, stateField } from '../lists.ts'
import { column, type Entity, origin, stateColumn, stateEntity } from '../rows.ts'

const ofPool = (row: Entity['row']) => ({ pool: row['key'] })

export const Pool = {
  address: column('key'),
  kind: column('kind'),
  datanet: stateColumn('datanet', 'datanet'),
  funded: column('funded'),
  claimed: column('claimed'),
  units: column('units'),
  members: stateField('pool_member', ofPool),
  fundings: eventField('pool_funding', ['block', 'idx'], ofPool),
  payee: ({ row, at }: Entity) => ({ address: row['key'], at }),
}

export const PoolMember = {
  pool: stateColumn('pool', 'pool'),
  member: column('member'),
  units: column('units'),
  claimed: column('claimed'),
  claimable: async ({ row, at }: Entity, _: unknown, context: QueryContext) => {
    const pool = await stateEntity(context, 'pool', row['pool'], at)
    const member = memberState(row)
    if (pool?.row['kind'] !== 'units') return String(memberClaimable(member, amountIn(pool?.row, 'acc_q64')))
    const key = holding(Number(pool.row['datanet']), String(row['member']))
    const read = (keys: readonly Value[]) => creditedQ64(context.store, keys.map(String), at)
    const credited = await context.loaders.load(`credited at ${at}`, key, read)
    return String(((credited ?? 0n) + member.owed) >> 64n)
  },
}

export const PoolFunding = { amount: column('amount'), ...origin }
