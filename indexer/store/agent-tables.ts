import { columns, table } from './columns.ts'

/** Tables of agents and grants, kinds as in schema.ts. */
export const agentTables = `
create table agent_payment (
  block integer not null, idx integer not null, agent integer not null, session text not null, kind text not null,
  payee text, ref text, model integer, amount text not null, tx_hash text not null, primary key (block, idx)) without rowid;
create index agent_payment_agent on agent_payment (agent, block, idx);

create table agent_slash (
  block integer not null, idx integer not null, agent integer not null, fault text not null, amount text not null,
  burned text not null, tx_hash text not null, primary key (block, idx)) without rowid;
create index agent_slash_agent on agent_slash (agent, block, idx);

create table feedback_response (
  block integer not null, idx integer not null, agent integer not null, client text not null, feedback integer not null,
  responder text not null, uri text not null, hash text not null, tx_hash text not null,
  primary key (block, idx)) without rowid;
create index feedback_response_agent on feedback_response (agent, client, feedback, block, idx);
`

export const agentEventTables = ['agent_payment', 'agent_slash', 'feedback_response'] as const

export const agentStateTables = {
  /** `promised`: wei that its keys promised so far. */
  agent: table(
    'agent',
    'integer',
    columns(
      [
        'owner',
        'uri',
        'wallet',
        'purse',
        'stake',
        'unbonding',
        'slashed',
        'funded',
        'withdrawn',
        'promised',
        'tx_hash',
      ],
      ['unbonds_at', 'feedbacks', 'block'],
    ),
  ),
  /** Keyed by `agent-name`. */
  agent_metadata: table('agent_metadata', 'text', columns(['name', 'value'], ['agent'])),
  /** Keyed by the key's address. Lists are JSON. */
  agent_session: table(
    'agent_session',
    'text',
    columns(
      ['per_request', 'per_day', 'models', 'payees', 'spent', 'spent_today', 'tx_hash'],
      ['agent', 'until', 'revoked', 'day', 'block'],
    ),
  ),
  /** Keyed by `agent-client-index`. */
  agent_feedback: table(
    'agent_feedback',
    'text',
    columns(
      ['client', 'value', 'tag1', 'tag2', 'endpoint', 'uri', 'hash', 'tx_hash'],
      ['agent', 'idx', 'decimals', 'revoked', 'authorised', 'responses', 'block'],
    ),
  ),
  /** Keyed by `agent-client`. */
  agent_client: table('agent_client', 'text', columns(['client'], ['agent', 'index_limit', 'expiry'])),
  /** Keyed by the request's hash. */
  agent_validation: table(
    'agent_validation',
    'text',
    columns(
      ['validator', 'uri', 'response_uri', 'response_hash', 'tag', 'tx_hash'],
      ['agent', 'response', 'answered_block', 'block'],
    ),
  ),
  /** Keyed by `agent-trail`. `forged`: legs found to be. */
  trail: table(
    'trail',
    'text',
    columns(
      ['trail_id', 'root', 'paid', 'anchored_by', 'tx_hash'],
      ['agent', 'spans', 'anchored_at', 'forged', 'block'],
    ),
  ),
  /** Legs that were challenged or shown to be forged, keyed by `agent-trail-index`. */
  trail_leg: table(
    'trail_leg',
    'text',
    columns(
      ['trail', 'ref', 'fee', 'challenger', 'status', 'tx_hash'],
      ['agent', 'idx', 'due_at', 'batch', 'receipt', 'block'],
    ),
  ),
  /** Where a payer's channels give their money back, keyed by payer. */
  payer_home: table('payer_home', 'text', columns(['home'], [])),
  /** wei owed by AgentTrails, keyed by account. */
  trail_owed: table('trail_owed', 'text', columns(['owed'], [])),
  /** `open`: wei of its open milestones. */
  grant: table(
    'grant',
    'integer',
    columns(
      ['funder', 'grantee', 'uri', 'uri_hash', 'open', 'held', 'paid', 'returned', 'tx_hash'],
      ['milestones', 'block'],
    ),
  ),
  /** Keyed by `grant-number`. */
  milestone: table(
    'milestone',
    'text',
    columns(
      ['amount', 'eas_schema', 'attester', 'status', 'attestation', 'closed_by', 'tx_hash'],
      ['grant_id', 'idx', 'deadline', 'block'],
    ),
  ),
  /** wei owed by Grants, keyed by account. */
  grant_owed: table('grant_owed', 'text', columns(['owed'], [])),
} as const

export const agentStateIndexes = `
create index agent_owner on agent (owner, key);
create index agent_metadata_agent on agent_metadata (agent, key);
create index agent_session_agent on agent_session (agent, key);
create index agent_feedback_agent on agent_feedback (agent, key);
create index agent_validation_agent on agent_validation (agent, key);
create index agent_validation_validator on agent_validation (validator, key);
create index trail_agent on trail (agent, key);
create index trail_leg_trail on trail_leg (trail, key);
create index grant_funder on grant (funder, key);
create index grant_grantee on grant (grantee, key);
create index milestone_grant on milestone (grant_id, key);
create index milestone_attester on milestone (attester, key);
`
