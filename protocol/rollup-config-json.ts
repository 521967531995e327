import type { BlockId } from './block-ref.ts'
import {
  bytesToHex,
  concatBytes,
  FormatError,
  fixedHex,
  type Hex,
  hexToBytes,
  uintBytes,
  zeroAddress,
  zeroHash,
} from './bytes.ts'
import { type ForkTimes, type Hardfork, hardforks } from './hardforks.ts'
import { asAddress, asObject, jsonNumber, optionalUint, refuseUnknownKeys, uintNumber } from './json-fields.ts'
import { encodeFeeScalars, encodeOperatorFeeParams } from './l1-info.ts'
import type { FeeConstants, RollupConfig } from './rollup-config.ts'
import type { SystemConfig } from './system-config.ts'

type Json = Readonly<Record<string, unknown>>

/** OP Mainnet's, which op-node takes where rollup.json has no `chain_op_config`. */
export const feeConstantsDefault: FeeConstants = {
  eip1559Elasticity: 6n,
  eip1559Denominator: 50n,
  eip1559DenominatorCanyon: 250n,
}

/** Reads rollup.json. Strict: an unknown field, alternative data availability or an impossible value throws {@link FormatError}. */
export function parseRollupConfig(json: unknown): RollupConfig {
  const object = asObject(json, 'rollup config')
  refuseUnknownKeys(object, rollupKeys, 'rollup config')
  refuseAltDa(object)
  const genesis = asObject(object['genesis'], 'genesis')
  refuseUnknownKeys(genesis, genesisKeys, 'genesis')
  const config: RollupConfig = {
    genesis: {
      l1: blockId(genesis['l1'], 'genesis.l1'),
      l2: blockId(genesis['l2'], 'genesis.l2'),
      l2Time: uintNumber(genesis['l2_time'], 'genesis.l2_time'),
      systemConfig: parseSystemConfig(genesis['system_config']),
    },
    blockTime: uintNumber(object['block_time'], 'block_time'),
    maxSequencerDrift: uintNumber(object['max_sequencer_drift'], 'max_sequencer_drift'),
    seqWindowSize: uintNumber(object['seq_window_size'], 'seq_window_size'),
    channelTimeout: uintNumber(object['channel_timeout'], 'channel_timeout'),
    l1ChainId: uintNumber(object['l1_chain_id'], 'l1_chain_id', 256),
    l2ChainId: uintNumber(object['l2_chain_id'], 'l2_chain_id', 256),
    forkTimes: forkTimes(object),
    ...present(
      'pectraBlobScheduleTime',
      optionalUint(object['pectra_blob_schedule_time'], 'pectra_blob_schedule_time'),
    ),
    ...present('keepKarstUpgradeGas', optionalBoolean(object['keep_karst_upgrade_gas'], 'keep_karst_upgrade_gas')),
    batchInboxAddress: asAddress(object['batch_inbox_address'], 'batch_inbox_address'),
    depositContractAddress: asAddress(object['deposit_contract_address'], 'deposit_contract_address'),
    l1SystemConfigAddress: asAddress(object['l1_system_config_address'], 'l1_system_config_address'),
    protocolVersionsAddress: asAddress(object['protocol_versions_address'] ?? zeroAddress, 'protocol_versions_address'),
    feeConstants: feeConstants(object['chain_op_config']),
  }
  checkRollupConfig(config)
  return config
}

