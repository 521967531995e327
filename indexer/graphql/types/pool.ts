import { memberClaimable, memberState } from '../../handlers/royalty-pools.ts'
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
    return String(memberClaimable(memberState(row), BigInt(String(pool?.row['acc_q64'] ?? 0))))
  },
}

export const PoolFunding = { amount: column('amount'), ...origin }
