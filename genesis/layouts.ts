import { openLedgerPredeploys, predeploys } from '../contracts/addresses.ts'
import { loadArtifact } from '../contracts/artifact.ts'
import { bytesToBigint, bytesToHex, type Hex, padLeft, uintBytes } from '../protocol/bytes.ts'
import type { DeployConfig } from './deploy-config.ts'
import { GenesisError } from './genesis-error.ts'
import type { MemoryState } from './memory-state.ts'
import type { L1Counterparts } from './predeploys.ts'

/**
 * Compares the state with what the compiler says of it: engine and clients read these slots directly, so a contract
 * whose layout moved must not get into a genesis.
 */
export function checkLayouts(state: MemoryState, config: DeployConfig, l1: L1Counterparts): void {
  for (const [label, slot, offset] of l1BlockLayout) requireAt('L1Block', label, slot, offset)
  requireAt('L2ToL1MessagePasser', 'sentMessages', 0, 0)
  for (const [contract, address, label, value] of initialValues(config, l1)) {
    const actual = readVariable(state, contract, address, label)
    if (actual !== value) {
      throw new GenesisError('bytecode', `${contract}.${label} at ${address} holds ${actual}, expected ${value}`)
    }
  }
}

/** A state variable of at most a word, found by the compiler's layout. */
function readVariable(state: MemoryState, contract: string, address: Hex, label: string): bigint {
  const variable = loadArtifact(contract).storageLayout.find((entry) => entry.label === label)
  if (variable === undefined) throw new GenesisError('bytecode', `${contract} has no state variable ${label}`)
  const slot = bytesToHex(uintBytes(variable.slot, 32))
  const word = padLeft(state.account(address).storage.get(slot) ?? new Uint8Array(0), 32)
  return bytesToBigint(word.subarray(32 - variable.offset - variable.bytes, 32 - variable.offset))
}

/** Slots that engines read or derive fees from. Spec: protocol/exec-engine.md, isthmus and jovian exec-engine.md. */
const l1BlockLayout = [
  ['number', 0, 0],
  ['timestamp', 0, 8],
  ['basefee', 1, 0],
  ['hash', 2, 0],
  ['sequenceNumber', 3, 0],
  ['blobBaseFeeScalar', 3, 8],
  ['baseFeeScalar', 3, 12],
  ['batcherHash', 4, 0],
  ['l1FeeOverhead', 5, 0],
  ['l1FeeScalar', 6, 0],
  ['blobBaseFee', 7, 0],
  ['operatorFeeConstant', 8, 0],
  ['operatorFeeScalar', 8, 8],
  ['daFootprintGasScalar', 8, 12],
] as const

function requireAt(contract: string, label: string, slot: number, offset: number): void {
  const found = loadArtifact(contract).storageLayout.find((entry) => entry.label === label)
  if (found?.slot === slot && found.offset === offset) return
  const where = found === undefined ? 'nowhere' : `slot ${found.slot}, offset ${found.offset}`
  throw new GenesisError('bytecode', `${contract}.${label} is at ${where}, must be at slot ${slot}, offset ${offset}`)
}

const day = 86_400n

/** What the contracts of money begin with. */
function moneyValues(config: DeployConfig, l1: L1Counterparts): Expectation[] {
  const { attributionLedger, inferenceMarket } = openLedgerPredeploys
  return [
    ['L2OpenBridge', openLedgerPredeploys.openBridge, 'l1Bridge', BigInt(l1.openBridge)],
    // The attributor, and behind it no epoch yet.
    ['AttributionLedger', attributionLedger, '_heads', BigInt(config.attributor)],
    ['AttributionLedger', attributionLedger, 'window', config.challengeWindowSeconds],
    ['InferenceMarket', inferenceMarket, 'window', config.challengeWindowSeconds],
    ['InferenceMarket', inferenceMarket, 'withdrawalDelay', config.channelWithdrawalDelaySeconds],
    ['WorkerRegistry', openLedgerPredeploys.workerRegistry, 'unbondingDelay', config.unbondingSeconds],
    ['RevenueSplitter', openLedgerPredeploys.revenueSplitter, 'currentShares', 1n],
    ['FeeSplitter', predeploys.feeSplitter, 'sharesCalculator', BigInt(openLedgerPredeploys.feeShares)],
    ['StakePool', openLedgerPredeploys.stakePool, 'nextStakeId', 0n],
    ['GOPEN', openLedgerPredeploys.gopen, '_totalSupply', 0n],
  ]
}

type Expectation = readonly [contract: string, address: Hex, label: string, value: bigint]

function initialValues(config: DeployConfig, l1: L1Counterparts): Expectation[] {
  const ownToken = config.customGasToken !== null
  const vaults: readonly (readonly [string, Hex])[] = [
    ['SequencerFeeVault', predeploys.sequencerFeeVault],
    ['BaseFeeVault', predeploys.baseFeeVault],
    ['L1FeeVault', predeploys.l1FeeVault],
    ['OperatorFeeVault', predeploys.operatorFeeVault],
  ]
  const [fortnight, twoWindows] = [14n * day, 2n * config.challengeWindowSeconds]
  const moneyDelay = twoWindows > fortnight ? twoWindows : fortnight
  const flags = ['isEcotone', 'isFjord', 'isIsthmus', 'isJovian']
  return [
    ...vaults.flatMap(([name, address]): Expectation[] => [
      [name, address, 'recipient', BigInt(config.feeRecipient)],
      [name, address, 'minWithdrawalAmount', config.feeVaultMinimumWithdrawal],
      [name, address, 'withdrawalNetwork', ownToken ? 1n : 0n],
    ]),
    ...flags.map((flag): Expectation => ['GasPriceOracle', predeploys.gasPriceOracle, flag, 1n]),
    ['L1Block', predeploys.l1Block, 'isCustomGasToken', ownToken ? 1n : 0n],
    ['DatanetRegistry', openLedgerPredeploys.datanetRegistry, 'datanetCount', 0n],
    ['MoneyTimelock', openLedgerPredeploys.moneyTimelock, 'delayFloor', moneyDelay],
    ['MoneyTimelock', openLedgerPredeploys.moneyTimelock, '_minDelay', moneyDelay],
    ['Timelock', openLedgerPredeploys.timelock, '_minDelay', config.timelockDelaySeconds],
    ['Timelock', openLedgerPredeploys.timelock, 'gracePeriod', config.timelockGraceSeconds],
    ...(ownToken ? moneyValues(config, l1) : []),
  ]
}
