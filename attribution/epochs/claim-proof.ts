import { bytesToHex, type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { payoutRow } from '../../protocol/payout-epoch.ts'
import { parentRow, sumTreeRoot } from '../../protocol/sum-tree.ts'
import { joined } from './batch-trees.ts'
import { leafRowBytes, payoutAt, payoutBytes } from './epoch-rows.ts'
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
  return payoutAt(payouts.rows, index).payee === payee.toLowerCase() ? claimAt(epoch, payouts, index) : undefined
}

/** The claim of whoever stands at a place of an epoch's payouts. */
export function claimAt(epoch: bigint, payouts: Rows, index: number): Claim {
  const { cumulative } = payoutAt(payouts.rows, index)
  return { epoch, index, count: payouts.tree.count, cumulative, siblings: joined(payouts.tree.siblings(index)) }
}

/** Whether a claim opens a payout root for the payee, as RoyaltyVault checks it. */
export function claimOpens(
  root: Hex,
  payee: Hex,
  { index, count, cumulative, siblings }: Omit<Claim, 'epoch'>,
): boolean {
  const rows = hexToBytes(siblings)
  const depth = Math.ceil(Math.log2(count))
  if (index < 0 || index >= count || rows.length !== depth * leafRowBytes) return false
  let row: Uint8Array | undefined = payoutRow(index, { payee, cumulative })
  for (let level = 0, at = index; level < depth && row !== undefined; level++, at = Math.floor(at / 2)) {
    const sibling = rows.subarray(level * leafRowBytes, (level + 1) * leafRowBytes)
    row = at % 2 === 0 ? parentRow(row, sibling) : parentRow(sibling, row)
  }
  return row !== undefined && bytesToHex(sumTreeRoot(count, row)) === root
}