/** Writes rollup.json with keys that every op-node knows; what is unset or zero and newer than Holocene is left out. */
export function rollupConfigJson(config: RollupConfig): Record<string, unknown> {
  const { genesis } = config
  const times = Object.entries(forkKeys).map(
    ([fork, [key]]) => [key, config.forkTimes[fork as keyof ForkTimes]] as const,
  )
  return {
    genesis: {
      l1: blockIdJson(genesis.l1),
      l2: blockIdJson(genesis.l2),
      l2_time: jsonNumber(genesis.l2Time),
      system_config: systemConfigJson(genesis.systemConfig),
    },
    block_time: jsonNumber(config.blockTime),
    max_sequencer_drift: jsonNumber(config.maxSequencerDrift),
    seq_window_size: jsonNumber(config.seqWindowSize),
    channel_timeout: jsonNumber(config.channelTimeout),
    l1_chain_id: jsonNumber(config.l1ChainId),
    l2_chain_id: jsonNumber(config.l2ChainId),
    ...Object.fromEntries(times.flatMap(([key, time]) => (time === undefined ? [] : [[key, jsonNumber(time)]]))),
    ...(config.pectraBlobScheduleTime === undefined
      ? {}
      : { pectra_blob_schedule_time: jsonNumber(config.pectraBlobScheduleTime) }),
    ...(config.keepKarstUpgradeGas === undefined ? {} : { keep_karst_upgrade_gas: config.keepKarstUpgradeGas }),
    batch_inbox_address: config.batchInboxAddress,
    deposit_contract_address: config.depositContractAddress,
    l1_system_config_address: config.l1SystemConfigAddress,
    protocol_versions_address: config.protocolVersionsAddress,
    chain_op_config: {
      eip1559Elasticity: jsonNumber(config.feeConstants.eip1559Elasticity),
      eip1559Denominator: jsonNumber(config.feeConstants.eip1559Denominator),
      eip1559DenominatorCanyon: jsonNumber(config.feeConstants.eip1559DenominatorCanyon),
    },
  }
}

/** Reads a system config in the spelling of op-node or of kona. Throws {@link FormatError}. */
export function parseSystemConfig(json: unknown): SystemConfig {
  const object = asObject(json, 'system config')
  refuseUnknownKeys(object, systemConfigKeys, 'system config')
  const uint = (key: string, bits: number) => optionalUint(object[key], `system config ${key}`, bits)
  return {
    batcherAddr: asAddress(object['batcherAddr'] ?? object['batcherAddress'], 'batcherAddr'),
    overhead: hash(object['overhead'] ?? zeroHash, 'overhead'),
    scalar: systemConfigScalar(object),
    gasLimit: uintNumber(object['gasLimit'], 'gasLimit'),
    eip1559Params: systemConfigFeeParams(object),
    operatorFeeParams:
      object['operatorFeeParams'] === undefined || object['operatorFeeParams'] === null
        ? encodeOperatorFeeParams(Number(uint('operatorFeeScalar', 32) ?? 0n), uint('operatorFeeConstant', 64) ?? 0n)
        : hash(object['operatorFeeParams'], 'operatorFeeParams'),
    minBaseFee: uint('minBaseFee', 64) ?? 0n,
    daFootprintGasScalar: Number(uint('daFootprintGasScalar', 16) ?? 0n),
  }
}

/** op-node's form of a system config; fields of later forks are left out while they are zero. */
export function systemConfigJson(config: SystemConfig): Record<string, unknown> {
  const isZero = (hex: Hex) => /^0x0*$/.test(hex)
  return {
    batcherAddr: config.batcherAddr,
    overhead: config.overhead,
    scalar: config.scalar,
    gasLimit: jsonNumber(config.gasLimit),
    ...(isZero(config.eip1559Params) ? {} : { eip1559Params: config.eip1559Params }),
    ...(isZero(config.operatorFeeParams) ? {} : { operatorFeeParams: config.operatorFeeParams }),
    ...(config.minBaseFee === 0n ? {} : { minBaseFee: jsonNumber(config.minBaseFee) }),
    ...(config.daFootprintGasScalar === 0 ? {} : { daFootprintGasScalar: config.daFootprintGasScalar }),
  }
}

const forkKeys: Record<Exclude<Hardfork, 'bedrock'>, readonly [string, ...string[]]> = {
  regolith: ['regolith_time'],
  canyon: ['canyon_time'],
  delta: ['delta_time'],
  ecotone: ['ecotone_time'],
  fjord: ['fjord_time'],
  granite: ['granite_time'],
  holocene: ['holocene_time'],
  isthmus: ['isthmus_time'],
  jovian: ['jovian_time'],
  karst: ['karst_time'],
}

