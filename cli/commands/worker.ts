import { moneyCommands } from '../money/money-commands.ts'
import { workerTable } from '../money/worker-table.ts'
import { run } from '../worker/run.ts'

const summary =
  'Workers: running one, its stake, and the receipts and batches by which answers are paid. docs/MONEY-GUIDE.md shows how.'

export const command = { summary, actions: { run, ...moneyCommands(summary, workerTable).actions } }
