import type { Action, Query } from './action.ts'
import { agentIdentityTable } from './agent-identity-table.ts'
import { appEarnings, leaderboard, showAgent, showKey } from './agent-queries.ts'
import { agentSpendingTable } from './agent-spending-table.ts'
import { agentTrailTable } from './agent-trail-table.ts'

/** `openledger agent`: AgentRegistry, AgentReviews, AgentSpending and AgentTrails. docs/AGENTS.md. */
export const agentTable: Readonly<Record<string, Action | Query>> = {
  ...agentIdentityTable,
  ...agentSpendingTable,
  ...agentTrailTable,
  show: showAgent,
  'show-key': showKey,
  leaderboard,
  'app-earnings': appEarnings,
}