/** What op-node and kona write; the last rows are read by other parts of those stacks only. */
const rollupKeys = new Set([
  'genesis',
  'block_time',
  'max_sequencer_drift',
  'seq_window_size',
  'channel_timeout',
  'l1_chain_id',
  'l2_chain_id',
  ...Object.values(forkKeys).flat(),
  'lagoon_time',
  'interop_time',
  'pectra_blob_schedule_time',
  'keep_karst_upgrade_gas',
  'batch_inbox_address',
  'deposit_contract_address',
  'l1_system_config_address',
  'protocol_versions_address',
  'chain_op_config',
  'alt_da',
  'da_challenge_address',
  'da_challenge_window',
  'da_resolve_window',
  'granite_channel_timeout',
  'superchain_config_address',
  'interop_message_expiry_window',
])
const genesisKeys = new Set(['l1', 'l2', 'l2_time', 'system_config'])
const blockIdKeys = new Set(['hash', 'number'])
const systemConfigKeys = new Set([
  'batcherAddr',
  'batcherAddress',
  'overhead',
  'scalar',
  'gasLimit',
  'eip1559Params',
  'operatorFeeParams',
  'minBaseFee',
  'daFootprintGasScalar',
  'baseFeeScalar',
  'blobBaseFeeScalar',
  'eip1559Denominator',
  'eip1559Elasticity',
  'operatorFeeScalar',
  'operatorFeeConstant',
])
const feeConstantKeys = {
  eip1559Elasticity: 'eip1559_elasticity',
  eip1559Denominator: 'eip1559_denominator',
  eip1559DenominatorCanyon: 'eip1559_denominator_canyon',
} as const
const feeConstantKnown = new Set(Object.entries(feeConstantKeys).flat())

function refuseAltDa(object: Json): void {
  const asked = ['alt_da', 'da_challenge_address'].find((key) => object[key] !== undefined && object[key] !== null)
  if (asked !== undefined) {
    throw new FormatError(
      `rollup config asks for alternative data availability (${asked}), which this node does not support`,
    )
  }
  for (const key of ['lagoon_time', 'interop_time']) {
    if (object[key] !== undefined && object[key] !== null) {
      throw new FormatError(`rollup config schedules ${key}, a fork this node does not know`)
    }
  }
}

function forkTimes(object: Json): ForkTimes {
  const times: { -readonly [F in keyof ForkTimes]: bigint } = {}
  for (const fork of hardforks) {
    if (fork === 'bedrock') continue
    const [key] = forkKeys[fork]
    const time = optionalUint(object[key], key)
    if (time !== undefined) times[fork] = time
  }
  return times
}

/** Rules of op-node's `Config.Check`, which also orders the forks. */
function checkRollupConfig(config: RollupConfig): void {
  const require = (holds: boolean, rule: string) => {
    if (!holds) throw new FormatError(`rollup config: ${rule}`)
  }
  require(config.blockTime > 0n, 'block_time must be positive')
  require(config.channelTimeout > 0n, 'channel_timeout must be positive')
  require(config.seqWindowSize >= 2n, 'seq_window_size must be at least 2')
  require(config.genesis.l1.hash !== zeroHash, 'genesis.l1.hash is zero')
  require(config.genesis.l2.hash !== zeroHash, 'genesis.l2.hash is zero')
  require(config.genesis.l1.hash !== config.genesis.l2.hash, 'genesis of L1 and L2 are the same block')
  require(config.genesis.l2Time > 0n, 'genesis.l2_time is zero')
  require(config.genesis.systemConfig.gasLimit > 0n, 'system_config.gasLimit is zero')
  require(config.genesis.systemConfig.batcherAddr !== zeroAddress, 'system_config.batcherAddr is zero')
  require(config.l1ChainId > 0n && config.l2ChainId > 0n, 'chain ids must be positive')
  require(config.l1ChainId !== config.l2ChainId, 'L1 and L2 must have different chain ids')
  require(config.batchInboxAddress !== zeroAddress, 'batch_inbox_address is zero')
  require(config.depositContractAddress !== zeroAddress, 'deposit_contract_address is zero')
  require(config.l1SystemConfigAddress !== zeroAddress, 'l1_system_config_address is zero')
  checkForkOrder(config.forkTimes)
}

