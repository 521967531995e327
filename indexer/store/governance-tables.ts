import { columns, table } from './columns.ts'

/** Tables of GOPEN, Governor, timelocks, stakes and gas fees, kinds as in schema.ts. `at`: the block's time, which is GOPEN's clock. */
export const governanceTables = `
create table gov_vote (
  block integer not null, idx integer not null, proposal text not null, voter text not null, support integer not null,
  weight text not null, reason text not null, tx_hash text not null, primary key (block, idx)) without rowid;
create index gov_vote_proposal on gov_vote (proposal, block, idx);
create index gov_vote_voter on gov_vote (voter, block, idx);

create table vote_checkpoint (
  block integer not null, idx integer not null, at integer not null, account text not null, votes text not null,
  tx_hash text not null, primary key (block, idx)) without rowid;
create index vote_checkpoint_account on vote_checkpoint (account, block, idx);

create table gopen_supply (
  block integer not null, idx integer not null, at integer not null, supply text not null,
  primary key (block, idx)) without rowid;

create table governor_parameter (
  block integer not null, idx integer not null, at integer not null, name text not null, value text not null,
  tx_hash text not null, primary key (block, idx)) without rowid;
create index governor_parameter_name on governor_parameter (name, block, idx);

create table stake_event (
  block integer not null, idx integer not null, kind text not null, stake integer, account text not null,
  amount text not null, tx_hash text not null, primary key (block, idx)) without rowid;
create index stake_event_account on stake_event (account, block, idx);
create index stake_event_stake on stake_event (stake, block, idx);

create table fee_disbursement (
  block integer not null, idx integer not null, gross text not null, shares text not null, tx_hash text not null,
  primary key (block, idx)) without rowid;

create table liquidity_move (
  block integer not null, idx integer not null, kind text not null, minter text not null, account text,
  amount text not null, tx_hash text not null, primary key (block, idx)) without rowid;
create index liquidity_move_minter on liquidity_move (minter, block, idx);
`

export const governanceEventTables = [
  'gov_vote',
  'vote_checkpoint',
  'gopen_supply',
  'governor_parameter',
  'stake_event',
  'fee_disbursement',
  'liquidity_move',
] as const

export const governanceStateTables = {
  /** Keyed by account. */
  gopen_account: table('gopen_account', 'text', columns(['balance', 'delegate', 'votes'], [])),
  /** Keyed by the id in decimal. `targets`, `call_values` and `calldatas` are JSON lists. */
  gov_proposal: table(
    'gov_proposal',
    'text',
    columns(
      [
        ...(['proposer', 'targets', 'call_values', 'calldatas', 'description', 'description_hash'] as const),
        ...(['votes_for', 'votes_against', 'votes_abstain', 'operation', 'tx_hash'] as const),
      ],
      ['vote_start', 'vote_end', 'eta', 'canceled', 'executed', 'block'],
    ),
  ),
  /** Keyed by `timelock-id`. `calls`: JSON list of `{to, value, data}`. */
  timelock_operation: table(
    'timelock_operation',
    'text',
    columns(['timelock', 'operation', 'calls', 'predecessor', 'salt', 'status', 'tx_hash'], ['ready_at', 'block']),
  ),
  /** Keyed by `timelock-role-account`. */
  timelock_role: table('timelock_role', 'text', columns(['timelock', 'role', 'account'], ['held', 'block'])),
  stake: table(
    'stake',
    'integer',
    columns(
      ['recipient', 'amount', 'principal', 'rate', 'reserved', 'status', 'paid', 'tx_hash'],
      ['config', 'started_at', 'accrues_until', 'available_at', 'block'],
    ),
  ),
  stake_config: table('stake_config', 'integer', columns(['rate', 'min_stake', 'max_stake'], ['active'])),
  /** One row, `pool`: wei of the StakePool. */
  stake_pool: table('stake_pool', 'text', columns(['free', 'reserved', 'staked', 'owed', 'funded', 'interest'], [])),
  /** One row, `open`: wei that the LiquidityController let out and took back since genesis. */
  liquidity: table('liquidity', 'text', columns(['minted', 'burned'], [])),
}

export const governanceStateIndexes = `
create index gov_proposal_proposer on gov_proposal (proposer, key);
create index gopen_account_delegate on gopen_account (delegate, key);
create index timelock_operation_salt on timelock_operation (salt, tx_hash);
create index stake_recipient on stake (recipient, key);
`
