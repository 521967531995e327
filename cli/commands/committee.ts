import { committeeTable } from '../money/committee-table.ts'
import { moneyCommands } from '../money/money-commands.ts'

export const command = moneyCommands(
  'Checkers: stake for the committee that judges floats, its cases and votes. docs/COMMITTEE.md tells how it works.',
  committeeTable,
)
