import { type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { joined } from './batch-trees.ts'
import { payoutAt, payoutBytes } from './epoch-rows.ts'
import type { Rows } from './epoch-trees.ts'
import { placeOf } from './opened-rows.ts'

/** What RoyaltyVault takes to pay a payee out: its payout under the root of a final epoch. */
export type Claim = {
  readonly epoch: bigint
  readonly index: number
  readonly count: number
  /** wei over all epochs; the vault pays what it did not pay before. */
  readonly cumulative: bigint
  readonly siblings: Hex
}

/** The claim of a payee under an epoch's payouts; undefined where it was never credited. */
export function claimOf(epoch: bigint, payouts: Rows, payee: Hex): Claim | undefined {
  const index = placeOf(payouts.rows, payoutBytes, hexToBytes(payee), 'before')
  const { count } = payouts.tree
  if (index === count) return undefined
  const found = payoutAt(payouts.rows, index)
  if (found.payee !== payee.toLowerCase()) return undefined
  return { epoch, index, count, cumulative: found.cumulative, siblings: joined(payouts.tree.siblings(index)) }
}
