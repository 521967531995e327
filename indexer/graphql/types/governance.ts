import { documentedGovernance, governanceDrift } from '../../../protocol/governance-parameters.ts'
import type { Row } from '../../store/store.ts'
import { type AtBlock, atBlock } from '../at-block.ts'
import type { PageArguments } from '../connection.ts'
import type { QueryContext } from '../context.ts'
import { eventField, eventList, stateList } from '../lists.ts'
import { graceSeconds, proposalState, quorumOf, supplyAt, timeOf, votesAt } from '../proposal-state.ts'
import { column, type Entity, flag, origin, stateColumn, stateEntity } from '../rows.ts'

const logged = ['block', 'idx'] as const
const list =
  (name: string) =>
  ({ row }: Entity) =>
    JSON.parse(String(row[name])) as unknown

export const GovernanceProposal = {
  id: column('key'),
  proposer: column('proposer'),
  description: column('description'),
  calls: ({ row }: Entity) => {
    const of = (name: string) => JSON.parse(String(row[name])) as string[]
    const [values, calldatas] = [of('call_values'), of('calldatas')]
    return of('targets').map((to, i) => ({ to, value: values[i], data: calldatas[i] }))
  },
  state: (proposal: Entity, _: unknown, context: QueryContext) => proposalState(proposal, context),
  voteStart: column('vote_start'),
  voteEnd: column('vote_end'),
  for: column('votes_for'),
  against: column('votes_against'),
  abstain: column('votes_abstain'),
  quorum: ({ row, at }: Entity, _: unknown, context: QueryContext) => {
    const start = Number(row['vote_start'])
    // Until the vote begins it moves with all GOPEN.
    return timeOf(context, at) > start ? String(quorumOf(context, start, at)) : null
  },
  executableFrom: column('eta'),
  expiresAfter: ({ row }: Entity, _: unknown, context: QueryContext) =>
    row['eta'] === null ? null : Number(row['eta']) + graceSeconds(context),
  operation: stateColumn('timelock_operation', 'operation'),
  votes: eventField('gov_vote', logged, (row) => ({ proposal: row['key'] }), { voter: 'voter' }),
  ...origin,
}

const supports = ['against', 'for', 'abstain'] as const

export const GovernanceVote = {
  proposal: stateColumn('gov_proposal', 'proposal'),
  voter: column('voter'),
  support: ({ row }: Entity) => supports[Number(row['support'])] ?? 'abstain',
  weight: column('weight'),
  reason: column('reason'),
  ...origin,
}

export const TimelockOperation = {
  id: column('operation'),
  timelock: column('timelock'),
  calls: list('calls'),
  predecessor: column('predecessor'),
  status: column('status'),
  readyAt: column('ready_at'),
  ...origin,
}

export const TimelockRole = {
  timelock: column('timelock'),
  role: column('role'),
  account: column('account'),
  held: flag('held'),
}

/** What GOPEN and the Governor have of an account; every account is a voter. */
type VoterNode = { readonly address: string; readonly at: number | undefined }

export const Voter = {
  balance: async ({ address, at }: VoterNode, _: unknown, context: QueryContext) =>
    (await voterRow(address, at, context))?.['balance'] ?? '0',
  delegate: async ({ address, at }: VoterNode, _: unknown, context: QueryContext) =>
    (await voterRow(address, at, context))?.['delegate'] ?? null,
  votes: async ({ address, at }: VoterNode, _: unknown, context: QueryContext) =>
    (await voterRow(address, at, context))?.['votes'] ?? '0',
  pastVotes: ({ address, at }: VoterNode, { time }: { readonly time: number }, context: QueryContext) =>
    String(votesAt(context, address, time, at)),
  delegators: ({ address, at }: VoterNode, page: PageArguments, context: QueryContext) =>
    stateList('gopen_account', { of: { delegate: address }, at }, page, context),
  history: ({ address, at }: VoterNode, page: PageArguments, context: QueryContext) =>
    eventList('vote_checkpoint', logged, { of: { account: address }, at }, page, context),
  ballots: ({ address, at }: VoterNode, page: PageArguments, context: QueryContext) =>
    eventList('gov_vote', logged, { of: { voter: address }, at }, page, context),
}

