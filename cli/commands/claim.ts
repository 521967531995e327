import { claimTable } from '../money/claim-table.ts'
import { moneyCommands } from '../money/money-commands.ts'

export const command = moneyCommands(
  'Payees: claims with proof, pools, and where earnings go. docs/MONEY-GUIDE.md shows how.',
  claimTable,
)
