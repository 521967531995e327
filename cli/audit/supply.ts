import type { Log } from '../../common/log.ts'
import { openSupply } from '../../genesis/supply.ts'
import { EmbeddedChain } from '../../node/engine/embedded/chain/chain.ts'
import { engineDir, genesisOf } from '../../node/engine-part.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'

/** Wei in decimal. */
export type SupplyReport = {
  readonly block: number
  /** Of all accounts together, what waits in NativeAssetLiquidity for the bridge among them. */
  readonly balances: string
  readonly supply: string
  /** What contracts burned by destroying themselves with it. */
  readonly destroyed: string
  /** Whether there is no more than the supply. */
  readonly holds: boolean
}

/**
 * Sums the balances of all accounts behind the newest block that a stopped audit derived: OPEN is 1e27 wei and nothing makes
 * more. PROTOCOL §7. Null for a chain whose genesis does not hold the supply of OPEN.
 */
export async function auditSupply(
  chain: { readonly dataDir: string; readonly rollupConfig: RollupConfig; readonly genesis?: unknown },
  { log }: { readonly log: Log },
): Promise<SupplyReport | null> {
  const genesis = genesisOf(chain.rollupConfig, chain.genesis)
  if (genesis.alloc.reduce((sum, { balance }) => sum + balance, 0n) !== openSupply) return null
  const engine = await EmbeddedChain.open({ dir: engineDir(chain.dataDir), genesis, archive: false }, { log })
  try {
    const { hash, header } = engine.latest()
    const balances = engine.worldAt(hash)?.totalBalance()
    if (balances === undefined) throw new Error(`no state of block ${header.number} in ${chain.dataDir}`)
    return {
      block: Number(header.number),
      balances: String(balances),
      supply: String(openSupply),
      destroyed: String(openSupply > balances ? openSupply - balances : 0n),
      holds: balances <= openSupply,
    }
  } finally {
    await engine.close()
  }
}
