import { columns, table } from './columns.ts'

/**
 * Tables of the contracts of money, kinds as in schema.ts. Amounts are wei in decimal: u128 does not fit a number. Times are
 * Unix seconds.
 */
export const moneyTables = `
create table model_version (
  model integer not null, version integer not null, weights_manifest text not null, config_hash text not null,
  training_root text not null, index_set_hash text not null, block integer not null, tx_hash text not null,
  primary key (model, version)) without rowid;
create index model_version_block on model_version (block);

create table model_indexes (
  model integer not null, version integer not null, index_ids text not null, block integer not null,
  primary key (model, version)) without rowid;
create index model_indexes_block on model_indexes (block);

create table model_parent (
  model integer not null, parent integer not null, relation text not null, bps integer not null, policy integer not null,
  block integer not null, primary key (model, parent)) without rowid;
create index model_parent_block on model_parent (block);
create index model_parent_parent on model_parent (parent, model);

create table model_datanet (
  block integer not null, idx integer not null, model integer not null, datanet integer not null, version integer not null,
  weight_bps integer not null, primary key (block, idx)) without rowid;
create index model_datanet_model on model_datanet (model, block, idx);
create index model_datanet_datanet on model_datanet (datanet, block, idx);

create table price (
  block integer not null, idx integer not null, model integer not null, version integer not null, class integer not null,
  price_version integer not null, rin text not null, rout text not null, valid_until integer not null,
  shares_version integer not null, set_at integer not null, tx_hash text not null,
  primary key (block, idx)) without rowid;
create index price_model on price (model, version, block, idx);

create table evaluation (
  block integer not null, idx integer not null, model integer not null, version integer, suite_hash text not null,
  result_root text, attestation_uid text, tx_hash text not null, primary key (block, idx)) without rowid;
create index evaluation_model on evaluation (model, block, idx);

create table slash (
  block integer not null, idx integer not null, worker text not null, fault text not null, amount text not null,
  burned text not null, beneficiary text not null, tx_hash text not null, primary key (block, idx)) without rowid;
create index slash_worker on slash (worker, block, idx);

create table segment (
  batch integer not null, idx integer not null, channel text not null, first integer not null, count integer not null,
  fee text not null, request_id text not null, max_fee text not null, cumulative_cap text not null, deadline text not null,
  r text not null, vs text not null, block integer not null, primary key (batch, idx)) without rowid;
create index segment_block on segment (block);
create index segment_channel on segment (channel, batch, idx);

create table void_receipt (
  batch integer not null, receipt integer not null, channel text not null, request_id text not null, fee text not null,
  block integer not null, tx_hash text not null, primary key (batch, receipt)) without rowid;
create index void_receipt_block on void_receipt (block);

create table settlement (
  block integer not null, idx integer not null, credits text not null, platform text not null, stakers text not null,
  tx_hash text not null, primary key (block, idx)) without rowid;

create table dispute (
  block integer not null, idx integer not null, kind text not null, fault text not null, batch integer, receipt integer,
  epoch integer, worker text, request_id text, subject text not null, reward text not null, challenger text not null,
  tx_hash text not null, primary key (block, idx)) without rowid;
create index dispute_batch on dispute (batch, block, idx);
create index dispute_epoch on dispute (epoch, block, idx);
create index dispute_worker on dispute (worker, block, idx);

create table claim (
  block integer not null, idx integer not null, kind text not null, payee text not null, pool text, epoch integer,
  amount text not null, recipient text not null, tx_hash text not null, primary key (block, idx)) without rowid;
create index claim_payee on claim (payee, block, idx);
create index claim_pool on claim (pool, block, idx);
create index claim_epoch on claim (epoch, block, idx);

create table pool_funding (
  block integer not null, idx integer not null, pool text not null, amount text not null, tx_hash text not null,
  primary key (block, idx)) without rowid;
create index pool_funding_pool on pool_funding (pool, block, idx);

create table shares (
  version integer primary key, platform_fee text not null, beta_bps integer not null, gamma_bps integer not null,
  omega_bps integer not null, rho_bps integer not null, block integer not null);
create index shares_block on shares (block);

create table declaration (
  block integer not null, idx integer not null, sender text not null, kind text, model_id text not null,
  datanet_id text not null, request_id text not null, payload text not null, tx_hash text not null,
  primary key (block, idx)) without rowid;
create index declaration_sender on declaration (sender, block, idx);

create table heartbeat (
  block integer not null, idx integer not null, epoch integer not null, root text not null, workers integer not null,
  tx_hash text not null, primary key (block, idx)) without rowid;

create table algo (hash text primary key, in_force_from integer not null, block integer not null) without rowid;
create index algo_block on algo (block);

create table burn (
  block integer not null, idx integer not null, account text not null, amount text not null, tx_hash text not null,
  primary key (block, idx)) without rowid;
create index burn_account on burn (account, block, idx);

create table ledger_file (
  kind text not null, key integer not null, hash text not null, block integer not null, state text not null, problem text,
  primary key (kind, key)) without rowid;
create index ledger_file_block on ledger_file (block);
create index ledger_file_state on ledger_file (state, kind, key);

create table receipt (
  batch integer not null, idx integer not null, request_id text not null, payer text not null, worker text not null,
  model integer, model_version integer, class integer not null, tin integer not null, tout integer not null,
  fee text not null, platform text not null, model_share text not null, stakers text not null, worker_share text not null,
  builder text not null, contributors text not null, payment text not null, app_code text not null,
  output_root text not null, attr_root text not null, entries integer not null, price_version integer not null,
  primary key (batch, idx)) without rowid;
create index receipt_request on receipt (request_id);
create index receipt_payer on receipt (payer, batch, idx);
create index receipt_model on receipt (model, model_version, batch, idx);
create index receipt_app on receipt (app_code, batch, idx);

create table entry (
  batch integer not null, receipt integer not null, idx integer not null, class text not null, id text not null,
  payee text not null, evidence_hash text not null, weight text not null, amount text not null, contribution integer,
  primary key (batch, receipt, idx)) without rowid;
create index entry_contribution on entry (contribution, batch, receipt, idx) where contribution is not null;

create table credit (
  proposal integer not null, idx integer not null, payee text not null, batch integer, receipt integer not null,
  entry integer not null, amount text not null, primary key (proposal, idx)) without rowid;
create index credit_payee on credit (payee, proposal, idx);
create index credit_receipt on credit (batch, receipt, proposal, idx) where batch is not null;

create table earning (
  proposal integer not null, payee text not null, earned text not null, cumulative text not null,
  primary key (proposal, payee)) without rowid;
create index earning_payee on earning (payee, proposal);

create table earner (payee text primary key, block integer not null) without rowid;
create index earner_block on earner (block);
`

