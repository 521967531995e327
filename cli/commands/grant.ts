import { grantTable } from '../money/grant-table.ts'
import { moneyCommands } from '../money/money-commands.ts'

export const command = moneyCommands(
  'Grants: OPEN in escrow, paid by milestone on attestations. docs/GRANTS.md shows how.',
  grantTable,
)
