import { columns, table } from './columns.ts'

/** State table of the members of every StakedMembers contract. Weights in whole OPEN, times in Unix seconds. */
export const memberStateTables = {
  /** Keyed by `<body>-<member>`. `claimed`: wei fetched of what was owed; `paid`: wei earned by rounds of review. */
  staked_member: table(
    'staked_member',
    'text',
    columns(
      ['body', 'member', 'stake', 'unbonding', 'slashed', 'claimed', 'paid'],
      ['unbonds_at', 'jailed_until', 'jailed', 'weight', 'slot', 'block'],
    ),
  ),
} as const

export const memberStateIndexes = `
create index staked_member_body on staked_member (body, key);
`
