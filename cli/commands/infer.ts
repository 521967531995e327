import { inferTable } from '../money/infer-table.ts'
import { moneyCommands } from '../money/money-commands.ts'
import { proxy } from '../proxy/command.ts'

const summary =
  'Payers: an endpoint that pays for answers, deposits, requests, vouchers, refunds; and what anyone may do for batches. docs/MONEY-GUIDE.md shows how.'

export const command = { summary, actions: { proxy, ...moneyCommands(summary, inferTable).actions } }
