import { column, origin, stateColumn } from '../rows.ts'

export const Dispute = {
  kind: column('kind'),
  fault: column('fault'),
  batch: stateColumn('receipt_batch', 'batch'),
  receipt: column('receipt'),
  epochNumber: column('epoch'),
  worker: column('worker'),
  requestId: column('request_id'),
  subject: column('subject'),
  amount: column('reward'),
  reward: stateColumn('reward', 'subject'),
  challenger: column('challenger'),
  ...origin,
}

export const Reward = {
  subject: column('key'),
  holder: column('holder'),
  amount: column('amount'),
  status: column('status'),
  wonAtBlock: column('won_block'),
  committedAtBlock: column('committed_block'),
  paidTo: column('paid_to'),
}

export const Evidence = { commitment: column('key'), sender: column('sender'), ...origin }

export const Demand = {
  id: column('key'),
  kind: column('kind'),
  batch: stateColumn('receipt_batch', 'batch'),
  epochNumber: column('epoch'),
  requester: column('requester'),
  subject: column('subject'),
  root: column('root'),
  count: column('count'),
  index: column('idx'),
  prepaid: column('prepaid'),
  dueAt: column('due_at'),
  status: column('status'),
  answerer: column('answerer'),
  answer: column('answer'),
  ...origin,
}
