import { type MemberBody, memberKey } from '../../handlers/staked-members.ts'
import type { StateTableName } from '../../store/schema.ts'
import { type AtBlock, atBlock } from '../at-block.ts'
import type { QueryContext } from '../context.ts'
import { standingCredits } from '../earnings.ts'
import { explain } from '../explain.ts'
import { forecastOf } from '../forecast.ts'
import { type LeaderboardArguments, leaderboard } from '../leaderboards.ts'
import { eventList, type FilterColumns, filtersOf, type ListArguments, stateList } from '../lists.ts'
import { entity, rowAt, stateEntity } from '../rows.ts'
import { type SubjectReportInput, subjectReport } from '../subject-report.ts'
import { governanceRoots } from './governance.ts'
import { type LicenceCheckInput, licenceCheck } from './licence.ts'

type Arguments = ListArguments & AtBlock
type Root<A> = (_: unknown, args: A, context: QueryContext) => unknown

const events =
  (table: string, key: readonly string[], columns: FilterColumns = {}): Root<Arguments> =>
  (_, { where, block, ...page }, context) =>
    eventList(table, key, { where: filtersOf(where, columns), at: atBlock({ block }, context) }, page, context)

const states =
  (table: StateTableName, columns: FilterColumns = {}): Root<Arguments> =>
  (_, { where, block, ...page }, context) =>
    stateList(table, { where: filtersOf(where, columns), at: atBlock({ block }, context) }, page, context)

/** One row of a state table by the argument that is its key. */
const state =
  <Name extends string>(table: StateTableName, name: Name, isNumber = false): Root<AtBlock & Record<Name, string>> =>
  (_, args, context) => {
    const key = args[name]
    return stateEntity(context, table, isNumber ? Number(key) : key, atBlock(args, context))
  }

/** Members of one StakedMembers contract, and one of them by address. */
const membersOf = (body: MemberBody) => ({
  one: (_: unknown, args: AtBlock & { readonly address: string }, context: QueryContext) =>
    stateEntity(context, 'staked_member', memberKey(body, args.address), atBlock(args, context)),
  all: (_: unknown, { block, ...page }: Arguments, context: QueryContext) =>
    stateList('staked_member', { of: { body }, at: atBlock({ block }, context) }, page, context),
})
const [validators, committeeMembers] = [membersOf('reviews'), membersOf('committee')]

const logged = ['block', 'idx'] as const

