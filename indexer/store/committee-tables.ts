import { columns, table } from './columns.ts'

/** State tables of the checkers' committee. */
export const committeeStateTables = {
  committee_case: table(
    'committee_case',
    'text',
    columns(
      ['kind', 'evidence', 'worker', 'challenger', 'beacon', 'status', 'tx_hash'],
      ['batch', 'receipt', 'origin', 'right_votes', 'wrong_votes', 'closed_block', 'block'],
    ),
  ),
  /** Keyed by `case-seat`. */
  committee_seat: table('committee_seat', 'text', columns(['case_id', 'member', 'vote', 'lost'], ['idx'])),
  fingerprint_demand: table(
    'fingerprint_demand',
    'text',
    columns(
      ['requester', 'prepaid', 'status', 'answerer', 'leaf', 'tree_root', 'tx_hash'],
      ['batch', 'receipt', 'idx', 'kind', 'width', 'due_at', 'block'],
    ),
  ),
} as const

export const committeeStateIndexes = `
create index committee_case_worker on committee_case (worker, key);
create index committee_case_batch on committee_case (batch, key);
create index committee_seat_case on committee_seat (case_id, key);
create index committee_seat_member on committee_seat (member, key);
`
