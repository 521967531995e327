import { predeploys } from '../contracts/addresses.ts'
import { bytesToHex, concatBytes, type Hex, padLeft, quantity, uintBytes, zeroHash } from '../protocol/bytes.ts'
import { genesisHeader, parseGenesis } from '../protocol/genesis-file.ts'
import { headerHash } from '../protocol/header.ts'
import type { RollupConfig } from '../protocol/rollup-config.ts'
import { rollupConfigJson } from '../protocol/rollup-config-json.ts'
import type { SystemConfig } from '../protocol/system-config.ts'
import { checkDeployConfig, type DeployConfig } from './deploy-config.ts'
import type { L1Addresses, L1Start } from './deploy-l1.ts'
import { GenesisError } from './genesis-error.ts'
import { GenesisEvm } from './genesis-evm.ts'
import { checkLayouts } from './layouts.ts'
import type { MemoryState, StateAccount } from './memory-state.ts'
import { type L1Counterparts, placePredeploys } from './predeploys.ts'
import { preinstalls } from './preinstalls.ts'
import { genesisLiquidity, openSupply } from './supply.ts'
import { placeSystemContracts } from './system-contracts.ts'

/** L1 contracts as the genesis needs to know them. */
export type GenesisL1Addresses = Pick<L1Addresses, 'systemConfig' | 'optimismPortal'> & L1Counterparts

/** A new chain: op-geth's genesis.json and op-node's rollup.json, ready to be written. */
export type BuiltGenesis = {
  readonly genesis: Record<string, unknown>
  readonly rollup: Record<string, unknown>
  readonly rollupConfig: RollupConfig
}

/** Makes a chain's genesis; the same arguments give the same bytes. */
export async function buildGenesis(
  config: DeployConfig,
  l1Start: L1Start,
  l1Addresses: GenesisL1Addresses,
): Promise<BuiltGenesis> {
  checkDeployConfig(config)
  const evm = await GenesisEvm.create(config.l2ChainId, l1Start.timestamp)
  await placePredeploys(evm, config, l1Addresses)
  placeSystemContracts(evm.state)
  placePreinstalls(evm.state, config.l2ChainId)
  fundAccounts(evm.state, config)
  checkLayouts(evm.state, config, l1Addresses)
  const genesis = genesisJson(config, l1Start, evm.state)
  const rollupConfig = rollupConfigOf(config, l1Start, l1Addresses, genesisHash(genesis))
  return { genesis, rollup: rollupConfigJson(rollupConfig), rollupConfig }
}

/** JSON text of a genesis or rollup file: two spaces, a final line feed, always the same. */
export function genesisFileText(json: Record<string, unknown>): string {
  return `${JSON.stringify(json, null, 2)}\n`
}

function placePreinstalls(state: MemoryState, chainId: bigint): void {
  for (const { address, code } of preinstalls(chainId)) {
    const account = state.account(address)
    account.code = code
    account.nonce = 1n
  }
}

function fundAccounts(state: MemoryState, config: DeployConfig): void {
  for (const { address, balance } of config.fundedAccounts) {
    const account = state.account(address)
    if (account.code.length > 0) throw new GenesisError('config', `deploy config: ${address} is a contract's address`)
    account.balance = balance
  }
  if (config.customGasToken === null) return
  state.account(predeploys.nativeAssetLiquidity).balance = genesisLiquidity(config)
  const total = [...state.accounts.values()].reduce((sum, { balance }) => sum + balance, 0n)
  if (total !== openSupply) throw new GenesisError('supply', `balances sum to ${total} wei instead of ${openSupply}`)
}

/** Base fee of block 0; op-geth's default. */
const initialBaseFee = 1_000_000_000n

function genesisJson(config: DeployConfig, l1Start: L1Start, state: MemoryState): Record<string, unknown> {
  return {
    config: chainConfig(config),
    nonce: '0x0',
    timestamp: quantity(l1Start.timestamp),
    extraData: jovianExtraData(config),
    gasLimit: quantity(config.l2GasLimit),
    difficulty: '0x0',
    mixHash: zeroHash,
    coinbase: predeploys.sequencerFeeVault,
    alloc: allocJson(state),
    number: '0x0',
    gasUsed: '0x0',
    parentHash: zeroHash,
    baseFeePerGas: quantity(initialBaseFee),
    excessBlobGas: '0x0',
    blobGasUsed: '0x0',
  }
}

