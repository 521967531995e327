import { agentEventTables, agentStateIndexes, agentStateTables, agentTables } from './agent-tables.ts'
import { committeeStateIndexes, committeeStateTables } from './committee-tables.ts'
import { datanetEventTableSql, datanetEventTables, datanetStateIndexes, datanetStateTables } from './datanet-tables.ts'
import {
  governanceEventTables,
  governanceStateIndexes,
  governanceStateTables,
  governanceTables,
} from './governance-tables.ts'
import { licenceStateTables } from './licence-tables.ts'
import { memberStateIndexes, memberStateTables } from './member-tables.ts'
import { moneyEventTables, moneyStateIndexes, moneyStateTables, moneyTables } from './money-tables.ts'
import { reviewStateIndexes, reviewStateTables } from './review-tables.ts'
import { shownStateIndexes, shownStateTables } from './shown-tables.ts'
import { unitsEventTables, unitsStateIndexes, unitsStateTables, unitsTables } from './units-tables.ts'

/** Raised whenever the tables change: a database of another version is rebuilt from the node, never guessed at. */
export const schemaVersion = 10

/**
 * Three kinds of tables. Event tables are append-only and keyed by block: the past is `block <= N`, a rollback deletes a
 * range. State tables have the current row and, in `…_h`, every row a block left behind: the last one at or below N is
 * the state at N and the undo record at once. Content tables say what was found of that which the chain names by hash;
 * their rows leave with the first block that named it.
 */
export const tables = `
create table meta (key text primary key, value text not null) without rowid;

create table block (
  number integer primary key, hash text not null unique, parent_hash text not null, timestamp integer not null,
  gas_used text not null, gas_limit text not null, base_fee text not null, transaction_count integer not null,
  state_root text not null, digest text not null);

create table tx (
  block integer not null, idx integer not null, hash text not null, sender text not null, recipient text,
  type integer not null, nonce text not null, value text not null, input blob not null, status integer not null,
  gas_used text not null, gas_price text not null, l1_fee text, contract text,
  primary key (block, idx)) without rowid;
create unique index tx_hash on tx (hash);
create index tx_sender on tx (sender, block, idx);
create index tx_recipient on tx (recipient, block, idx);

create table log (
  block integer not null, idx integer not null, tx integer not null, address text not null,
  topic0 text, topic1 text, topic2 text, topic3 text, data blob not null,
  primary key (block, idx)) without rowid;
create index log_address on log (address, topic0, block, idx);
create index log_topic0 on log (topic0, block, idx);

create table label (
  id integer primary key, block integer not null, tx integer not null, path text not null, tx_hash text not null,
  sender text not null, code text, kind text, model_id text, datanet_id text, datanet_version integer, request_id text,
  root text, parent_tx text, weights text, malformed text, status text not null);
create index label_block on label (block, tx);
create index label_tx on label (tx_hash);
create index label_sender on label (sender, id);
create index label_code on label (code, id);
create index label_datanet on label (datanet_id, id);
create index label_root on label (root, id);

create table contribution (
  id integer primary key, datanet integer not null, author text not null, content_hash text not null,
  sim_hash text not null, consent integer not null, bond text not null, size integer not null, meta_hash text not null,
  batch integer, block integer not null, tx_hash text not null);
create index contribution_author on contribution (author, id);
create index contribution_datanet on contribution (datanet, id);
create index contribution_content on contribution (content_hash);
create index contribution_block on contribution (block);

create table batch (
  first_id integer primary key, datanet integer not null, author text not null, count integer not null,
  root text not null, bond text not null, size integer not null, meta_hash text not null, block integer not null,
  tx_hash text not null);
create index batch_block on batch (block);
create index batch_root on batch (root);

create table version (
  datanet integer not null, version integer not null, items_root text not null, token_root text not null,
  suffix_root text not null, token_count text not null, croissant_hash text not null, statement_hash text not null,
  block integer not null, tx_hash text not null, primary key (datanet, version)) without rowid;
create index version_block on version (block);

create table contributor (
  author text not null, datanet integer not null, block integer not null, primary key (author, datanet)) without rowid;
create index contributor_block on contributor (block);

create table manifest (first_id integer primary key, root text not null, block integer not null, state text not null);
create index manifest_block on manifest (block);
create index manifest_state on manifest (state, first_id);
create table content (
  hash text primary key, block integer not null, state text not null, size integer, preview text) without rowid;
create index content_block on content (block);
create index content_state on content (state, hash);

create table touch (block integer not null, name text not null, key text not null, primary key (block, name, key)) without rowid;
${datanetEventTableSql}${moneyTables}${agentTables}${governanceTables}${unitsTables}`

/** A state table: its key column and its other columns. */
export type StateTableShape = {
  readonly name: string
  readonly keyType: 'integer' | 'text'
  readonly columns: Readonly<Record<string, 'integer' | 'text'>>
}

export const stateTables = {
  datanet: {
    name: 'datanet',
    keyType: 'integer',
    columns: {
      owner: 'text',
      media_type: 'integer',
      visibility: 'integer',
      licence_id: 'text',
      meta_hash: 'text',
      status: 'text',
      version: 'integer',
      governed: 'integer',
      created_block: 'integer',
      created_tx: 'text',
    },
  },
  /** Keys: `c<contribution id>` or `b<first id of a batch>`. */
  decision: { name: 'decision', keyType: 'text', columns: { status: 'text', score: 'integer', reason: 'text' } },
  /** Keyed by the code's keccak256. */
  code: {
    name: 'code',
    keyType: 'text',
    columns: { code: 'text', owner: 'text', payout: 'text', uri: 'text', block: 'integer' },
  },
  /** Keyed by author. */
  payout: { name: 'payout', keyType: 'text', columns: { payout: 'text', from_epoch: 'text' } },
  ...datanetStateTables,
  ...moneyStateTables,
  ...agentStateTables,
  ...memberStateTables,
  ...committeeStateTables,
  ...reviewStateTables,
  ...shownStateTables,
  ...governanceStateTables,
  ...licenceStateTables,
  ...unitsStateTables,
} as const satisfies Record<string, StateTableShape>

export type StateTableName = keyof typeof stateTables

/** Indexes of the state tables. */
export const stateIndexes = `create index datanet_owner on datanet (owner, key);
${datanetStateIndexes}${moneyStateIndexes}${agentStateIndexes}${memberStateIndexes}${committeeStateIndexes}${reviewStateIndexes}${shownStateIndexes}${governanceStateIndexes}${unitsStateIndexes}`

/** Tables whose rows belong to a block and leave with it. */
export const eventTables = [
  'tx',
  'log',
  'label',
  'contribution',
  'contributor',
  'batch',
  'version',
  'manifest',
  'content',
  ...datanetEventTables,
  ...moneyEventTables,
  ...agentEventTables,
  ...governanceEventTables,
  ...unitsEventTables,
] as const

/**
 * What was found of a content, manifest or data file: `damaged` is there with another hash; `bad` does not list its batch, or
 * does not open the roots of its header.
 */
export type ContentState = 'missing' | 'damaged' | 'present' | 'bad'

export function stateTableSql(shape: StateTableShape): string {
  const columns = Object.entries(shape.columns)
    .map(([name, type]) => `${name} ${type}`)
    .join(', ')
  return `
create table ${shape.name} (key ${shape.keyType} primary key, ${columns}) without rowid;
create table ${shape.name}_h (key ${shape.keyType} not null, at integer not null, ${columns}, primary key (key, at)) without rowid;
`
}
