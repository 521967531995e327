import { build } from '../index/build.ts'
import { verify } from '../index/verify.ts'
import { indexTable } from '../money/index-table.ts'
import { moneyCommands } from '../money/money-commands.ts'

const summary =
  'Suffix indexes of Datanet versions, by which answers are attributed: building, publishing with a bond, checking by building again. docs/ATTRIBUTION.md says what they are.'

export const command = {
  summary,
  actions: { build, verify, ...moneyCommands(summary, indexTable).actions },
}