/** Rows of a data file go with the batch or the proposal that the file belongs to. */
export const fileTables = [
  { name: 'receipt', parent: 'receipt_batch', by: 'batch' },
  { name: 'entry', parent: 'receipt_batch', by: 'batch' },
  { name: 'credit', parent: 'epoch', by: 'proposal' },
  { name: 'earning', parent: 'epoch', by: 'proposal' },
] as const

export const moneyEventTables = [
  'model_version',
  'model_indexes',
  'model_parent',
  'model_datanet',
  'price',
  'evaluation',
  'slash',
  'segment',
  'void_receipt',
  'settlement',
  'dispute',
  'claim',
  'pool_funding',
  'shares',
  'declaration',
  'heartbeat',
  'algo',
  'burn',
  'ledger_file',
  'earner',
] as const

export const moneyStateTables = {
  model: table(
    'model',
    'integer',
    columns(
      ['owner', 'licence_id', 'royalty_hash', 'royalty_vector', 'dispute_id', 'payee', 'tx_hash'],
      ['kind', 'verify_classes', 'versions', 'deprecated', 'frozen', 'payee_from', 'block'],
    ),
  ),
  /** Keyed by address. `cover`: what its immature batches take of `free`, the stake that covers fees. */
  worker: table(
    'worker',
    'text',
    columns(
      ['peer_id', 'stake', 'unbonding', 'free', 'cover', 'slashed'],
      ['units', 'classes', 'unbonds_at', 'jailed', 'jailed_until', 'registered_at', 'block'],
    ),
  ),
  channel: table(
    'channel',
    'text',
    columns(['payer', 'worker', 'balance', 'spent', 'withdrawal'], ['withdrawal_at', 'block']),
  ),
  request: table(
    'request',
    'text',
    columns(
      ['payer', 'max_fee', 'nonce', 'prompt_root', 'app_code', 'status', 'fee', 'refunded', 'tx_hash'],
      ['model', 'model_version', 'class', 'price_version', 'max_tokens', 'deadline', 'batch', 'block'],
    ),
  ),
  /** Keyed by account. */
  refund: table('refund', 'text', columns(['owed', 'claimed'], [])),
  /** Batches of receipts. `receipts_before`: receipts of all live batches before a mature one, as epochs number them. */
  receipt_batch: table(
    'receipt_batch',
    'integer',
    columns(
      ['worker', 'receipt_root', 'sums', 'data_hash', 'segments_hash', 'hash', 'status', 'live', 'tx_hash'],
      ['committed_at', 'count', 'class', 'segments', 'holds', 'voided', 'receipts_before', 'settled_block', 'block'],
    ),
  ),
  /** Keyed by commitment. */
  evidence: table('evidence', 'text', columns(['sender', 'tx_hash'], ['block'])),
  /** Keyed by subject. */
  reward: table('reward', 'text', columns(['holder', 'amount', 'status', 'paid_to'], ['won_block', 'committed_block'])),
  demand: table(
    'demand',
    'text',
    columns(
      ['kind', 'subject', 'root', 'requester', 'prepaid', 'status', 'answerer', 'answer', 'tx_hash'],
      ['batch', 'epoch', 'count', 'idx', 'due_at', 'block'],
    ),
  ),
  /** Proposals in the order of the chain; several may have one number, of which at most one becomes final. */
  epoch: table(
    'epoch',
    'integer',
    columns(
      [
        ...([
          'status',
          'hash',
          'proposer',
          'bond',
          'parent_root',
          'credits_root',
          'credits_sum',
          'payout_root',
        ] as const),
        ...(['payout_sum', 'data_hash', 'algo_hash', 'total_receipts', 'total_entries', 'total_payable'] as const),
        ...(['total_platform', 'total_stakers', 'winner', 'reward', 'burned', 'tx_hash', 'final_tx'] as const),
      ],
      [
        ...(['number', 'proposed_at', 'first_batch', 'last_batch', 'credits_count', 'payout_count', 'block'] as const),
        ...(['final_block', 'final_at', 'gone_block'] as const),
      ],
    ),
  ),
  /** Suffix indexes, keyed by id. */
  text_index: table(
    'text_index',
    'text',
    columns(
      [
        ...(['publisher', 'tokenizer_hash', 'token_root', 'suffix_root', 'document_root', 'unigram_root'] as const),
        // When it was dead and came back: a JSON list of [from, until].
        ...(['offset_root', 'bond', 'lapses', 'reason', 'tx_hash'] as const),
      ],
      ['datanet', 'version', 'vocab', 'tokens', 'documents', 'dead_from', 'is_false', 'block'],
    ),
  ),
  /** Of an index that others took over. Keyed by `<index>-<publisher>`. */
  former_index_bond: table(
    'former_index_bond',
    'text',
    columns(['index_id', 'publisher', 'amount', 'tx_hash'], ['free_from', 'block']),
  ),
  evidence_demand: table(
    'evidence_demand',
    'text',
    columns(
      ['evidence_hash', 'requester', 'prepaid', 'status', 'answerer', 'evidence', 'tx_hash'],
      ['due_at', 'block'],
    ),
  ),
  trace_demand: table(
    'trace_demand',
    'text',
    columns(
      ['requester', 'prepaid', 'status', 'answerer', 'answer', 'tx_hash'],
      ['batch', 'receipt', 'tree', 'depth', 'idx', 'due_at', 'block'],
    ),
  ),
  /** wei owed, keyed by `Escrow`. */
  escrow: table('escrow', 'text', columns(['owed'], [])),
  /** Keyed by name. */
  setting: table('setting', 'text', columns(['value'], [])),
  /** Keyed by address. */
  payee: table('payee', 'text', columns(['claimed', 'recipient'], ['claimed_epoch', 'restricted'])),
  /** Keyed by `payee-operator`. */
  operator: table('operator', 'text', columns(['payee', 'operator'], ['allowed'])),
  /** Keyed by the pool's address. */
  pool: table(
    'pool',
    'text',
    columns(['kind', 'funded', 'claimed', 'units', 'acc_q64', 'undistributed_q64'], ['datanet']),
  ),
  /** Keyed by `pool-member`. */
  pool_member: table(
    'pool_member',
    'text',
    columns(['pool', 'member', 'units', 'acc_paid_q64', 'owed_q64', 'claimed'], []),
  ),
}

export const moneyStateIndexes = `
create index model_owner on model (owner, key);
create index channel_payer on channel (payer, key);
create index channel_worker on channel (worker, key);
create index request_payer on request (payer, key);
create index request_model on request (model, key);
create index receipt_batch_worker on receipt_batch (worker, key);
create index receipt_batch_before on receipt_batch (receipts_before);
create index receipt_batch_block on receipt_batch (block);
create index epoch_number on epoch (number, key);
create index epoch_block on epoch (block);
create index epoch_last_batch on epoch (last_batch, key);
create index demand_batch on demand (batch, key);
create index demand_epoch on demand (epoch, key);
create index text_index_datanet on text_index (datanet, key);
create index former_index_bond_index on former_index_bond (index_id, key);
create index operator_payee on operator (payee, key);
create index pool_member_pool on pool_member (pool, key);
create index pool_member_member on pool_member (member, key);
`
