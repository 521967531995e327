import type { DeployConfig } from './deploy-config.ts'
import { GenesisError } from './genesis-error.ts'

/** All OPEN there is: 1,000,000,000 with 18 decimals. PROTOCOL §7. */
export const openSupply = 10n ** 27n

/** Wei that the funded accounts hold at genesis: what the L1 bridge must back. */
export function circulatingAtGenesis(config: DeployConfig): bigint {
  return config.fundedAccounts.reduce((sum, { balance }) => sum + balance, 0n)
}

/** Wei of NativeAssetLiquidity at genesis, so that all balances sum to {@link openSupply}. */
export function genesisLiquidity(config: DeployConfig): bigint {
  const circulating = circulatingAtGenesis(config)
  if (circulating > openSupply) {
    throw new GenesisError('supply', `funded accounts hold ${circulating} wei, more than the supply of ${openSupply}`)
  }
  return openSupply - circulating
}
