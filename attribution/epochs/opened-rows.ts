import { zeroAddress } from '../../protocol/bytes.ts'
import { joined } from './batch-trees.ts'
import { compareKeys, creditAt, creditBytes, payeeBytes, payoutAt, payoutBytes } from './epoch-rows.ts'
import type { Rows } from './epoch-trees.ts'
import type { CreditCut, OpenedCredit, OpenedPayout, PayoutCut } from './openings.ts'

export function openCredit({ rows, tree }: Rows, index: number): OpenedCredit {
  return { credit: { index, ...creditAt(rows, index) }, siblings: joined(tree.siblings(index)) }
}

export function openPayout({ rows, tree }: Rows, index: number): OpenedPayout {
  return { payout: { index, ...payoutAt(rows, index) }, siblings: joined(tree.siblings(index)) }
}

/** The place before the first credit of a payee (20 bytes), or behind its last. `credits` are sorted. */
export function creditCut(credits: Rows, payee: Uint8Array, place: 'before' | 'behind'): CreditCut {
  const at = placeOf(credits.rows, creditBytes, payee, place)
  return {
    at,
    before: at > 0 ? openCredit(credits, at - 1) : noCredit,
    behind: at < credits.tree.count ? openCredit(credits, at) : noCredit,
  }
}

/** Where a payee stands among the parent's payouts, or would; undefined where there is no parent. */
export function payoutCut(payouts: Rows | undefined, payee: Uint8Array): PayoutCut {
  if (payouts === undefined) return { n: 0, at: 0, before: noPayout, behind: noPayout }
  const at = placeOf(payouts.rows, payoutBytes, payee, 'before')
  const n = payouts.tree.count
  return {
    n,
    at,
    before: at > 0 ? openPayout(payouts, at - 1) : noPayout,
    behind: at < n ? openPayout(payouts, at) : noPayout,
  }
}

/** Number of rows whose payee is below `payee`, or not above it. Rows are sorted by their first 20 bytes. */
export function placeOf(rows: Uint8Array, rowBytes: number, payee: Uint8Array, place: 'before' | 'behind'): number {
  let [low, high] = [0, rows.length / rowBytes]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const order = compareKeys(rows.subarray(middle * rowBytes, middle * rowBytes + payeeBytes), payee)
    if (order < 0 || (order === 0 && place === 'behind')) low = middle + 1
    else high = middle
  }
  return low
}

const noCredit: OpenedCredit = {
  credit: { index: 0, payee: zeroAddress, receipt: 0, entry: 0, amount: 0n },
  siblings: '0x',
}
const noPayout: OpenedPayout = { payout: { index: 0, payee: zeroAddress, cumulative: 0n }, siblings: '0x' }
