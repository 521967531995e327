import type { Row } from '../../store/store.ts'
import type { QueryContext } from '../context.ts'
import { stateField } from '../lists.ts'
import { column, type Entity, entity, flag, origin, rowBy, stateColumn } from '../rows.ts'
import { stakedMember } from './committee.ts'

export const Validator = {
  ...stakedMember,
  paid: column('paid'),
  votes: stateField('review_vote', ({ member }) => ({ validator: member })),
}

/** The contribution that a column names, as it was at the block asked for. */
const contributionOf =
  (name: string) =>
  async ({ row, at }: Entity, _: unknown, context: QueryContext) => {
    const found: Row | undefined = await rowBy(context, 'contribution', 'id', row[name] ?? null)
    return entity(found, at)
  }

export const ReviewRound = {
  id: column('key'),
  contributionId: column('contribution'),
  contribution: contributionOf('contribution'),
  dispute: stateColumn('item_dispute', 'dispute'),
  status: column('status'),
  score: column('score'),
  weight: column('weight'),
  committed: column('committed'),
  revealed: column('revealed'),
  fee: column('fee'),
  opener: column('opener'),
  openedAt: column('opened_at'),
  commitUntil: column('commit_until'),
  revealUntil: column('reveal_until'),
  votes: stateField('review_vote', (row) => ({ round: row['key'] })),
  ...origin,
}

export const ReviewVote = {
  round: stateColumn('review_round', 'round'),
  validator: column('validator'),
  weight: column('weight'),
  score: column('score'),
  paid: column('paid'),
}

export const ItemDispute = {
  id: column('key'),
  contributionId: column('contribution'),
  contribution: contributionOf('contribution'),
  original: contributionOf('original'),
  ground: column('ground'),
  evidence: column('evidence'),
  challenger: column('challenger'),
  bond: column('bond'),
  round: stateColumn('review_round', 'round'),
  status: column('status'),
  verdict: column('verdict'),
  appellant: column('appellant'),
  appealBond: column('appeal_bond'),
  appealUntil: column('appeal_until'),
  rulingUntil: column('ruling_until'),
  escrowTo: column('escrow_to'),
  slashed: column('slashed'),
  ...origin,
}

export const SharedLabel = {
  label: contributionOf('key'),
  contribution: contributionOf('contribution'),
  author: column('author'),
  labelsBps: column('labels_bps'),
  earns: flag('earns'),
}

export const SignatureProof = {
  contribution: contributionOf('key'),
  original: contributionOf('original'),
  kind: column('kind'),
  challenger: column('challenger'),
  bps: column('bps'),
  slashed: column('slashed'),
  ...origin,
}

export const SignatureDemand = {
  contribution: contributionOf('key'),
  asker: column('asker'),
  until: column('until'),
  status: column('status'),
  shownBy: column('shown_by'),
  signature: column('signature'),
  ...origin,
}

/** A signature that stands in the SignatureRegistry. */
export const ShownSignature = {
  contribution: contributionOf('key'),
  shownBy: column('shown_by'),
  shownAt: column('shown_at'),
  signature: column('signature'),
  ...origin,
}
