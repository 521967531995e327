import { depositorAccount, openLedgerPredeploys, predeploys } from '../contracts/addresses.ts'
import { loadArtifact } from '../contracts/artifact.ts'
import { precompiles } from '../precompiles-sim/table.ts'
import { type Hex, hexToBytes, zeroAddress } from '../protocol/bytes.ts'
import { chainDependent, checkCodeHash } from './code-hashes.ts'
import type { DeployConfig } from './deploy-config.ts'
import type { GenesisEvm, Target } from './genesis-evm.ts'
import { openLedgerContracts, openLedgerUnproxied } from './open-ledger.ts'
import { packageContract } from './package-contracts.ts'

/** L1 contracts that the L2's predeploys talk to. Those that a chain lacks are left out: their messages go nowhere. */
export type L1Counterparts = {
  readonly openBridge: Hex
  readonly l1CrossDomainMessenger?: Hex | undefined
  readonly l1StandardBridge?: Hex | undefined
  readonly l1Erc721Bridge?: Hex | undefined
}

/**
 * Puts every predeploy into the state: proxies over the whole namespace, implementations by running their constructors,
 * proxy storage by calling their initialisers. Spec: protocol/predeploys.md.
 */
export async function placePredeploys(evm: GenesisEvm, config: DeployConfig, l1: L1Counterparts): Promise<void> {
  await placeProxies(evm)
  await placeProxyAdmin(evm, config.proxyAdminOwner)
  for (const { name, address, source, args } of implementations(config)) {
    await placeImplementation(evm, name, address, source, args)
  }
  await placeOpenLedger(evm, config, l1.openBridge)
  await placeUnproxied(evm, 'WOPEN', predeploys.wopen)
  await placePrecompiles(evm)
  await initializePackaged(evm, l1)
  await initializeFeeVaults(evm, config)
  await activateForks(evm)
  if (config.customGasToken !== null) await initializeGasToken(evm, config)
}

/** Where a predeploy's implementation stands: OP's code namespace and the predeploy's last two bytes, or ours. */
export function implementationAddress(proxy: Hex): Hex {
  const prefix = proxy.startsWith(openLedgerNamespace) ? '0x4f4cc0d3' : '0xc0d3c0d3'
  return `${prefix}${'c0d3'.repeat(7)}${proxy.slice(-4)}`
}

/** Predeploys that have proxies by the OP Stack's rule. Spec: protocol/predeploys.md, "Overview". */
const proxyCount = 2048
const openLedgerNamespace = '0x4f4c'
const unproxied: readonly Hex[] = [predeploys.wopen, '0x4200000000000000000000000000000000000042']

type Implementation = {
  readonly name: string
  readonly address: Hex
  readonly source: 'ours' | 'package'
  readonly args: readonly unknown[]
}

function implementations(config: DeployConfig): Implementation[] {
  const ours = (name: string, address: Hex): Implementation => ({ name, address, source: 'ours', args: [] })
  const packaged = (name: string, address: Hex, args: readonly unknown[] = []): Implementation => ({
    name,
    address,
    source: 'package',
    args,
  })
  return [
    packaged('LegacyMessagePasser', predeploys.legacyMessagePasser),
    packaged('DeployerWhitelist', predeploys.deployerWhitelist),
    packaged('L2CrossDomainMessenger', predeploys.l2CrossDomainMessenger),
    ours('GasPriceOracle', predeploys.gasPriceOracle),
    packaged('L2StandardBridge', predeploys.l2StandardBridge),
    ours('SequencerFeeVault', predeploys.sequencerFeeVault),
    packaged('OptimismMintableERC20Factory', predeploys.optimismMintableErc20Factory),
    packaged('L1BlockNumber', predeploys.l1BlockNumber),
    packaged('L2ERC721Bridge', predeploys.l2Erc721Bridge),
    ours('L1Block', predeploys.l1Block),
    ours('L2ToL1MessagePasser', predeploys.l2ToL1MessagePasser),
    packaged('OptimismMintableERC721Factory', predeploys.optimismMintableErc721Factory, [
      predeploys.l2Erc721Bridge,
      config.l1ChainId,
    ]),
    packaged('ProxyAdmin', predeploys.proxyAdmin, [config.proxyAdminOwner]),
    ours('BaseFeeVault', predeploys.baseFeeVault),
    ours('L1FeeVault', predeploys.l1FeeVault),
    ours('OperatorFeeVault', predeploys.operatorFeeVault),
    packaged('SchemaRegistry', predeploys.schemaRegistry),
    packaged('EAS', predeploys.eas),
    ...(config.customGasToken === null
      ? []
      : [
          ours('NativeAssetLiquidity', predeploys.nativeAssetLiquidity),
          ours('LiquidityController', predeploys.liquidityController),
          ours('FeeSplitter', predeploys.feeSplitter),
        ]),
  ]
}