/** The roots of money. */
export const moneyQuery = {
  subjectReport: (_: unknown, input: SubjectReportInput, context: QueryContext) => subjectReport(input, context),
  licence: state('licence', 'id'),
  licences: states('licence', { definedBy: 'defined_by' }),
  licenceCheck: (_: unknown, input: LicenceCheckInput, context: QueryContext) => licenceCheck(input, context),
  ...governanceRoots,
  governanceProposal: state('gov_proposal', 'id'),
  governanceProposals: states('gov_proposal', { proposer: 'proposer' }),
  governanceVotes: events('gov_vote', logged, { proposal: 'proposal', voter: 'voter' }),
  gopenHolders: states('gopen_account', { delegate: 'delegate' }),
  timelockOperations: states('timelock_operation', { timelock: 'timelock', status: 'status' }),
  stake: state('stake', 'id', true),
  stakes: states('stake', { recipient: 'recipient', status: 'status' }),
  feeDisbursements: events('fee_disbursement', logged),
  model: state('model', 'id', true),
  models: states('model', { owner: 'owner' }),
  worker: state('worker', 'address'),
  workers: (_: unknown, { where, block, ...page }: Arguments, context: QueryContext) => {
    const jailed = where?.['jailed']
    const filter = { ...where, ...(jailed === undefined || jailed === null ? {} : { jailed: Number(jailed) }) }
    const selection = { where: filtersOf(filter, { jailed: 'jailed' }), at: atBlock({ block }, context) }
    return stateList('worker', selection, page, context)
  },
  slashes: events('slash', logged, { worker: 'worker' }),
  unitBalances: states('unit_balance', { datanet: 'datanet', holder: 'holder' }),
  unitProposal: state('unit_proposal', 'id', true),
  unitProposals: states('unit_proposal', { datanet: 'datanet', proposer: 'proposer' }),
  accessRequest: state('access_request', 'id', true),
  accessRequests: states('access_request', { datanet: 'datanet', requester: 'requester', status: 'status' }),
  accessGrant: state('access_grant', 'id', true),
  accessGrants: states('access_grant', { datanet: 'datanet', grantee: 'grantee', purpose: 'purpose' }),
  channel: state('channel', 'id'),
  channels: states('channel', { payer: 'payer', worker: 'worker' }),
  request: state('request', 'id'),
  requests: states('request', { payer: 'payer', model: 'model', status: 'status' }),
  batch: state('receipt_batch', 'id', true),
  batches: states('receipt_batch', { worker: 'worker', status: 'status' }),
  receipt: async (
    _: unknown,
    { batch, index, block }: AtBlock & { readonly batch: string; readonly index: number },
    context: QueryContext,
  ) => {
    const at = atBlock({ block }, context)
    const parent = await stateEntity(context, 'receipt_batch', Number(batch), at)
    const row = await rowAt(context, 'receipt', ['batch', 'idx'], [Number(batch), index])
    return parent === null ? null : entity(row, at)
  },
  receipts: events('receipt', ['batch', 'idx'], {
    batch: 'batch',
    payer: 'payer',
    model: 'model',
    requestId: 'request_id',
  }),
  disputes: events('dispute', logged, { kind: 'kind', batch: 'batch', epochNumber: 'epoch', worker: 'worker' }),
  reward: state('reward', 'subject'),
  rewards: states('reward', { holder: 'holder', status: 'status' }),
  evidence: state('evidence', 'commitment'),
  textIndex: state('text_index', 'id'),
  textIndexes: states('text_index', { datanet: 'datanet', publisher: 'publisher' }),
  evidenceDemand: state('evidence_demand', 'id'),
  evidenceDemands: states('evidence_demand', { requester: 'requester', status: 'status' }),
  traceDemand: state('trace_demand', 'id'),
  traceDemands: states('trace_demand', { batch: 'batch', requester: 'requester', status: 'status' }),
  validator: validators.one,
  validators: validators.all,
  reviewRound: state('review_round', 'id', true),
  reviewRounds: states('review_round', { contribution: 'contribution', status: 'status' }),
  reviewVotes: states('review_vote', { round: 'round', validator: 'validator' }),
  itemDispute: state('item_dispute', 'id', true),
  itemDisputes: states('item_dispute', {
    contribution: 'contribution',
    challenger: 'challenger',
    ground: 'ground',
    status: 'status',
  }),
  sharedLabels: states('shared_label', { contribution: 'contribution', author: 'author' }),
  signatureProofs: states('signature_proof', { kind: 'kind', challenger: 'challenger' }),
  signatureDemands: states('signature_demand', { asker: 'asker', status: 'status' }),
  shownSignature: state('shown_signature', 'contribution', true),
  shownSignatures: states('shown_signature', { shownBy: 'shown_by' }),
  sketchTables: states('sketch_table', { model: 'model', owner: 'owner' }),
  committeeMember: committeeMembers.one,
  committeeMembers: committeeMembers.all,
  committeeCase: state('committee_case', 'id'),
  committeeCases: states('committee_case', {
    batch: 'batch',
    worker: 'worker',
    challenger: 'challenger',
    status: 'status',
  }),
  committeeSeats: states('committee_seat', { case: 'case_id', member: 'member' }),
  fingerprintDemand: state('fingerprint_demand', 'id'),
  fingerprintDemands: states('fingerprint_demand', { batch: 'batch', requester: 'requester', status: 'status' }),
  demand: state('demand', 'id'),
  demands: states('demand', { requester: 'requester', batch: 'batch', epochNumber: 'epoch', status: 'status' }),
  epoch: (_: unknown, { number, block }: AtBlock & { readonly number: string }, context: QueryContext) => {
    const at = atBlock({ block }, context)
    const until = at ?? Number.MAX_SAFE_INTEGER
    const sql = `select key from epoch where number = cast(? as integer) and block <= ?
      and (gone_block is null or gone_block > ?) order by key desc limit 1`
    return stateEntity(context, 'epoch', context.store.get(sql, number, until, until)?.['key'], at)
  },
  epochs: states('epoch', { number: 'number', status: 'status' }),
  settlements: events('settlement', logged),
  payee: (_: unknown, { address, block }: AtBlock & { readonly address: string }, context: QueryContext) => ({
    address,
    at: atBlock({ block }, context),
  }),
  payees: (_: unknown, { block, ...page }: Arguments, context: QueryContext) => {
    const at = atBlock({ block }, context)
    return eventList('earner', ['payee'], { at }, page, context, (row) => ({ address: row['payee'], at }))
  },
  credits: (_: unknown, { where, block, ...page }: Arguments, context: QueryContext) => {
    const at = atBlock({ block }, context)
    const filters = filtersOf(where, { payee: 'payee', epoch: 'proposal' })
    const standing = where?.['epoch'] === undefined ? standingCredits(at) : []
    return eventList('credit', ['proposal', 'idx'], { where: [...filters, ...standing], at }, page, context)
  },
  explain: (_: unknown, { payout, block }: AtBlock & { readonly payout: string }, context: QueryContext) =>
    explain(payout, atBlock({ block }, context), context),
  forecast: (
    _: unknown,
    { payee, epochs, block }: AtBlock & { readonly payee: string; readonly epochs: number },
    context: QueryContext,
  ) => forecastOf(context, payee, epochs, atBlock({ block }, context)),
  claims: events('claim', logged, { payee: 'payee', pool: 'pool', kind: 'kind' }),
  pool: state('pool', 'address'),
  pools: states('pool', { kind: 'kind', datanet: 'datanet' }),
  shares: events('shares', ['version']),
  attributor: async (_: unknown, args: AtBlock, context: QueryContext) =>
    (await stateEntity(context, 'setting', 'attributor', atBlock(args, context)))?.row['value'] ?? null,
  attributionRules: events('algo', ['hash']),
  declarations: events('declaration', logged, { sender: 'sender' }),
  heartbeats: events('heartbeat', logged),
  burns: events('burn', logged, { from: 'account' }),
  agent: state('agent', 'id', true),
  agents: states('agent', { owner: 'owner' }),
  agentSession: state('agent_session', 'key'),
  trail: state('trail', 'id'),
  trails: states('trail', { agent: 'agent' }),
  agentSlashes: events('agent_slash', logged, { agent: 'agent' }),
  agentValidation: state('agent_validation', 'requestHash'),
  grant: state('grant', 'id', true),
  grants: states('grant', { funder: 'funder', grantee: 'grantee' }),
  milestones: states('milestone', { grant: 'grant_id', attester: 'attester', status: 'status' }),
  leaderboard: (_: unknown, args: LeaderboardArguments, context: QueryContext) => leaderboard(args, context),
}
