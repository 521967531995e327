import { UsageError } from '../../common/errors.ts'
import type { FlagTable } from '../../common/flags.ts'
import type { Command, CommandContext, CommandGroup } from '../command.ts'
import { type Action, type ArgTable, argFlags, type Query } from './action.ts'
import { actionFlags, paperFlags, queryFlags } from './money-flags.ts'

/** The commands of tables of actions and queries. What runs them is loaded when one runs: it brings the ABI coder. */
export function moneyCommands(summary: string, table: Readonly<Record<string, Action | Query>>): CommandGroup {
  const actions = Object.entries(table).map(([name, row]): [string, Command] => [name, commandOf(row)])
  return { summary, actions: Object.fromEntries(actions) }
}

function commandOf(row: Action | Query): Command {
  const base = { summary: row.summary, positionals: '', positionalsMax: 0, flags: argFlags(row.args) }
  if ('read' in row) {
    const shared: FlagTable = row.makesFile ? paperFlags : queryFlags
    return {
      ...base,
      shared,
      run: async (context) => (await import('./run-query.ts')).runQuery(row, checked(row.args, context)),
    }
  }
  return {
    ...base,
    shared: actionFlags,
    run: async (context) => (await import('./run-action.ts')).runAction(row, checked(row.args, context)),
  }
}

/** Throws {@link UsageError} where an argument is missing. */
function checked(args: ArgTable, context: CommandContext): CommandContext {
  for (const [name, { optional }] of Object.entries(args)) {
    if (optional !== true && context.flags[name] === undefined) throw new UsageError(`--${name} is required`)
  }
  return context
}
