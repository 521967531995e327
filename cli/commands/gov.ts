import { govTable } from '../money/gov-table.ts'
import { moneyCommands } from '../money/money-commands.ts'

export const command = moneyCommands(
  'Governance: GOPEN, proposals, votes, timelocks, gas fees, the supply of OPEN. docs/GOVERNANCE.md shows how.',
  govTable,
)
