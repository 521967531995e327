import { blobBaseFee } from './blob-base-fee.ts'
import {
  bytesToBigint,
  bytesToHex,
  concatBytes,
  equalBytes,
  FormatError,
  type Hex,
  hexToBytes,
  uintBytes,
  zeroHash,
} from './bytes.ts'
import { l1InfoSourceHash } from './deposits.ts'
import { type Hardfork, isActive } from './hardforks.ts'
import type { L1BlockInfo } from './l1-block.ts'
import type { RollupConfig } from './rollup-config.ts'
import type { SystemConfig } from './system-config.ts'
import type { DepositTx } from './transaction.ts'

/** Layouts of the L1 attributes calldata, each named by the fork that brought it. */
export type L1InfoFormat = 'bedrock' | 'ecotone' | 'isthmus' | 'jovian'

/** What the first transaction of an L2 block says of L1; a field that `format` lacks is 0. Spec: protocol/deposits.md, "L1 Attributes Deposited Transaction Calldata". */
export type L1Info = {
  readonly format: L1InfoFormat
  readonly number: bigint
  readonly timestamp: bigint
  readonly baseFee: bigint
  readonly blockHash: Hex
  readonly sequenceNumber: bigint
  readonly batcherAddr: Hex
  /** 32 bytes, Bedrock only. */
  readonly overhead: Hex
  /** 32 bytes, Bedrock only. */
  readonly scalar: Hex
  readonly baseFeeScalar: number
  readonly blobBaseFeeScalar: number
  readonly blobBaseFee: bigint
  readonly operatorFeeScalar: number
  readonly operatorFeeConstant: bigint
  readonly daFootprintGasScalar: number
}

/** The account that sends L1 attributes. */
export const l1InfoDepositor: Hex = '0xdeaddeaddeaddeaddeaddeaddeaddeaddead0001'
/** The L1Block predeploy. */
export const l1BlockAddress: Hex = '0x4200000000000000000000000000000000000015'
/** Written where the system config says 0. Spec: protocol/jovian/exec-engine.md. */
export const daFootprintGasScalarDefault = 400

/** The L1 attributes deposit that opens the L2 block at `l2Timestamp`. Spec: protocol/deposits.md, "L1 Attributes Deposited Transaction". */
export function l1InfoDeposit(
  config: RollupConfig,
  sysConfig: SystemConfig,
  sequenceNumber: bigint,
  l1: L1BlockInfo,
  l2Timestamp: bigint,
): DepositTx {
  const info = l1InfoOf(config, sysConfig, sequenceNumber, l1, l2Timestamp)
  return l1InfoDepositOf(info, isActive(config.forkTimes, 'regolith', l2Timestamp))
}

/** The deposit that carries `info`; before Regolith it is a system transaction outside of the gas limit. */
export function l1InfoDepositOf(info: L1Info, isRegolith: boolean): DepositTx {
  return {
    type: 0x7e,
    sourceHash: l1InfoSourceHash(hexToBytes(info.blockHash), info.sequenceNumber),
    from: hexToBytes(l1InfoDepositor),
    to: hexToBytes(l1BlockAddress),
    mint: 0n,
    value: 0n,
    gasLimit: isRegolith ? 1_000_000n : 150_000_000n,
    isSystemTx: !isRegolith,
    data: encodeL1Info(info),
  }
}

/** The values of the L1 attributes of the L2 block at `l2Timestamp`. */
export function l1InfoOf(
  config: RollupConfig,
  sysConfig: SystemConfig,
  sequenceNumber: bigint,
  l1: L1BlockInfo,
  l2Timestamp: bigint,
): L1Info {
  const format = l1InfoFormat(config, l2Timestamp)
  const scalars = format === 'bedrock' ? { baseFeeScalar: 0, blobBaseFeeScalar: 0 } : feeScalars(sysConfig.scalar)
  const operatorFee = hasOperatorFee(format)
    ? operatorFeeParams(sysConfig.operatorFeeParams)
    : { operatorFeeScalar: 0, operatorFeeConstant: 0n }
  return {
    format,
    number: l1.number,
    timestamp: l1.timestamp,
    baseFee: l1.baseFee,
    blockHash: l1.hash,
    sequenceNumber,
    batcherAddr: sysConfig.batcherAddr,
    overhead: format === 'bedrock' ? sysConfig.overhead : zeroHash,
    scalar: format === 'bedrock' ? sysConfig.scalar : zeroHash,
    ...scalars,
    blobBaseFee: format === 'bedrock' ? 0n : blobBaseFee(config, l1),
    ...operatorFee,
    daFootprintGasScalar: format === 'jovian' ? sysConfig.daFootprintGasScalar || daFootprintGasScalarDefault : 0,
  }
}