async function placeProxies(evm: GenesisEvm): Promise<void> {
  const first = namespaceAddress(0)
  const { abi, creationCode } = packageContract('Proxy')
  await evm.place(first, abi, creationCode, [predeploys.proxyAdmin])
  const model = evm.state.account(first)
  checkCodeHash('runtime', 'Proxy', model.code)
  const others = Array.from({ length: proxyCount - 1 }, (_, index) => namespaceAddress(index + 1))
  for (const address of others) {
    if (unproxied.includes(address)) continue
    const account = evm.state.account(address)
    account.code = model.code
    for (const [slot, value] of model.storage) account.storage.set(slot, value)
  }
}

function namespaceAddress(index: number): Hex {
  return `0x4200${index.toString(16).padStart(36, '0')}`
}

/** The ProxyAdmin is proxied too, and has no initialiser: its constructor writes its owner to the proxy's storage. */
async function placeProxyAdmin(evm: GenesisEvm, owner: Hex): Promise<void> {
  const { abi, creationCode } = packageContract('ProxyAdmin')
  await evm.construct(predeploys.proxyAdmin, abi, creationCode, [owner])
}

async function placeImplementation(
  evm: GenesisEvm,
  name: string,
  proxy: Hex,
  source: 'ours' | 'package',
  args: readonly unknown[],
  admin: Hex = predeploys.proxyAdmin,
): Promise<void> {
  const { abi, creationCode } = source === 'package' ? packageContract(name) : ourContract(name)
  const address = implementationAddress(proxy)
  await evm.place(address, abi, creationCode, args)
  if (!chainDependent.includes(name)) checkCodeHash('runtime', name, evm.state.account(address).code)
  await evm.call({ abi: packageContract('Proxy').abi, address: proxy }, 'upgradeTo', [address], {
    from: admin,
  })
}

/** OpenLedger's own contracts, each behind a proxy of its admin; the two timelocks, which nobody upgrades. */
async function placeOpenLedger(evm: GenesisEvm, config: DeployConfig, l1Bridge: Hex): Promise<void> {
  const { timelock, moneyTimelock, governor, gopen } = openLedgerPredeploys
  const hasOpen = config.customGasToken !== null
  const { timelockDelaySeconds, timelockGraceSeconds, timelockProposer } = config
  await placeUnproxied(evm, 'Timelock', timelock, [
    timelockDelaySeconds,
    timelockGraceSeconds,
    hasOpen ? governor : zeroAddress,
    timelockProposer,
  ])
  await placeUnproxied(evm, 'MoneyTimelock', moneyTimelock, [config.challengeWindowSeconds, timelock])
  if (hasOpen) {
    await placeUnproxied(evm, 'GOPEN', gopen)
    const { votingDelaySeconds, votingPeriodSeconds } = config
    await placeUnproxied(evm, 'OpenLedgerGovernor', governor, [
      gopen,
      timelock,
      votingDelaySeconds,
      votingPeriodSeconds,
    ])
    for (const { name, address } of openLedgerUnproxied) await placeUnproxied(evm, name, address)
  }
  const proxy = packageContract('Proxy')
  for (const { name, address, admin, initialize } of openLedgerContracts(config, l1Bridge)) {
    await evm.place(address, proxy.abi, proxy.creationCode, [admin])
    await placeImplementation(evm, name, address, 'ours', [], admin)
    if (initialize !== undefined) await evm.call(ours(name, address), 'initialize', initialize)
  }
}

