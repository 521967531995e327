import { zeroAddress } from '../../protocol/bytes.ts'
import { joined } from './batch-trees.ts'
import { compareKeys, creditAt, creditBytes, payoutAt, payoutBytes } from './epoch-rows.ts'
import type { Rows } from './epoch-trees.ts'
import type { CreditCut, OpenedCredit, OpenedPayout, PayoutCut } from './openings.ts'
import type { ServedLeaf } from './served-leaves.ts'

export function openCredit({ rows, tree }: Rows, index: number): OpenedCredit {
  return { credit: { index, ...creditAt(rows, index) }, siblings: joined(tree.siblings(index)) }
}

export function openPayout({ rows, tree }: Rows, index: number): OpenedPayout {
  return { payout: { index, ...payoutAt(rows, index) }, siblings: joined(tree.siblings(index)) }
}

export function servedCredit({ index, row, siblings }: ServedLeaf): OpenedCredit {
  return { credit: { index, ...creditAt(row, 0) }, siblings: joined(siblings) }
}

export function servedPayout({ index, row, siblings }: ServedLeaf): OpenedPayout {
  return { payout: { index, ...payoutAt(row, 0) }, siblings: joined(siblings) }
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

/** Number of rows whose key is below `key`, or not above it. Rows are sorted by their first bytes, as many as `key` has. */
export function placeOf(rows: Uint8Array, rowBytes: number, key: Uint8Array, place: 'before' | 'behind'): number {
  let [low, high] = [0, rows.length / rowBytes]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const order = compareKeys(rows.subarray(middle * rowBytes, middle * rowBytes + key.length), key)
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