/** Every fork through Jovian from block 0; Karst unset (op-geth ends at Jovian). */
function chainConfig(config: DeployConfig): Record<string, unknown> {
  const blocks = [
    'homestead',
    'eip150',
    'eip155',
    'eip158',
    'byzantium',
    'constantinople',
    'petersburg',
    'istanbul',
    'muirGlacier',
    'berlin',
    'london',
    'arrowGlacier',
    'grayGlacier',
    'mergeNetsplit',
  ]
  const l1Forks = ['shanghai', 'cancun', 'prague']
  const l2Forks = ['regolith', 'canyon', 'ecotone', 'fjord', 'granite', 'holocene', 'isthmus', 'jovian']
  return {
    chainId: Number(config.l2ChainId),
    ...Object.fromEntries(blocks.map((name) => [`${name}Block`, 0])),
    ...Object.fromEntries(l1Forks.map((name) => [`${name}Time`, 0])),
    bedrockBlock: 0,
    ...Object.fromEntries(l2Forks.map((name) => [`${name}Time`, 0])),
    terminalTotalDifficulty: 0,
    terminalTotalDifficultyPassed: true,
    optimism: {
      eip1559Elasticity: Number(config.eip1559Elasticity),
      eip1559Denominator: Number(config.eip1559Denominator),
      eip1559DenominatorCanyon: Number(config.eip1559Denominator),
    },
  }
}

/** Version 1, denominator, elasticity, minimum base fee 0. Spec: protocol/jovian/exec-engine.md. */
function jovianExtraData(config: DeployConfig): Hex {
  return bytesToHex(
    concatBytes(
      Uint8Array.of(1),
      uintBytes(config.eip1559Denominator, 4),
      uintBytes(config.eip1559Elasticity, 4),
      uintBytes(0n, 8),
    ),
  )
}

function allocJson(state: MemoryState): Record<string, unknown> {
  const entries = [...state.accounts]
    .filter(([, account]) => !isEmpty(account))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([address, account]) => [address, accountJson(account)] as const)
  return Object.fromEntries(entries)
}

function isEmpty({ nonce, balance, code, storage }: StateAccount): boolean {
  return nonce === 0n && balance === 0n && code.length === 0 && storage.size === 0
}

/** op-geth wants a balance in every account and no empty fields. */
function accountJson({ nonce, balance, code, storage }: StateAccount): Record<string, unknown> {
  const slots = [...storage]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([slot, value]) => [slot, bytesToHex(padLeft(value, 32))] as const)
  return {
    ...(code.length === 0 ? {} : { code: bytesToHex(code) }),
    ...(slots.length === 0 ? {} : { storage: Object.fromEntries(slots) }),
    balance: quantity(balance),
    ...(nonce === 0n ? {} : { nonce: quantity(nonce) }),
  }
}

function genesisHash(genesis: Record<string, unknown>): Hex {
  return bytesToHex(headerHash(genesisHeader(parseGenesis(genesis)).header))
}

function rollupConfigOf(
  config: DeployConfig,
  l1Start: L1Start,
  l1Addresses: GenesisL1Addresses,
  l2Hash: Hex,
): RollupConfig {
  const forks = ['regolith', 'canyon', 'delta', 'ecotone', 'fjord', 'granite', 'holocene', 'isthmus', 'jovian']
  return {
    genesis: {
      l1: { hash: l1Start.hash, number: l1Start.number },
      l2: { hash: l2Hash, number: 0n },
      l2Time: l1Start.timestamp,
      systemConfig: initialSystemConfig(config),
    },
    blockTime: config.l2BlockTime,
    maxSequencerDrift: config.maxSequencerDrift,
    seqWindowSize: config.sequencerWindowSize,
    channelTimeout: config.channelTimeout,
    l1ChainId: config.l1ChainId,
    l2ChainId: config.l2ChainId,
    forkTimes: Object.fromEntries(forks.map((fork) => [fork, 0n])),
    batchInboxAddress: config.batchInboxAddress,
    depositContractAddress: l1Addresses.optimismPortal,
    l1SystemConfigAddress: l1Addresses.systemConfig,
    protocolVersionsAddress: `0x${'00'.repeat(20)}`,
    feeConstants: {
      eip1559Elasticity: config.eip1559Elasticity,
      eip1559Denominator: config.eip1559Denominator,
      eip1559DenominatorCanyon: config.eip1559Denominator,
    },
  }
}

/** What SystemConfig holds after its constructor: what no update has touched yet is zero. */
function initialSystemConfig(config: DeployConfig): SystemConfig {
  const scalar = concatBytes(
    Uint8Array.of(1),
    new Uint8Array(23),
    uintBytes(config.blobBaseFeeScalar, 4),
    uintBytes(config.baseFeeScalar, 4),
  )
  return {
    batcherAddr: config.batchSenderAddress,
    overhead: zeroHash,
    scalar: bytesToHex(scalar),
    gasLimit: config.l2GasLimit,
    eip1559Params: bytesToHex(new Uint8Array(8)),
    operatorFeeParams: zeroHash,
    minBaseFee: 0n,
    daFootprintGasScalar: 0,
  }
}
