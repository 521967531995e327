import { existsSync, writeFileSync } from 'node:fs'
import { devPrivateKeys } from '../../common/dev-keys.ts'
import type { Log } from '../../common/log.ts'
import { buildGenesis, genesisFileText } from '../../genesis/build-genesis.ts'
import { deployL1Contracts } from '../../genesis/deploy-l1.ts'
import { devPreset, devRoles, quickGovernance } from '../../genesis/presets.ts'
import type { DevLayout } from './layout.ts'
import { type DevState, readDevState, writeDevState } from './state.ts'

/**
 * The chain of this data directory: its state file where there is one, else a new chain, whose L1 contracts are deployed
 * and whose genesis.json and rollup.json are written. The state file comes last: an interrupted making begins again.
 */
export async function ensureChain(
  options: {
    readonly layout: DevLayout
    readonly l1Url: string
    readonly l1ChainId: number
    readonly quickGovernance: boolean
  },
  { log }: { readonly log: Log },
): Promise<DevState> {
  const { layout, l1Url, l1ChainId } = options
  const clocks = options.quickGovernance ? quickGovernance : {}
  const existing = readDevState(layout.stateFile)
  if (existing !== undefined && existsSync(layout.genesis) && existsSync(layout.rollup)) {
    log.info('chain found', { dir: layout.dataDir })
    return existing
  }
  const config = { ...devPreset(), ...clocks, l1ChainId: BigInt(l1ChainId) }
  const { l1Start, addresses } = await deployL1Contracts({
    rpcUrl: l1Url,
    deployerKey: devPrivateKeys[devRoles.owner],
    config,
    onProgress: (step) => log.info('L1 contracts', { step }),
  })
  const { genesis, rollup } = await buildGenesis(config, l1Start, addresses)
  writeFileSync(layout.genesis, genesisFileText(genesis))
  writeFileSync(layout.rollup, genesisFileText(rollup))
  const state: DevState = {
    l1ChainId,
    l2ChainId: Number(config.l2ChainId),
    portal: addresses.optimismPortal,
    outputOracle: addresses.l2OutputOracle,
    batchInbox: config.batchInboxAddress,
    systemConfig: addresses.systemConfig,
    multicall3: addresses.multicall3,
  }
  writeDevState(layout.stateFile, state)
  log.warn('insecure: a key proposes to the Timelock without a vote', { account: config.timelockProposer })
  log.info('chain made', { dir: layout.dataDir, l1Start: l1Start.number, l2ChainId: config.l2ChainId })
  return state
}
