import { moneyCommands } from '../money/money-commands.ts'
import { workerTable } from '../money/worker-table.ts'

export const command = moneyCommands(
  'Workers: stake, and the receipts and batches by which answers are paid. docs/MONEY-GUIDE.md shows how.',
  workerTable,
)