/**
 * The layout of the block at `l2Timestamp`. It lags a fork by one block, since the L1Block contract is upgraded behind
 * the L1 attributes of the activation block, but for a fork of genesis. Spec: protocol/ecotone/l1-attributes.md.
 */
export function l1InfoFormat(config: Pick<RollupConfig, 'forkTimes' | 'blockTime'>, l2Timestamp: bigint): L1InfoFormat {
  const parentTimestamp = l2Timestamp < config.blockTime ? l2Timestamp : l2Timestamp - config.blockTime
  const upgraded = (fork: Hardfork) => isActive(config.forkTimes, fork, parentTimestamp)
  if (upgraded('jovian')) return 'jovian'
  if (upgraded('isthmus')) return 'isthmus'
  return upgraded('ecotone') ? 'ecotone' : 'bedrock'
}

/** Calldata of L1 attributes in the layout `info.format`. */
export function encodeL1Info(info: L1Info): Uint8Array {
  const selector = hexToBytes(layouts[info.format].selector)
  const hash = hexToBytes(info.blockHash)
  const batcher = concatBytes(new Uint8Array(12), hexToBytes(info.batcherAddr))
  if (info.format === 'bedrock') {
    const words = [info.number, info.timestamp, info.baseFee].map((value) => uintBytes(value, 32))
    const sequence = uintBytes(info.sequenceNumber, 32)
    return concatBytes(selector, ...words, hash, sequence, batcher, hexToBytes(info.overhead), hexToBytes(info.scalar))
  }
  return concatBytes(
    selector,
    uintBytes(info.baseFeeScalar, 4),
    uintBytes(info.blobBaseFeeScalar, 4),
    uintBytes(info.sequenceNumber, 8),
    uintBytes(info.timestamp, 8),
    uintBytes(info.number, 8),
    uintBytes(info.baseFee, 32),
    uintBytes(info.blobBaseFee, 32),
    hash,
    batcher,
    ...(hasOperatorFee(info.format)
      ? [uintBytes(info.operatorFeeScalar, 4), uintBytes(info.operatorFeeConstant, 8)]
      : []),
    ...(info.format === 'jovian' ? [uintBytes(info.daFootprintGasScalar, 2)] : []),
  )
}

/** Reads L1 attributes; the selector tells the layout. Throws {@link FormatError}. */
export function decodeL1Info(data: Uint8Array): L1Info {
  const selector = bytesToHex(data.subarray(0, 4))
  const format = l1InfoFormats.find((name) => layouts[name].selector === selector)
  if (format === undefined) throw new FormatError(`L1 attributes with unknown selector ${selector}`)
  const { length } = layouts[format]
  if (data.length !== length) throw new FormatError(`L1 attributes (${format}) of ${data.length} bytes, want ${length}`)
  return format === 'bedrock' ? decodeBedrock(data) : decodePacked(format, data)
}

/**
 * The Ecotone fee scalars in `SystemConfig.scalar`: version 0 (Bedrock's number) or 1. Throws {@link FormatError} for
 * any other version or for padding in version 1. Spec: protocol/system-config.md, "Scalars".
 */
export function feeScalars(scalar: Hex): { baseFeeScalar: number; blobBaseFeeScalar: number } {
  const bytes = hexToBytes(scalar)
  if (bytes.length !== 32) throw new FormatError(`fee scalar of ${bytes.length} bytes`)
  const view = viewOf(bytes)
  if (bytes[0] === 0) {
    // The spec wants the greatest scalar where Bedrock's number does not fit.
    const padding = bytes.subarray(1, 28).some((byte) => byte !== 0)
    return { baseFeeScalar: padding ? 0xffff_ffff : view.getUint32(28), blobBaseFeeScalar: 0 }
  }
  if (bytes[0] !== 1) throw new FormatError(`fee scalar of version ${bytes[0]}`)
  if (bytes.subarray(1, 24).some((byte) => byte !== 0)) throw new FormatError('fee scalar with non-zero padding')
  return { baseFeeScalar: view.getUint32(28), blobBaseFeeScalar: view.getUint32(24) }
}

