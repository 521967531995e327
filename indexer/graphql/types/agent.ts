import type { Row } from '../../store/store.ts'
import type { QueryContext } from '../context.ts'
import { eventField, stateField } from '../lists.ts'
import { column, type Entity, entity, flag, origin, rowAt, stateColumn } from '../rows.ts'

const ofAgent = (row: Row) => ({ agent: row['key'] })
const logged = ['block', 'idx'] as const
const list = (name: string) => (node: Entity) => JSON.parse(String(node.row[name])) as readonly string[]

export const Agent = {
  id: column('key'),
  owner: column('owner'),
  uri: column('uri'),
  wallet: column('wallet'),
  purse: column('purse'),
  stake: column('stake'),
  unbonding: column('unbonding'),
  unbondsAt: column('unbonds_at'),
  slashed: column('slashed'),
  funded: column('funded'),
  withdrawn: column('withdrawn'),
  promised: column('promised'),
  feedbackCount: column('feedbacks'),
  metadata: stateField('agent_metadata', ofAgent),
  sessions: stateField('agent_session', ofAgent),
  payments: eventField('agent_payment', logged, ofAgent),
  feedback: stateField('agent_feedback', ofAgent),
  validations: stateField('agent_validation', ofAgent),
  trails: stateField('trail', ofAgent),
  slashes: eventField('agent_slash', logged, ofAgent),
  registeredAtBlock: column('block'),
  transaction: origin.transaction,
}

export const AgentMetadata = { name: column('name'), value: column('value') }

export const AgentSession = {
  key: column('key'),
  agent: stateColumn('agent', 'agent'),
  perRequest: column('per_request'),
  perDay: column('per_day'),
  until: column('until'),
  models: list('models'),
  payees: list('payees'),
  revoked: flag('revoked'),
  spent: column('spent'),
  spentThatDay: column('spent_today'),
  day: column('day'),
  ...origin,
}

export const AgentPayment = {
  agent: stateColumn('agent', 'agent'),
  session: stateColumn('agent_session', 'session'),
  kind: column('kind'),
  payee: column('payee'),
  ref: column('ref'),
  model: stateColumn('model', 'model'),
  amount: column('amount'),
  ...origin,
}

export const AgentFeedback = {
  agent: stateColumn('agent', 'agent'),
  client: column('client'),
  index: column('idx'),
  value: column('value'),
  decimals: column('decimals'),
  tag1: column('tag1'),
  tag2: column('tag2'),
  endpoint: column('endpoint'),
  uri: column('uri'),
  hash: column('hash'),
  revoked: flag('revoked'),
  authorised: flag('authorised'),
  responses: eventField('feedback_response', logged, (row) => ({
    agent: row['agent'],
    client: row['client'],
    feedback: row['idx'],
  })),
  ...origin,
}

export const FeedbackResponse = {
  responder: column('responder'),
  uri: column('uri'),
  hash: column('hash'),
  ...origin,
}

export const AgentValidation = {
  requestHash: column('key'),
  agent: stateColumn('agent', 'agent'),
  validator: column('validator'),
  uri: column('uri'),
  response: column('response'),
  responseUri: column('response_uri'),
  responseHash: column('response_hash'),
  tag: column('tag'),
  answeredAtBlock: column('answered_block'),
  ...origin,
}

export const Trail = {
  id: column('key'),
  agent: stateColumn('agent', 'agent'),
  trailId: column('trail_id'),
  root: column('root'),
  spans: column('spans'),
  paid: column('paid'),
  anchoredBy: column('anchored_by'),
  anchoredAt: column('anchored_at'),
  forged: column('forged'),
  legs: stateField('trail_leg', (row) => ({ trail: row['key'] })),
  ...origin,
}

export const TrailLeg = {
  index: column('idx'),
  ref: column('ref'),
  fee: column('fee'),
  challenger: column('challenger'),
  dueAt: column('due_at'),
  status: column('status'),
  receipt: async ({ row, at }: Entity, _: unknown, context: QueryContext) =>
    row['batch'] === null
      ? null
      : entity(await rowAt(context, 'receipt', ['batch', 'idx'], [row['batch'], row['receipt']]), at),
  blockNumber: column('block'),
}

export const AgentSlash = {
  agent: stateColumn('agent', 'agent'),
  fault: column('fault'),
  amount: column('amount'),
  burned: column('burned'),
  ...origin,
}
