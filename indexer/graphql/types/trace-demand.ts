import { column, origin, stateColumn } from '../rows.ts'

export const TraceDemand = {
  id: column('key'),
  batch: stateColumn('receipt_batch', 'batch'),
  receipt: column('receipt'),
  tree: column('tree'),
  depth: column('depth'),
  index: column('idx'),
  requester: column('requester'),
  prepaid: column('prepaid'),
  dueAt: column('due_at'),
  status: column('status'),
  answerer: column('answerer'),
  answer: column('answer'),
  ...origin,
}
