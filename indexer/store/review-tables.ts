import { columns, table } from './columns.ts'

/** State tables of DatanetReview and SignatureProofs. Weights in whole OPEN, times in Unix seconds. */
export const reviewStateTables = {
  review_round: table(
    'review_round',
    'integer',
    columns(
      ['opener', 'fee', 'pay', 'status', 'tx_hash'],
      [
        'contribution',
        'dispute',
        'weight',
        'committed',
        'revealed',
        'score',
        'opened_at',
        'commit_until',
        'reveal_until',
        'block',
      ],
    ),
  ),
  /** Keyed by `<round>-<validator>`. */
  review_vote: table('review_vote', 'text', columns(['validator', 'paid'], ['round', 'weight', 'score', 'block'])),
  item_dispute: table(
    'item_dispute',
    'integer',
    columns(
      [
        'challenger',
        'ground',
        'evidence',
        'bond',
        'status',
        'verdict',
        'appellant',
        'appeal_bond',
        'escrow_to',
        'slashed',
        'tx_hash',
      ],
      ['contribution', 'original', 'round', 'appeal_until', 'ruling_until', 'block'],
    ),
  ),
  /** Keyed by the label's contribution. */
  shared_label: table('shared_label', 'integer', columns(['author'], ['contribution', 'labels_bps', 'earns', 'block'])),
  /** Keyed by contribution: what was proven of it. */
  signature_proof: table(
    'signature_proof',
    'integer',
    columns(['kind', 'challenger', 'slashed', 'tx_hash'], ['original', 'bps', 'block']),
  ),
  /** Keyed by contribution. */
  signature_demand: table(
    'signature_demand',
    'integer',
    columns(['asker', 'status', 'shown_by', 'signature', 'tx_hash'], ['until', 'block']),
  ),
} as const

export const reviewStateIndexes = `
create index review_round_contribution on review_round (contribution, key);
create index review_round_status on review_round (status, key);
create index review_vote_round on review_vote (round, key);
create index review_vote_validator on review_vote (validator, key);
create index item_dispute_contribution on item_dispute (contribution, key);
create index item_dispute_status on item_dispute (status, key);
create index shared_label_contribution on shared_label (contribution, key);
`
