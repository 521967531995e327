import { stateField } from '../lists.ts'
import { column, origin, stateColumn } from '../rows.ts'

export const CommitteeMember = {
  address: column('key'),
  stake: column('stake'),
  unbonding: column('unbonding'),
  unbondsAt: column('unbonds_at'),
  slashed: column('slashed'),
  claimed: column('claimed'),
  jailed: ({ row }: { readonly row: Readonly<Record<string, unknown>> }) => row['jailed'] === 1,
  jailedUntil: column('jailed_until'),
  weight: column('weight'),
  seats: stateField('committee_seat', (row) => ({ member: row['key'] })),
  sinceBlock: column('block'),
}

export const CommitteeCase = {
  id: column('key'),
  kind: column('kind'),
  batch: stateColumn('receipt_batch', 'batch'),
  receipt: column('receipt'),
  evidence: column('evidence'),
  worker: column('worker'),
  challenger: column('challenger'),
  origin: column('origin'),
  beacon: column('beacon'),
  status: column('status'),
  right: column('right_votes'),
  wrong: column('wrong_votes'),
  seats: stateField('committee_seat', (row) => ({ case_id: row['key'] })),
  closedAtBlock: column('closed_block'),
  ...origin,
}

export const CommitteeSeat = {
  case: stateColumn('committee_case', 'case_id'),
  index: column('idx'),
  member: stateColumn('committee_member', 'member'),
  vote: column('vote'),
  lost: column('lost'),
}

export const FingerprintDemand = {
  id: column('key'),
  batch: stateColumn('receipt_batch', 'batch'),
  receipt: column('receipt'),
  index: column('idx'),
  requester: column('requester'),
  prepaid: column('prepaid'),
  dueAt: column('due_at'),
  status: column('status'),
  answerer: column('answerer'),
  kind: column('kind'),
  width: column('width'),
  leaf: column('leaf'),
  treeRoot: column('tree_root'),
  ...origin,
}
