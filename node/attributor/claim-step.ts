import { type Claim, claimOf } from '../../attribution/epochs/claim-proof.ts'
import { payoutAt, payoutBytes } from '../../attribution/epochs/epoch-rows.ts'
import type { Rows } from '../../attribution/epochs/epoch-trees.ts'
import type { LedgerBook } from '../../chain/ledger/ledger-book.ts'
import type { MoneyCall } from '../../chain/ledger/money-contracts.ts'
import type { Hex } from '../../protocol/bytes.ts'

/** Payees of one `claimMany`: about 100,000 gas each, twice as much where recipients run code. */
export const claimsAtOnceMax = 50
/** Claims in a row for one Datanet's pool that was not claimed for long. */
export const poolClaimsMax = 64
/** Payees that are looked at between two turns of the node's other work. */
const payeesPerTurn = 1_000

/** Payees that a final epoch owes at least `threshold` wei beyond what they were paid, in the order of the payouts. */
export async function unclaimed(book: LedgerBook, epoch: bigint, payouts: Rows, threshold: bigint): Promise<Hex[]> {
  const owed: Hex[] = []
  // Who could not be paid under this root, or wants to claim alone, is left to claim by itself.
  const skipped = new Set(book.events('ClaimSkipped', { number: epoch }).map(({ args }) => args['payee']))
  for (let i = 0; i < payouts.rows.length / payoutBytes; i++) {
    if (i % payeesPerTurn === 0) await new Promise((next) => setImmediate(next))
    const { payee, cumulative } = payoutAt(payouts.rows, i)
    if (cumulative < threshold || skipped.has(payee)) continue
    if (cumulative - book.paidOf(payee) >= threshold) owed.push(payee)
  }
  return owed
}

export type ClaimDue = { readonly payee: Hex; readonly claim: Claim }

/** The claim of somebody who stands among the payouts. */
export function dueOf(epoch: bigint, payouts: Rows, payee: Hex): ClaimDue {
  const claim = claimOf(epoch, payouts, payee)
  if (claim === undefined) throw new Error(`${payee} stands not among the payouts of epoch ${epoch}`)
  return { payee, claim }
}

/** Pays these payees out, pools into their pools. */
export function claiming(dues: readonly ClaimDue[]): MoneyCall {
  const args = [dues.map(({ payee }) => payee), dues.map(({ claim }) => claim)]
  return { contract: 'RoyaltyVault', functionName: 'claimMany', args }
}