async function placeUnproxied(
  evm: GenesisEvm,
  name: string,
  address: Hex,
  args: readonly unknown[] = [],
): Promise<void> {
  const { abi, creationCode } = ourContract(name)
  await evm.place(address, abi, creationCode, args)
  if (!chainDependent.includes(name)) checkCodeHash('runtime', name, evm.state.account(address).code)
}

/** Bytecode of the custom precompiles, for engines that have no native ones. */
async function placePrecompiles(evm: GenesisEvm): Promise<void> {
  for (const { name, address } of precompiles) await placeUnproxied(evm, name, address)
}

function ourContract(name: string): { abi: readonly unknown[]; creationCode: Uint8Array } {
  const { abi, bytecode } = loadArtifact(name)
  return { abi, creationCode: hexToBytes(bytecode) }
}

function ours(name: string, address: Hex): Target {
  return { abi: loadArtifact(name).abi, address }
}

async function initializePackaged(evm: GenesisEvm, l1: L1Counterparts): Promise<void> {
  const initialize = (name: string, address: Hex, counterpart: Hex) =>
    evm.call({ abi: packageContract(name).abi, address }, 'initialize', [counterpart])
  await initialize(
    'L2CrossDomainMessenger',
    predeploys.l2CrossDomainMessenger,
    l1.l1CrossDomainMessenger ?? zeroAddress,
  )
  await initialize('L2StandardBridge', predeploys.l2StandardBridge, l1.l1StandardBridge ?? zeroAddress)
  await initialize('L2ERC721Bridge', predeploys.l2Erc721Bridge, l1.l1Erc721Bridge ?? zeroAddress)
  await initialize('OptimismMintableERC20Factory', predeploys.optimismMintableErc20Factory, predeploys.l2StandardBridge)
}

/** FeeVault.WithdrawalNetwork. A chain with its own gas token must pay out on the L2 (custom-gas-token/predeploys.md). */
const withdrawalNetwork = { l1: 0, l2: 1 } as const

async function initializeFeeVaults(evm: GenesisEvm, config: DeployConfig): Promise<void> {
  const network = config.customGasToken === null ? withdrawalNetwork.l1 : withdrawalNetwork.l2
  const vaults = [
    ['SequencerFeeVault', predeploys.sequencerFeeVault],
    ['BaseFeeVault', predeploys.baseFeeVault],
    ['L1FeeVault', predeploys.l1FeeVault],
    ['OperatorFeeVault', predeploys.operatorFeeVault],
  ] as const
  for (const [name, address] of vaults) {
    await evm.call(ours(name, address), 'initialize', [config.feeRecipient, config.feeVaultMinimumWithdrawal, network])
  }
}

async function activateForks(evm: GenesisEvm): Promise<void> {
  const oracle = ours('GasPriceOracle', predeploys.gasPriceOracle)
  for (const setter of ['setEcotone', 'setFjord', 'setIsthmus', 'setJovian']) {
    await evm.call(oracle, setter, [], { from: depositorAccount })
  }
}

async function initializeGasToken(evm: GenesisEvm, config: DeployConfig): Promise<void> {
  await evm.call(ours('FeeSplitter', predeploys.feeSplitter), 'initialize', [openLedgerPredeploys.feeShares])
  const { name, symbol } = config.customGasToken ?? { name: '', symbol: '' }
  const controller = ours('LiquidityController', predeploys.liquidityController)
  await evm.call(controller, 'initialize', [name, symbol])
  // The bridge mints and burns, the burner has code to burn alone.
  for (const minter of [openLedgerPredeploys.openBridge, openLedgerPredeploys.openBurner]) {
    await evm.call(controller, 'authorizeMinter', [minter], { from: config.proxyAdminOwner })
  }
  await evm.call(ours('L1Block', predeploys.l1Block), 'setCustomGasToken', [], { from: depositorAccount })
}