async function voterRow(address: string, at: number | undefined, context: QueryContext): Promise<Row | undefined> {
  return (await stateEntity(context, 'gopen_account', address, at))?.row
}

export const GopenHolder = {
  address: column('key'),
  balance: column('balance'),
  delegate: column('delegate'),
  votes: column('votes'),
}

export const VoteCheckpoint = { time: column('at'), votes: column('votes'), ...origin }

type GovernanceNode = { readonly at: number | undefined }

export const Governance = {
  parameters: (_: GovernanceNode, __: unknown, { governance }: QueryContext) => {
    const actual = governance()
    if (actual === undefined) return []
    const names = Object.keys(documentedGovernance) as (keyof typeof documentedGovernance)[]
    return names.map((name) => ({
      name,
      value: String(actual[name]),
      documented: String(documentedGovernance[name]),
      isDocumented: actual[name] === documentedGovernance[name],
    }))
  },
  hasDrift: (_: GovernanceNode, __: unknown, { governance }: QueryContext) => {
    const actual = governance()
    return actual === undefined ? null : governanceDrift(actual).length > 0
  },
  gopenSupply: ({ at }: GovernanceNode, __: unknown, context: QueryContext) =>
    String(supplyAt(context, timeOf(context, at), at)),
  pastSupply: ({ at }: GovernanceNode, { time }: { readonly time: number }, context: QueryContext) =>
    String(supplyAt(context, time, at)),
  roles: ({ at }: GovernanceNode, page: PageArguments, context: QueryContext) =>
    stateList('timelock_role', { at }, page, context),
  changes: ({ at }: GovernanceNode, page: PageArguments, context: QueryContext) =>
    eventList('governor_parameter', logged, { at }, page, context),
}

export const GovernorChange = { name: column('name'), value: column('value'), ...origin }

export const FeeDisbursement = { grossRevenue: column('gross'), shares: list('shares'), ...origin }

export const LiquidityMove = {
  kind: column('kind'),
  minter: column('minter'),
  to: column('account'),
  amount: column('amount'),
  ...origin,
}

/** OPEN that left the liquidity and came back since genesis, and what was burned of it for good. */
export const OpenSupply = {
  minted: async ({ at }: GovernanceNode, _: unknown, context: QueryContext) => (await liquidity(at, context)).minted,
  burned: async ({ at }: GovernanceNode, _: unknown, context: QueryContext) => (await liquidity(at, context)).burned,
  net: async ({ at }: GovernanceNode, _: unknown, context: QueryContext) => {
    const { minted, burned } = await liquidity(at, context)
    return String(BigInt(minted) - BigInt(burned))
  },
  burnedForGood: ({ at }: GovernanceNode, _: unknown, { store }: QueryContext) => {
    const rows = store.all('select amount from burn where block <= ?', at ?? Number.MAX_SAFE_INTEGER)
    return String(rows.reduce((sum, { amount }) => sum + BigInt(String(amount)), 0n))
  },
  moves: ({ at }: GovernanceNode, page: PageArguments, context: QueryContext) =>
    eventList('liquidity_move', logged, { at }, page, context),
}

async function liquidity(at: number | undefined, context: QueryContext) {
  const row = (await stateEntity(context, 'liquidity', 'open', at))?.row
  return { minted: String(row?.['minted'] ?? 0), burned: String(row?.['burned'] ?? 0) }
}

/** Roots that are answered as of a block and name nothing else. */
export const governanceRoots = {
  governance: (_: unknown, args: AtBlock, context: QueryContext) => ({ at: atBlock(args, context) }),
  openSupply: (_: unknown, args: AtBlock, context: QueryContext) => ({ at: atBlock(args, context) }),
  voter: (_: unknown, { address, block }: AtBlock & { readonly address: string }, context: QueryContext) => ({
    address,
    at: atBlock({ block }, context),
  }),
  timelockOperation: (
    _: unknown,
    { timelock, id, block }: AtBlock & { readonly timelock: string; readonly id: string },
    context: QueryContext,
  ) => stateEntity(context, 'timelock_operation', `${timelock}-${id}`, atBlock({ block }, context)),
  stakePool: (_: unknown, args: AtBlock, context: QueryContext) => ({ at: atBlock(args, context) }),
}
