import { record } from '../agent/record.ts'
import { agentTable } from '../money/agent-table.ts'
import { moneyCommands } from '../money/money-commands.ts'

const summary =
  'Agents: who they are, their stake, what their keys may spend, what they did; leaderboards. docs/AGENTS.md shows how.'

export const command = { summary, actions: { record, ...moneyCommands(summary, agentTable).actions } }
