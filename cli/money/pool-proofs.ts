import { payoutTree } from '../../attribution/epochs/epoch-rows.ts'
import type { Rows } from '../../attribution/epochs/epoch-trees.ts'
import { type PoolClaims, poolClaims } from '../../attribution/epochs/pool-claims.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { ArgValues, ChainAccess } from './action.ts'
import { ContentPlaces, type contentArgs } from './content-places.ts'
import { finalEpochFile } from './final-epoch.ts'

/** Claims of one transaction: some 100,000 gas each. */
const claimsMax = 32

/** What a Datanet's pool is still to be brought, out of the files of final epochs. Throws UsageError, RefusedError. */
export async function poolClaimsOf(
  pool: Hex,
  content: ArgValues<typeof contentArgs>,
  chain: ChainAccess,
): Promise<PoolClaims> {
  const places = new ContentPlaces(content)
  const last = await finalEpochFile(places, undefined, chain)
  const files = new Map([[last.epoch, { rows: last.payouts, tree: payoutTree(last.payouts) }]])
  const payoutsOf = async (epoch: bigint): Promise<Rows> => {
    const known = files.get(epoch)
    if (known !== undefined) return known
    const { payouts: rows } = await finalEpochFile(places, epoch, chain)
    const found = { rows, tree: payoutTree(rows) }
    files.set(epoch, found)
    return found
  }
  const [paid, epoch] = (await chain.read('RoyaltyVault', 'payees', [pool])) as readonly [bigint, bigint]
  return await poolClaims(pool, { paid, epoch }, last.epoch, payoutsOf, claimsMax)
}
