import { columns, table } from './columns.ts'

/**
 * Tables of DatanetUnits, DatanetVotes and DatanetAccess, kinds as in schema.ts. `unit_change` has what a holder can move after
 * a change, `unit_lot` allotted units before they were claimed; `per_unit` counts in wei/2⁶⁴. Times are Unix seconds.
 */
export const unitsTables = `
create table unit_change (
  block integer not null, idx integer not null, datanet integer not null, holder text not null, time integer not null,
  units text not null, primary key (block, idx, holder)) without rowid;
create index unit_change_holder on unit_change (datanet, holder, block, idx);

create table unit_lot (
  block integer not null, idx integer not null, datanet integer not null, version integer not null, holder text not null,
  units text not null, from_time integer not null, until_time integer not null, tx_hash text not null,
  primary key (block, idx)) without rowid;
create index unit_lot_holder on unit_lot (datanet, holder, block, idx);

create table unit_income (
  block integer not null, idx integer not null, datanet integer not null, epoch integer, time integer not null,
  amount text not null, units text not null, per_unit text not null, tx_hash text not null,
  primary key (block, idx)) without rowid;
create index unit_income_datanet on unit_income (datanet, block, idx);

create table unit_vote (
  block integer not null, idx integer not null, proposal integer not null, voter text not null, support text not null,
  units text not null, tx_hash text not null, primary key (block, idx)) without rowid;
create index unit_vote_proposal on unit_vote (proposal, block, idx);

create table key_delivery (
  block integer not null, idx integer not null, access_grant integer not null, version integer not null,
  wrapped text not null, tx_hash text not null, primary key (block, idx)) without rowid;
create index key_delivery_grant on key_delivery (access_grant, block, idx);
`

export const unitsEventTables = ['unit_change', 'unit_lot', 'unit_income', 'unit_vote', 'key_delivery'] as const

export const unitsStateTables = {
  /** Keyed by `<Datanet>.<version>`. */
  version_units: table(
    'version_units',
    'text',
    columns(['units', 'owner', 'allotment', 'claimed'], ['datanet', 'version', 'issued_at', 'block']),
  ),
  /** Keyed by `<Datanet>.<version>-<holder>`. */
  unit_balance: table('unit_balance', 'text', columns(['holder', 'units'], ['datanet', 'version'])),
  unit_proposal: table(
    'unit_proposal',
    'integer',
    columns(
      ['proposer', 'value', 'quorum', 'votes_for', 'votes_against', 'votes_abstain', 'reason', 'tx_hash'],
      ['datanet', 'parameter', 'snapshot', 'closes_at', 'executed', 'block'],
    ),
  ),
  /** Keyed by `<Datanet>-<purpose>`. */
  access_offer: table(
    'access_offer',
    'text',
    columns(['purpose', 'price'], ['datanet', 'duration', 'stands', 'block']),
  ),
  access_request: table(
    'access_request',
    'integer',
    columns(
      ['requester', 'purpose', 'status', 'price', 'public_key', 'statement', 'tx_hash'],
      ['datanet', 'from_version', 'to_version', 'duration', 'requested_at', 'block'],
    ),
  ),
  access_grant: table(
    'access_grant',
    'integer',
    columns(
      ['grantee', 'purpose', 'price', 'public_key', 'tx_hash'],
      ['datanet', 'request', 'from_version', 'to_version', 'expiry', 'revoked', 'block'],
    ),
  ),
  /** What a Datanet asks of its contributors. */
  datanet_gate: table('datanet_gate', 'integer', columns(['schema', 'attester'], ['least_reputation', 'block'])),
  /** Keyed by `<Datanet>-<who>`. */
  shown_credential: table('shown_credential', 'text', columns(['who', 'uid', 'tx_hash'], ['datanet', 'block'])),
  /** As the chain counts it. Keyed by `<Datanet>-<who>`. */
  counted_reputation: table('counted_reputation', 'text', columns(['who'], ['datanet', 'reputation', 'block'])),
} as const

export const unitsStateIndexes = `
create index version_units_datanet on version_units (datanet, key);
create index unit_balance_datanet on unit_balance (datanet, key);
create index unit_balance_holder on unit_balance (holder, key);
create index unit_proposal_datanet on unit_proposal (datanet, key);
create index access_offer_datanet on access_offer (datanet, key);
create index access_request_datanet on access_request (datanet, key);
create index access_grant_datanet on access_grant (datanet, key);
create index access_grant_grantee on access_grant (grantee, key);
create index shown_credential_datanet on shown_credential (datanet, key);
create index counted_reputation_datanet on counted_reputation (datanet, key);
`
