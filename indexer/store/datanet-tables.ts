/** Tables of the DatanetRegistry beside those in schema.ts. */
export const datanetEventTableSql = `
create table contribution_parent (
  id integer primary key, parent integer not null, kind integer not null, block integer not null);
create index contribution_parent_of on contribution_parent (parent, id);
create index contribution_parent_block on contribution_parent (block);

create table contribution_slash (
  id integer primary key, reward_to text not null, amount text not null, burned text not null, block integer not null,
  tx_hash text not null);
create index contribution_slash_block on contribution_slash (block);

create table contribution_fault (
  id integer primary key, by text not null, fault text not null, bond text not null, block integer not null);
create index contribution_fault_block on contribution_fault (block);

create table version_diff (
  datanet integer not null, version integer not null, previous_root text not null, added_root text not null,
  removed_root text not null, item_count integer not null, added integer not null, removed integer not null,
  added_bytes text not null, fee text not null, block integer not null, primary key (datanet, version)) without rowid;
create index version_diff_block on version_diff (block);

create table live_gap (
  datanet integer not null, version integer not null, hours text not null, block integer not null,
  primary key (datanet, version)) without rowid;
create index live_gap_block on live_gap (block);

create table version_void (
  datanet integer not null, version integer not null, by text not null, fault text not null, block integer not null,
  primary key (datanet, version)) without rowid;
create index version_void_block on version_void (block);
`

export const datanetEventTables = [
  'contribution_parent',
  'contribution_slash',
  'contribution_fault',
  'version_diff',
  'live_gap',
  'version_void',
] as const

export const datanetStateTables = {
  /** Keys: `<Datanet>:<key>`. */
  datanet_parameter: {
    name: 'datanet_parameter',
    keyType: 'text',
    columns: { datanet: 'integer', parameter: 'integer', value: 'text' },
  },
  /** Disputes that hold a contribution, by its id. */
  contribution_hold: { name: 'contribution_hold', keyType: 'integer', columns: { holds: 'integer' } },
  /** Whom a contribution pays from a time on, by its id. */
  redirect: { name: 'redirect', keyType: 'integer', columns: { payee: 'text', from_time: 'text' } },
  /** Limits of a day; one row, 0. */
  datanet_limits: {
    name: 'datanet_limits',
    keyType: 'integer',
    columns: { author_bytes: 'text', datanet_bytes: 'text', author_files: 'integer', publish_price: 'text' },
  },
} as const

export const datanetStateIndexes = `create index datanet_parameter_of on datanet_parameter (datanet, parameter);
create index decision_status on decision (status, key);
`
