import { openLedgerPredeploys } from '../../contracts/addresses.ts'
import type { StateTableName } from './schema.ts'
import type { Row } from './store.ts'

const {
  inferenceMarket,
  royaltyVault,
  attributionLedger,
  workerRegistry,
  disputeGame,
  indexRegistry,
  evidenceDemands,
  traceDemands,
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
  /** Both pay rewards out of what they took. */
  disputes: [disputeGame, indexRegistry],
  evidence: [evidenceDemands],
  traces: [traceDemands],
} as const

export type Escrow = keyof typeof escrows

/**
 * wei that a row of a state table says are owed, and by whom. The fees of batches, from their commit to their epoch or refund,
 * and the credits of payees are told by events instead.
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
  evidence_demand: ['evidence', (row) => (row['status'] === 'open' ? wei(row, 'prepaid') : 0n)],
  trace_demand: ['traces', (row) => (row['status'] === 'open' ? wei(row, 'prepaid') : 0n)],
}

function wei(row: Row, column: string): bigint {
  return BigInt(String(row[column] ?? 0))
}
