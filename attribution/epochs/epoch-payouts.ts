import {
  amountBytes,
  compareKeys,
  creditBytes,
  payeeBytes,
  payoutBytes,
  setU128,
  u128At,
  viewOf,
} from './epoch-rows.ts'
import { EpochError } from './epoch-task.ts'

const amountAt = creditBytes - amountBytes
const u128Max = 2n ** 128n - 1n

/**
 * Payouts: every payee of the parent or the credits, ascending, cumulative = parent's + credits'. Both inputs are sorted.
 * Throws {@link EpochError} `overflow`.
 */
export function epochPayouts(parent: Uint8Array, credits: Uint8Array): Uint8Array {
  const rows = new Uint8Array(parent.length + payeesOf(credits) * payoutBytes)
  const view = viewOf(rows)
  const [parentView, creditView] = [viewOf(parent), viewOf(credits)]
  let [at, p, c] = [0, 0, 0]
  while (p < parent.length || c < credits.length) {
    const payees = [parent.subarray(p, p + payeeBytes), credits.subarray(c, c + payeeBytes)] as const
    const order = p === parent.length ? 1 : c === credits.length ? -1 : compareKeys(...payees)
    const [payee] = order > 0 ? [payees[1]] : payees
    let cumulative = 0n
    if (order <= 0) {
      cumulative = u128At(parentView, p + payeeBytes)
      p += payoutBytes
    }
    while (c < credits.length && compareKeys(payee, credits.subarray(c, c + payeeBytes)) === 0) {
      cumulative += u128At(creditView, c + amountAt)
      c += creditBytes
    }
    if (cumulative > u128Max) throw new EpochError('overflow', `a payout of ${cumulative} wei`)
    rows.set(payee, at)
    setU128(view, at + payeeBytes, cumulative)
    at += payoutBytes
  }
  return rows.slice(0, at)
}

function payeesOf(credits: Uint8Array): number {
  let count = 0
  let last: Uint8Array | undefined
  for (let at = 0; at < credits.length; at += creditBytes) {
    const payee = credits.subarray(at, at + payeeBytes)
    if (last === undefined || compareKeys(last, payee) !== 0) count++
    last = payee
  }
  return count
}
