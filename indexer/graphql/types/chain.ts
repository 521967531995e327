import type { PageArguments } from '../connection.ts'
import type { QueryContext } from '../context.ts'
import { labels, logs, transactions } from '../lists.ts'
import { column, type Entity, entity, rowAt, rowBy } from '../rows.ts'

export const Block = {
  number: column('number'),
  hash: column('hash'),
  parentHash: column('parent_hash'),
  timestamp: column('timestamp'),
  gasUsed: column('gas_used'),
  gasLimit: column('gas_limit'),
  baseFeePerGas: column('base_fee'),
  stateRoot: column('state_root'),
  transactionCount: column('transaction_count'),
  digest: column('digest'),
  transactions: ({ row }: Entity, page: PageArguments, context: QueryContext) =>
    transactions({ of: { block: row['number'] } }, page, context),
}

export const Transaction = {
  hash: column('hash'),
  index: column('idx'),
  blockNumber: column('block'),
  block: async ({ row }: Entity, _: unknown, context: QueryContext) =>
    entity(await rowBy(context, 'block', 'number', row['block'])),
  from: column('sender'),
  to: column('recipient'),
  type: column('type'),
  nonce: column('nonce'),
  value: column('value'),
  input: column('input'),
  succeeded: ({ row }: Entity) => row['status'] === 1,
  gasUsed: column('gas_used'),
  effectiveGasPrice: column('gas_price'),
  l1Fee: column('l1_fee'),
  contractAddress: column('contract'),
  logs: ({ row }: Entity, page: PageArguments, context: QueryContext) =>
    logs({ of: { block: row['block'], tx: row['idx'] } }, page, context),
  labels: ({ row }: Entity, page: PageArguments, context: QueryContext) =>
    labels({ of: { tx_hash: row['hash'] } }, page, context),
}

export const Log = {
  blockNumber: column('block'),
  index: column('idx'),
  address: column('address'),
  data: column('data'),
  topics: ({ row }: Entity) => ['topic0', 'topic1', 'topic2', 'topic3'].flatMap((name) => row[name] ?? []),
  transaction: async ({ row }: Entity, _: unknown, context: QueryContext) =>
    entity(await rowAt(context, 'tx', ['block', 'idx'], [row['block'], row['tx']])),
}
