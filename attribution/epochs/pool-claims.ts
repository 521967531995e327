import { type Hex, hexToBytes } from '../../protocol/bytes.ts'
import { type Claim, claimAt, claimOf } from './claim-proof.ts'
import { payoutAt, payoutBytes } from './epoch-rows.ts'
import type { Rows } from './epoch-trees.ts'
import { placeOf } from './opened-rows.ts'

/** How a Datanet's pool gets what epochs owe it: `passEpochs` first, where it has arguments, then each claim in order. */
export type PoolClaims = {
  readonly pass: readonly [id: bigint, epoch: bigint, payees: readonly Hex[], claims: readonly Claim[]] | undefined
  readonly claims: readonly Claim[]
}

/** What the vault has of a pool: wei paid, and the epoch through which nothing else is owed. */
export type PoolState = { readonly paid: bigint; readonly epoch: bigint }

/**
 * The claims, in order, for what each epoch through `final` owes a Datanet's pool: epoch by epoch, as the vault wants it, so
 * that each is paid to who held units then. About `most` claims; what is left is for the next time. MONEY §6.
 */
export async function poolClaims(
  pool: Hex,
  state: PoolState,
  final: bigint,
  payoutsOf: (epoch: bigint) => Promise<Rows>,
  most: number,
): Promise<PoolClaims> {
  const owed = async (epoch: bigint) => claimOf(epoch, await payoutsOf(epoch), pool)?.cumulative ?? 0n
  const claims: Claim[] = []
  let pass: PoolClaims['pass']
  let { paid, epoch: last } = state
  while (claims.length < most && last < final && (await owed(final)) > paid) {
    const next = await firstEpoch(last + 1n, final, async (epoch) => (await owed(epoch)) > paid)
    if (next > last + 1n) {
      const before = await payoutsOf(next - 1n)
      const same = claimOf(next - 1n, before, pool)
      // Who stands among the payouts once stands there for good.
      if (same === undefined) pass = passing(pool, next - 1n, before)
      else claims.push(same)
    }
    const claim = claimOf(next, await payoutsOf(next), pool)
    if (claim === undefined) throw new Error(`epoch ${next} owes ${pool} nothing`)
    claims.push(claim)
    ;[paid, last] = [claim.cumulative, next]
  }
  return { pass, claims }
}

/** Shows by its neighbours that a pool does not stand among an epoch's payouts. */
function passing(pool: Hex, epoch: bigint, payouts: Rows): PoolClaims['pass'] {
  const place = placeOf(payouts.rows, payoutBytes, hexToBytes(pool), 'before')
  const around = [place - 1, place].filter((index) => index >= 0 && index < payouts.tree.count)
  const payees = around.map((index) => payoutAt(payouts.rows, index).payee)
  const claims = around.map((index) => claimAt(epoch, payouts, index))
  return [BigInt(`0x${pool.slice(-16)}`), epoch, payees, claims]
}

/** The lowest of `from` to `to` of which `holds`: it does of `to`, and of all after one of which it does. */
async function firstEpoch(from: bigint, to: bigint, holds: (epoch: bigint) => Promise<boolean>): Promise<bigint> {
  let [low, high] = [from, to]
  while (low < high) {
    const middle = (low + high) / 2n
    if (await holds(middle)) high = middle
    else low = middle + 1n
  }
  return low
}
