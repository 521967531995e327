import { stateField } from '../lists.ts'
import { column, origin, stateColumn } from '../rows.ts'

export const Grant = {
  id: column('key'),
  funder: column('funder'),
  grantee: column('grantee'),
  uri: column('uri'),
  uriHash: column('uri_hash'),
  open: column('open'),
  held: column('held'),
  paid: column('paid'),
  returned: column('returned'),
  milestones: stateField('milestone', (row) => ({ grant_id: row['key'] })),
  createdAtBlock: column('block'),
  transaction: origin.transaction,
}

export const Milestone = {
  grant: stateColumn('grant', 'grant_id'),
  index: column('idx'),
  amount: column('amount'),
  deadline: column('deadline'),
  schema: column('eas_schema'),
  attester: column('attester'),
  status: column('status'),
  attestation: column('attestation'),
  closedBy: column('closed_by'),
}