/**
 * Each fork needs the one before it, not later than itself. Regolith is excepted: kona leaves it out where it is active
 * from genesis, as it is on every chain but a few of 2023.
 */
function checkForkOrder(times: ForkTimes): void {
  let previous: { fork: Hardfork; time: bigint | undefined } = { fork: 'bedrock', time: 0n }
  for (const fork of hardforks) {
    if (fork === 'bedrock') continue
    const time = times[fork]
    if (fork === 'regolith' && time === undefined) continue
    if (time !== undefined && (previous.time === undefined || time < previous.time)) {
      throw new FormatError(`rollup config: ${fork} is set, but ${previous.fork} is not set before it`)
    }
    previous = { fork, time }
  }
}

function feeConstants(json: unknown): FeeConstants {
  if (json === undefined || json === null) return feeConstantsDefault
  const object = asObject(json, 'chain_op_config')
  refuseUnknownKeys(object, feeConstantKnown, 'chain_op_config')
  const value = (key: keyof typeof feeConstantKeys) => {
    const uint = optionalUint(object[key] ?? object[feeConstantKeys[key]], `chain_op_config.${key}`)
    if (uint === 0n) throw new FormatError(`chain_op_config.${key} is zero`)
    return uint
  }
  const eip1559Denominator = value('eip1559Denominator')
  const eip1559Elasticity = value('eip1559Elasticity')
  if (eip1559Denominator === undefined || eip1559Elasticity === undefined) {
    throw new FormatError('chain_op_config needs eip1559Elasticity and eip1559Denominator')
  }
  return {
    eip1559Elasticity,
    eip1559Denominator,
    eip1559DenominatorCanyon: value('eip1559DenominatorCanyon') ?? eip1559Denominator,
  }
}

function systemConfigScalar(object: Json): Hex {
  const base = optionalUint(object['baseFeeScalar'], 'baseFeeScalar', 32)
  const blob = optionalUint(object['blobBaseFeeScalar'], 'blobBaseFeeScalar', 32)
  if (base === undefined && blob === undefined) return hash(object['scalar'] ?? zeroHash, 'scalar')
  return encodeFeeScalars({ baseFeeScalar: Number(base ?? 0n), blobBaseFeeScalar: Number(blob ?? 0n) })
}

function systemConfigFeeParams(object: Json): Hex {
  if (object['eip1559Params'] !== undefined && object['eip1559Params'] !== null) {
    return fixedHex(object['eip1559Params'], 8, 'eip1559Params')
  }
  const denominator = optionalUint(object['eip1559Denominator'], 'eip1559Denominator', 32) ?? 0n
  const elasticity = optionalUint(object['eip1559Elasticity'], 'eip1559Elasticity', 32) ?? 0n
  return bytesToHex(concatBytes(uintBytes(denominator, 4), uintBytes(elasticity, 4)))
}

/** 32 bytes; kona writes the number in fewer digits. */
function hash(value: unknown, what: string): Hex {
  if (typeof value === 'string' && /^0x[0-9a-fA-F]{1,64}$/.test(value)) {
    return bytesToHex(hexToBytes(`0x${value.slice(2).padStart(64, '0')}`))
  }
  return fixedHex(value, 32, what)
}

function blockId(json: unknown, what: string): BlockId {
  const object = asObject(json, what)
  refuseUnknownKeys(object, blockIdKeys, what)
  return { hash: fixedHex(object['hash'], 32, `${what}.hash`), number: uintNumber(object['number'], `${what}.number`) }
}

function blockIdJson(id: BlockId): Record<string, unknown> {
  return { hash: id.hash, number: jsonNumber(id.number) }
}

function optionalBoolean(value: unknown, what: string): boolean | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'boolean') throw new FormatError(`${what} must be true or false`)
  return value
}

function present<K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: T })
}
