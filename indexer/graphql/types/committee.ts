import { memberKey } from '../../handlers/staked-members.ts'
import type { QueryContext } from '../context.ts'
import { stateField } from '../lists.ts'
import { column, type Entity, flag, origin, stateColumn, stateEntity } from '../rows.ts'

/** Fields of every member of a StakedMembers contract. */
export const stakedMember = {
  address: column('member'),
  stake: column('stake'),
  unbonding: column('unbonding'),
  unbondsAt: column('unbonds_at'),
  slashed: column('slashed'),
  claimed: column('claimed'),
  weight: column('weight'),
  sinceBlock: column('block'),
}

export const CommitteeMember = {
  ...stakedMember,
  jailed: flag('jailed'),
  jailedUntil: column('jailed_until'),
  seats: stateField('committee_seat', ({ member }) => ({ member })),
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
  member: ({ row, at }: Entity, _: unknown, context: QueryContext) =>
    stateEntity(context, 'staked_member', memberKey('committee', String(row['member'])), at),
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
