import type { EpochRecord } from '../../protocol/epoch-record.ts'
import { challenge, type Verdict } from './challenge.ts'
import { compareKeys, payeeBytes, payoutAt, payoutBytes } from './epoch-rows.ts'
import type { Rows } from './epoch-trees.ts'
import { creditCut, openPayout, payoutCut, servedPayout } from './opened-rows.ts'
import type { OpenedPayout } from './openings.ts'
import type { ServedLeaf } from './served-leaves.ts'

/** What payouts are checked against: credits that are right under the header's root, the parent's payouts, and what follows. */
export type PayoutSources = {
  readonly credits: Rows
  /** Undefined before the first epoch. */
  readonly parent: Rows | undefined
  /** Rows of the canonical payouts. */
  readonly canonical: Uint8Array
}

/** The first payout that is out of order, or not the parent's plus the payee's credits. */
export function checkPayouts(record: EpochRecord, payouts: Rows, sources: PayoutSources): Verdict | undefined {
  const { rows, tree } = payouts
  // Rows ascend, so that the canonical one of the same payee is never before the last one's.
  let c = 0
  for (let k = 0; k < tree.count; k++) {
    const payee = payeeAt(rows, k)
    if (k > 0 && compareKeys(payeeAt(rows, k - 1), payee) >= 0) {
      return challenge('payoutUnsorted', record, openPayout(payouts, k - 1), openPayout(payouts, k))
    }
    while (c * payoutBytes < sources.canonical.length && compareKeys(payeeAt(sources.canonical, c), payee) < 0) c++
    if (!sameRow(rows, k, sources.canonical, c)) return badCumulative(record, openPayout(payouts, k), payee, sources)
  }
  return undefined
}

/** The same of payouts that were shown one by one, by their number ascending. */
export function checkServedPayouts(
  record: EpochRecord,
  served: readonly ServedLeaf[],
  sources: PayoutSources,
  rankOf: (payee: Uint8Array) => number,
): Verdict | undefined {
  for (const [i, leaf] of served.entries()) {
    const payee = payeeAt(leaf.row, 0)
    const before = served[i - 1]
    if (before?.index === leaf.index - 1 && compareKeys(payeeAt(before.row, 0), payee) >= 0) {
      return challenge('payoutUnsorted', record, servedPayout(before), servedPayout(leaf))
    }
    if (!sameRow(leaf.row, 0, sources.canonical, rankOf(payee))) {
      return badCumulative(record, servedPayout(leaf), payee, sources)
    }
  }
  return undefined
}

/** The payout is not what its payee is owed, or its payee is owed nothing and should not stand here. */
function badCumulative(
  record: EpochRecord,
  opened: OpenedPayout,
  payee: Uint8Array,
  { credits, parent }: PayoutSources,
) {
  const cuts = [creditCut(credits, payee, 'before'), creditCut(credits, payee, 'behind')]
  return challenge('badCumulative', record, opened, payoutCut(parent, payee), ...cuts)
}

function sameRow(rows: Uint8Array, k: number, others: Uint8Array, c: number): boolean {
  if ((c + 1) * payoutBytes > others.length) return false
  const [one, other] = [payoutAt(rows, k), payoutAt(others, c)]
  return one.payee === other.payee && one.cumulative === other.cumulative
}

export function payeeAt(rows: Uint8Array, k: number): Uint8Array {
  return rows.subarray(k * payoutBytes, k * payoutBytes + payeeBytes)
}
