import { moneyCommands } from '../money/money-commands.ts'
import { stakeTable } from '../money/stake-table.ts'

export const command = moneyCommands(
  'Stakers: locks and flexible stakes, interest from the reserve, the part of the fees. docs/GOVERNANCE.md shows how.',
  stakeTable,
)
