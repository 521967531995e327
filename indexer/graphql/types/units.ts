import { zeroAddress, zeroHash } from '../../../protocol/bytes.ts'
import type { QueryContext } from '../context.ts'
import { eventField } from '../lists.ts'
import { column, type Entity, flag, origin, stateColumn } from '../rows.ts'

const logged = ['block', 'idx'] as const
/** Seconds for which what passed can be carried out; DatanetVotes `GRACE`. */
const graceSeconds = 14 * 86_400

export const VersionUnits = {
  datanet: stateColumn('datanet', 'datanet'),
  version: column('version'),
  units: column('units'),
  owner: column('owner'),
  allotment: column('allotment'),
  claimed: column('claimed'),
  issuedAt: column('issued_at'),
}

export const UnitBalance = {
  datanet: stateColumn('datanet', 'datanet'),
  version: column('version'),
  holder: column('holder'),
  units: column('units'),
}

export const UnitIncome = {
  epoch: column('epoch'),
  time: column('time'),
  amount: column('amount'),
  units: column('units'),
  ...origin,
}

export const UnitProposal = {
  id: column('key'),
  datanet: stateColumn('datanet', 'datanet'),
  proposer: column('proposer'),
  parameter: column('parameter'),
  value: column('value'),
  snapshot: column('snapshot'),
  closesAt: column('closes_at'),
  quorum: column('quorum'),
  votesFor: column('votes_for'),
  votesAgainst: column('votes_against'),
  votesAbstain: column('votes_abstain'),
  reason: column('reason'),
  state: ({ row, at }: Entity, _: unknown, { store }: QueryContext) =>
    proposalState(row, Number(timeOf(store, at)?.['timestamp'] ?? 0)),
  votes: eventField('unit_vote', logged, (row) => ({ proposal: row['key'] })),
  ...origin,
}

export const UnitVote = {
  voter: column('voter'),
  support: column('support'),
  units: column('units'),
  ...origin,
}

export const AccessOffer = {
  purpose: column('purpose'),
  price: column('price'),
  duration: column('duration'),
  stands: flag('stands'),
}

export const DatanetGate = {
  schema: ({ row }: Entity) => (row['schema'] === zeroHash ? null : row['schema']),
  attester: ({ row }: Entity) => (row['attester'] === zeroAddress ? null : row['attester']),
  leastReputation: column('least_reputation'),
  blockNumber: column('block'),
}

export const ShownCredential = {
  who: column('who'),
  uid: column('uid'),
  ...origin,
}

export const CountedReputation = {
  who: column('who'),
  reputation: column('reputation'),
  blockNumber: column('block'),
}

export const AccessRequest = {
  id: column('key'),
  datanet: stateColumn('datanet', 'datanet'),
  requester: column('requester'),
  purpose: column('purpose'),
  status: column('status'),
  fromVersion: column('from_version'),
  toVersion: column('to_version'),
  duration: column('duration'),
  requestedAt: column('requested_at'),
  price: column('price'),
  publicKey: column('public_key'),
  statement: column('statement'),
  ...origin,
}

export const AccessGrant = {
  id: column('key'),
  datanet: stateColumn('datanet', 'datanet'),
  grantee: column('grantee'),
  request: stateColumn('access_request', 'request'),
  purpose: column('purpose'),
  fromVersion: column('from_version'),
  toVersion: column('to_version'),
  expiry: column('expiry'),
  revoked: flag('revoked'),
  price: column('price'),
  publicKey: column('public_key'),
  keys: eventField('key_delivery', logged, (row) => ({ access_grant: row['key'] })),
  ...origin,
}

export const KeyDelivery = { version: column('version'), wrapped: column('wrapped'), ...origin }

function timeOf(store: QueryContext['store'], at: number | undefined) {
  return at === undefined
    ? store.get('select timestamp from block order by number desc limit 1')
    : store.get('select timestamp from block where number = ?', at)
}

/** As DatanetVotes tells it at a time. */
function proposalState(row: Entity['row'], time: number): string {
  const [votesFor, against, abstain, quorum] = ['votes_for', 'votes_against', 'votes_abstain', 'quorum'].map((name) =>
    BigInt(String(row[name])),
  ) as [bigint, bigint, bigint, bigint]
  const closes = Number(row['closes_at'])
  if (row['executed'] === 1) return 'executed'
  if (time < closes) return 'active'
  if (votesFor <= against || votesFor + abstain < quorum) return 'defeated'
  return time < closes + graceSeconds ? 'succeeded' : 'expired'
}
