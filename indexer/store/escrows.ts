import { openLedgerPredeploys, predeploys } from '../../contracts/addresses.ts'
import type { StateTableName } from './schema.ts'
import type { Row } from './store.ts'

const {
  agentRegistry,
  gopen,
  stakePool,
  agentTrails,
  grants,
  inferenceMarket,
  royaltyVault,
  attributionLedger,
  workerRegistry,
  disputeGame,
  indexRegistry,
  evidenceDemands,
  traceDemands,
  checkerCommittee,
  fingerprintJudge,
  datanetAccess,
  datanetJudge,
  datanetRegistry,
  datanetReview,
  signatureProofs,
  sketchRegistry,
} = openLedgerPredeploys

/**
 * Contracts that hold other people's wei, by what it is held for. At every block they hold what they owe, and more only where
 * somebody forced wei in. docs/MONEY.md §1.
 */
export const escrows = {
  market: [inferenceMarket],
  vault: [royaltyVault],
  ledger: [attributionLedger],
  stakes: [workerRegistry],
  /** All pay rewards out of what they took. */
  disputes: [disputeGame, indexRegistry, agentTrails, datanetJudge, sketchRegistry],
  agents: [agentRegistry],
  grants: [grants],
  gopen: [gopen],
  staking: [stakePool],
  evidence: [evidenceDemands],
  traces: [traceDemands],
  committee: [checkerCommittee],
  fingerprints: [fingerprintJudge],
  datanets: [datanetRegistry],
  access: [datanetAccess],
  reviews: [datanetReview],
  proofs: [signatureProofs],
  wopen: [predeploys.wopen],
} as const

export type Escrow = keyof typeof escrows

/**
 * wei that a row of a state table says are owed, and by whom. Told by events instead: the fees of batches, from their commit to
 * their epoch or refund, the credits of payees, and all that the committee, DatanetRegistry, DatanetAccess, DatanetReview,
 * SignatureProofs and WOPEN hold.
 */
export const obligations: Partial<Record<StateTableName, readonly [Escrow, (row: Row) => bigint]>> = {
  channel: ['market', (row) => wei(row, 'balance')],
  refund: ['market', (row) => wei(row, 'owed')],
  request: ['market', (row) => (row['status'] === 'open' ? wei(row, 'max_fee') : 0n)],
  pool: ['vault', (row) => wei(row, 'funded') - wei(row, 'claimed')],
  epoch: ['ledger', (row) => (row['status'] === 'proposed' || row['status'] === 'orphan' ? wei(row, 'bond') : 0n)],
  demand: ['ledger', (row) => (row['status'] === 'open' ? wei(row, 'prepaid') : 0n)],
  worker: ['stakes', (row) => wei(row, 'stake') + wei(row, 'unbonding')],
  reward: ['disputes', (row) => (row['status'] === 'waiting' ? wei(row, 'amount') : 0n)],
  text_index: ['disputes', (row) => wei(row, 'bond')],
  former_index_bond: ['disputes', (row) => wei(row, 'amount')],
  evidence_demand: ['evidence', (row) => (row['status'] === 'open' ? wei(row, 'prepaid') : 0n)],
  agent: ['agents', (row) => wei(row, 'stake') + wei(row, 'unbonding')],
  trail_leg: ['disputes', (row) => (row['status'] === 'open' ? legBond : 0n)],
  trail_owed: ['disputes', (row) => wei(row, 'owed')],
  gopen_account: ['gopen', (row) => wei(row, 'balance')],
  stake_pool: ['staking', (row) => wei(row, 'free') + wei(row, 'reserved') + wei(row, 'staked') + wei(row, 'owed')],
  grant: ['grants', (row) => wei(row, 'held')],
  grant_owed: ['grants', (row) => wei(row, 'owed')],
  sketch_table: ['disputes', (row) => wei(row, 'bond')],
  fingerprint_demand: ['fingerprints', (row) => (row['status'] === 'open' ? wei(row, 'prepaid') : 0n)],
  trace_demand: ['traces', (row) => (row['status'] === 'open' ? wei(row, 'prepaid') : 0n)],
}

/** wei that a challenger of a trail's leg puts down: `LEG_BOND` of AgentTrails. */
export const legBond = 10n ** 18n

function wei(row: Row, column: string): bigint {
  return BigInt(String(row[column] ?? 0))
}
