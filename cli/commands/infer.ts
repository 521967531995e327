import { inferTable } from '../money/infer-table.ts'
import { moneyCommands } from '../money/money-commands.ts'

export const command = moneyCommands(
  'Payers: deposits, requests, vouchers, refunds; and what anyone may do for batches. docs/MONEY-GUIDE.md shows how.',
  inferTable,
)
