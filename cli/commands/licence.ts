import { licenceTable } from '../money/licence-table.ts'
import { moneyCommands } from '../money/money-commands.ts'

export const command = moneyCommands(
  'Licences: what they ask for, what may be made of works under them, and new ones by explicit terms. docs/LICENCES.md says how they clash.',
  licenceTable,
)
