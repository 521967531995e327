import type { QueryContext } from '../context.ts'
import { column, type Entity, transactionOf } from '../rows.ts'

export const AttributionLabel = {
  id: column('id'),
  status: column('status'),
  path: column('path'),
  blockNumber: column('block'),
  transaction: ({ row }: Entity, _: unknown, context: QueryContext) => transactionOf(row['tx_hash'], context),
  sender: column('sender'),
  code: column('code'),
  kind: column('kind'),
  modelId: column('model_id'),
  datanetId: column('datanet_id'),
  datanetVersion: column('datanet_version'),
  requestId: column('request_id'),
  root: column('root'),
  parentTx: column('parent_tx'),
  weights: ({ row }: Entity) => (typeof row['weights'] === 'string' ? (JSON.parse(row['weights']) as unknown) : null),
  malformed: column('malformed'),
}
