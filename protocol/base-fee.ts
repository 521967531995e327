import { bytesToHex, concatBytes, FormatError, type Hex, hexToBytes, uintBytes } from './bytes.ts'
import type { PayloadAttributes } from './engine-api.ts'
import { type ForkTimes, isActive } from './hardforks.ts'
import type { Header } from './header.ts'
import type { FeeConstants, RollupConfig } from './rollup-config.ts'

/** What the base fee depends on beside the parent block. */
export type BaseFeeRules = Pick<RollupConfig, 'forkTimes' | 'feeConstants'>

/** Header fields of the parent that the base fee depends on. */
export type BaseFeeParent = Pick<
  Header,
  'baseFeePerGas' | 'gasLimit' | 'gasUsed' | 'blobGasUsed' | 'extraData' | 'timestamp'
>

/** EIP-1559 parameters as a header's extra data carries them. */
export type FeeParams = {
  readonly denominator: bigint
  readonly elasticity: bigint
  /** Present from Jovian. */
  readonly minBaseFee?: bigint | undefined
}

/**
 * Base fee of the block at `timestamp` above `parent`. Throws {@link FormatError} where the parent's extra data is
 * malformed. Spec: protocol/holocene/exec-engine.md and protocol/jovian/exec-engine.md, "Base Fee".
 */
export function nextBaseFee(rules: BaseFeeRules, parent: BaseFeeParent, timestamp: bigint): bigint {
  if (parent.baseFeePerGas === undefined) throw new FormatError('parent block has no base fee')
  const params = feeParamsAfter(rules, parent, timestamp)
  const isJovian = isActive(rules.forkTimes, 'jovian', parent.timestamp)
  const dataGas = isJovian ? (parent.blobGasUsed ?? 0n) : 0n
  const metered = dataGas > parent.gasUsed ? dataGas : parent.gasUsed
  const next = adjustBaseFee(parent.baseFeePerGas, parent.gasLimit, metered, params)
  const floor = params.minBaseFee ?? 0n
  return next < floor ? floor : next
}

/** Extra data of the block that `attributes` ask for; empty before Holocene. Throws {@link FormatError} for attributes the fork forbids. */
export function attributesExtraData(
  rules: BaseFeeRules,
  attributes: Pick<PayloadAttributes, 'timestamp' | 'eip1559Params' | 'minBaseFee'>,
): Uint8Array {
  const { timestamp, eip1559Params, minBaseFee } = attributes
  if (!isActive(rules.forkTimes, 'holocene', timestamp)) {
    if (eip1559Params !== undefined) throw new FormatError('eip1559Params before Holocene')
    if (minBaseFee !== undefined) throw new FormatError('minBaseFee before Holocene')
    return new Uint8Array(0)
  }
  if (eip1559Params === undefined) throw new FormatError('eip1559Params are missing')
  const params = resolveEip1559Params(rules.feeConstants, eip1559Params)
  if (!isActive(rules.forkTimes, 'jovian', timestamp)) {
    if (minBaseFee !== undefined) throw new FormatError('minBaseFee before Jovian')
    return encodeExtraData(params)
  }
  if (minBaseFee === undefined) throw new FormatError('minBaseFee is missing')
  return encodeExtraData({ ...params, minBaseFee })
}

/** Extra data: version 0, 9 bytes (Holocene), or with a minimum base fee version 1, 17 bytes (Jovian). */
export function encodeExtraData(params: FeeParams): Uint8Array {
  const fixed = [uintBytes(params.denominator, 4), uintBytes(params.elasticity, 4)]
  if (params.minBaseFee === undefined) return concatBytes(Uint8Array.of(0), ...fixed)
  return concatBytes(Uint8Array.of(1), ...fixed, uintBytes(params.minBaseFee, 8))
}

/** Reads extra data of a Holocene or (`jovian`) of a later block. Throws {@link FormatError}. */
export function decodeExtraData(extraData: Uint8Array, fork: 'holocene' | 'jovian'): FeeParams {
  const { version, length } = fork === 'holocene' ? { version: 0, length: 9 } : { version: 1, length: 17 }
  if (extraData.length !== length)
    throw new FormatError(`extra data of ${extraData.length} bytes, ${fork} wants ${length}`)
  if (extraData[0] !== version) throw new FormatError(`extra data of version ${extraData[0]}, ${fork} wants ${version}`)
  const view = new DataView(extraData.buffer, extraData.byteOffset, extraData.length)
  const denominator = BigInt(view.getUint32(1))
  if (denominator === 0n) throw new FormatError('extra data has a zero denominator')
  const elasticity = BigInt(view.getUint32(5))
  if (elasticity === 0n) throw new FormatError('extra data has a zero elasticity')
  return fork === 'holocene'
    ? { denominator, elasticity }
    : { denominator, elasticity, minBaseFee: view.getBigUint64(9) }
}

