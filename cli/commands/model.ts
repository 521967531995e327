import { modelTable } from '../money/model-table.ts'
import { moneyCommands } from '../money/money-commands.ts'

export const command = moneyCommands(
  'Models: registering them with what they were made from, versions, prices, evaluations. docs/MONEY-GUIDE.md shows how.',
  modelTable,
)