/** The version 1 form of {@link feeScalars}. */
export function encodeFeeScalars(scalars: { baseFeeScalar: number; blobBaseFeeScalar: number }): Hex {
  const bytes = new Uint8Array(32)
  bytes[0] = 1
  bytes.set(uintBytes(scalars.blobBaseFeeScalar, 4), 24)
  bytes.set(uintBytes(scalars.baseFeeScalar, 4), 28)
  return bytesToHex(bytes)
}

/** The values in `SystemConfig.operatorFeeParams`. */
export function operatorFeeParams(params: Hex): { operatorFeeScalar: number; operatorFeeConstant: bigint } {
  const view = viewOf(hexToBytes(params))
  return { operatorFeeScalar: view.getUint32(20), operatorFeeConstant: view.getBigUint64(24) }
}

/** The form of `SystemConfig.operatorFeeParams`. */
export function encodeOperatorFeeParams(scalar: number, constant: bigint): Hex {
  return bytesToHex(concatBytes(new Uint8Array(20), uintBytes(scalar, 4), uintBytes(constant, 8)))
}

const layouts = {
  bedrock: { selector: '0x015d8eb9', length: 260 },
  ecotone: { selector: '0x440a5e20', length: 164 },
  isthmus: { selector: '0x098999be', length: 176 },
  jovian: { selector: '0x3db6be2b', length: 178 },
} as const satisfies Record<L1InfoFormat, { selector: Hex; length: number }>

const l1InfoFormats = ['bedrock', 'ecotone', 'isthmus', 'jovian'] as const

function hasOperatorFee(format: L1InfoFormat): boolean {
  return format === 'isthmus' || format === 'jovian'
}

function decodeBedrock(data: Uint8Array): L1Info {
  const word = (index: number) => data.subarray(4 + 32 * index, 36 + 32 * index)
  return {
    format: 'bedrock',
    number: wordUint64(word(0), 'number'),
    timestamp: wordUint64(word(1), 'timestamp'),
    baseFee: bytesToBigint(word(2)),
    blockHash: bytesToHex(word(3)),
    sequenceNumber: wordUint64(word(4), 'sequence number'),
    batcherAddr: wordAddress(word(5)),
    overhead: bytesToHex(word(6)),
    scalar: bytesToHex(word(7)),
    baseFeeScalar: 0,
    blobBaseFeeScalar: 0,
    blobBaseFee: 0n,
    operatorFeeScalar: 0,
    operatorFeeConstant: 0n,
    daFootprintGasScalar: 0,
  }
}

function decodePacked(format: Exclude<L1InfoFormat, 'bedrock'>, data: Uint8Array): L1Info {
  const view = viewOf(data)
  return {
    format,
    number: view.getBigUint64(28),
    timestamp: view.getBigUint64(20),
    baseFee: bytesToBigint(data.subarray(36, 68)),
    blockHash: bytesToHex(data.subarray(100, 132)),
    sequenceNumber: view.getBigUint64(12),
    batcherAddr: wordAddress(data.subarray(132, 164)),
    overhead: zeroHash,
    scalar: zeroHash,
    baseFeeScalar: view.getUint32(4),
    blobBaseFeeScalar: view.getUint32(8),
    blobBaseFee: bytesToBigint(data.subarray(68, 100)),
    operatorFeeScalar: hasOperatorFee(format) ? view.getUint32(164) : 0,
    operatorFeeConstant: hasOperatorFee(format) ? view.getBigUint64(168) : 0n,
    daFootprintGasScalar: format === 'jovian' ? view.getUint16(176) : 0,
  }
}

const zeroPadding = new Uint8Array(24)

function wordUint64(word: Uint8Array, what: string): bigint {
  if (!equalBytes(word.subarray(0, 24), zeroPadding)) throw new FormatError(`L1 attributes: ${what} exceeds 64 bits`)
  return viewOf(word).getBigUint64(24)
}

function wordAddress(word: Uint8Array): Hex {
  if (!equalBytes(word.subarray(0, 12), zeroPadding.subarray(0, 12))) {
    throw new FormatError('L1 attributes: batcher hash is no address')
  }
  return bytesToHex(word.subarray(12))
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