/** Reads extra data by the forks at the block's own timestamp; undefined before Holocene. Throws {@link FormatError}. */
export function blockFeeParams(forkTimes: ForkTimes, extraData: Uint8Array, timestamp: bigint): FeeParams | undefined {
  if (isActive(forkTimes, 'jovian', timestamp)) return decodeExtraData(extraData, 'jovian')
  return isActive(forkTimes, 'holocene', timestamp) ? decodeExtraData(extraData, 'holocene') : undefined
}

/** The parameters that 8 bytes of payload attributes ask for: all zero stands for the chain's Canyon constants. Throws {@link FormatError}. */
export function resolveEip1559Params(
  constants: FeeConstants,
  params: Hex,
): { denominator: bigint; elasticity: bigint } {
  const { denominator, elasticity } = decodeEip1559Params(params)
  if ((denominator === 0n) !== (elasticity === 0n)) {
    throw new FormatError(`eip1559Params with denominator ${denominator} and elasticity ${elasticity}`)
  }
  if (denominator !== 0n) return { denominator, elasticity }
  return { denominator: constants.eip1559DenominatorCanyon, elasticity: constants.eip1559Elasticity }
}

/** Denominator u32 ‖ elasticity u32. */
export function decodeEip1559Params(params: Hex): { denominator: bigint; elasticity: bigint } {
  const bytes = hexToBytes(params)
  if (bytes.length !== 8) throw new FormatError(`eip1559Params of ${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8)
  return { denominator: BigInt(view.getUint32(0)), elasticity: BigInt(view.getUint32(4)) }
}

/** The 8-byte form of {@link decodeEip1559Params}. */
export function encodeEip1559Params(params: { denominator: bigint; elasticity: bigint }): Hex {
  return bytesToHex(concatBytes(uintBytes(params.denominator, 4), uintBytes(params.elasticity, 4)))
}

/**
 * The `eip1559Params` that derivation sets for the block at `timestamp`: absent before Holocene, zeros in its
 * activation block, else the system config's. Spec: protocol/holocene/derivation.md, "Network upgrade automation".
 */
export function attributesEip1559Params(
  forkTimes: ForkTimes,
  systemConfigParams: Hex,
  parentTimestamp: bigint,
  timestamp: bigint,
): Hex | undefined {
  if (!isActive(forkTimes, 'holocene', timestamp)) return undefined
  const isFirst = !isActive(forkTimes, 'holocene', parentTimestamp)
  return isFirst ? '0x0000000000000000' : systemConfigParams
}

function feeParamsAfter(rules: BaseFeeRules, parent: BaseFeeParent, timestamp: bigint): FeeParams {
  const params = blockFeeParams(rules.forkTimes, parent.extraData, parent.timestamp)
  if (params !== undefined) return params
  const constants = rules.feeConstants
  const isCanyon = isActive(rules.forkTimes, 'canyon', timestamp)
  return {
    elasticity: constants.eip1559Elasticity,
    denominator: isCanyon ? constants.eip1559DenominatorCanyon : constants.eip1559Denominator,
  }
}

/** Source: EIP-1559, `base fee` of the block validation. */
function adjustBaseFee(baseFee: bigint, gasLimit: bigint, gasUsed: bigint, params: FeeParams): bigint {
  if (params.elasticity === 0n || gasLimit < params.elasticity)
    throw new FormatError('gas target of the parent is zero')
  const target = gasLimit / params.elasticity
  if (gasUsed === target) return baseFee
  if (gasUsed > target) {
    const delta = (baseFee * (gasUsed - target)) / target / params.denominator
    return baseFee + (delta > 1n ? delta : 1n)
  }
  const delta = (baseFee * (target - gasUsed)) / target / params.denominator
  return baseFee > delta ? baseFee - delta : 0n
}
