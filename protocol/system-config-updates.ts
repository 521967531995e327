import { decodeEip1559Params } from './base-fee.ts'
import {
  bytesToBigint,
  bytesToHex,
  equalBytes,
  FormatError,
  type Hex,
  hexToBytes,
  uintBytes,
  zeroHash,
} from './bytes.ts'
import { isActive } from './hardforks.ts'
import { encodeFeeScalars, feeScalars } from './l1-info.ts'
import type { Log, Receipt } from './receipt.ts'
import type { RollupConfig } from './rollup-config.ts'
import type { SystemConfig } from './system-config.ts'

/** keccak256("ConfigUpdate(uint256,uint8,bytes)"). */
export const configUpdateTopic: Hex = '0x1d2b0bda21d56b8bd12d4f94ebacffdfb35f5e226f84b461103bb8beab6353be'

/** What one ConfigUpdate event says. */
export type SystemConfigUpdate =
  | { readonly kind: 'batcher'; readonly batcherAddr: Hex }
  | { readonly kind: 'fees'; readonly overhead: Hex; readonly scalar: Hex }
  | { readonly kind: 'gasLimit'; readonly gasLimit: bigint }
  | { readonly kind: 'unsafeBlockSigner'; readonly address: Hex }
  | { readonly kind: 'eip1559'; readonly eip1559Params: Hex }
  | { readonly kind: 'operatorFee'; readonly operatorFeeParams: Hex }
  | { readonly kind: 'minBaseFee'; readonly minBaseFee: bigint }
  | { readonly kind: 'daFootprint'; readonly daFootprintGasScalar: number }

/**
 * The system config after the events in the receipts of one L1 block. An event that cannot be read is skipped and
 * reported, as the specification has it since December 2025; SystemConfig contracts emit none.
 * Spec: protocol/system-config.md, "System config updates".
 */
export function applySystemConfigUpdates(
  sysConfig: SystemConfig,
  receipts: readonly Receipt[],
  config: Pick<RollupConfig, 'l1SystemConfigAddress' | 'forkTimes'>,
  l1Time: bigint,
  onMalformed?: (error: FormatError, log: Log) => void,
): SystemConfig {
  const address = hexToBytes(config.l1SystemConfigAddress)
  const isEcotone = isActive(config.forkTimes, 'ecotone', l1Time)
  let updated = sysConfig
  for (const receipt of receipts) {
    if (receipt.status !== 1) continue
    for (const log of receipt.logs) {
      if (!equalBytes(log.address, address) || !isConfigUpdate(log)) continue
      try {
        updated = applySystemConfigUpdate(updated, decodeConfigUpdate(log), isEcotone)
      } catch (error) {
        if (!(error instanceof FormatError)) throw error
        onMalformed?.(error, log)
      }
    }
  }
  return updated
}

/** The system config after one event. Throws {@link FormatError} where Ecotone forbids the fee scalar. */
export function applySystemConfigUpdate(
  sysConfig: SystemConfig,
  update: SystemConfigUpdate,
  isEcotone: boolean,
): SystemConfig {
  switch (update.kind) {
    case 'batcher':
      return { ...sysConfig, batcherAddr: update.batcherAddr }
    case 'fees':
      if (!isEcotone) return { ...sysConfig, overhead: update.overhead, scalar: update.scalar }
      requireEcotoneScalar(update.scalar)
      return { ...sysConfig, overhead: zeroHash, scalar: update.scalar }
    case 'gasLimit':
      return { ...sysConfig, gasLimit: update.gasLimit }
    case 'unsafeBlockSigner':
      return sysConfig
    case 'eip1559':
      return { ...sysConfig, eip1559Params: update.eip1559Params }
    case 'operatorFee':
      return { ...sysConfig, operatorFeeParams: update.operatorFeeParams }
    case 'minBaseFee':
      return { ...sysConfig, minBaseFee: update.minBaseFee }
    case 'daFootprint':
      return { ...sysConfig, daFootprintGasScalar: update.daFootprintGasScalar }
  }
}

/** Reads a ConfigUpdate event. Throws {@link FormatError}. */
export function decodeConfigUpdate(log: Log): SystemConfigUpdate {
  const [, version, type] = log.topics
  if (log.topics.length !== 3 || version === undefined || type === undefined) {
    throw new FormatError(`ConfigUpdate with ${log.topics.length} topics`)
  }
  if (!isConfigUpdate(log)) throw new FormatError('not a ConfigUpdate event')
  if (bytesToBigint(version) !== 0n) throw new FormatError(`ConfigUpdate of version ${bytesToBigint(version)}`)
  const kind = bytesToBigint(type)
  if (kind === 1n) {
    const words = payload(log.data, 64)
    return { kind: 'fees', overhead: bytesToHex(words.subarray(0, 32)), scalar: bytesToHex(words.subarray(32)) }
  }
  const decode = kind < 8n ? singleWordUpdates[Number(kind)] : undefined
  if (decode === undefined) throw new FormatError(`ConfigUpdate of unknown type ${kind}`)
  return decode(payload(log.data, 32))
}

const topic = hexToBytes(configUpdateTopic)

/** By update type; 1 has two words and stands above. */
const singleWordUpdates: Readonly<Record<number, (word: Uint8Array) => SystemConfigUpdate>> = {
  0: (word) => ({ kind: 'batcher', batcherAddr: bytesToHex(lowBytes(word, 20)) }),
  2: (word) => ({ kind: 'gasLimit', gasLimit: bytesToBigint(lowBytes(word, 8)) }),
  3: (word) => ({ kind: 'unsafeBlockSigner', address: bytesToHex(lowBytes(word, 20)) }),
  4: (word) => ({ kind: 'eip1559', eip1559Params: requireEip1559Params(bytesToHex(lowBytes(word, 8))) }),
  5: (word) => ({
    kind: 'operatorFee',
    operatorFeeParams: bytesToHex(uintBytes(bytesToBigint(lowBytes(word, 12)), 32)),
  }),
  6: (word) => ({ kind: 'minBaseFee', minBaseFee: bytesToBigint(lowBytes(word, 8)) }),
  7: (word) => ({ kind: 'daFootprint', daFootprintGasScalar: Number(bytesToBigint(lowBytes(word, 2))) }),
}

function isConfigUpdate(log: Log): boolean {
  return log.topics[0] !== undefined && equalBytes(log.topics[0], topic)
}

/** The `bytes` argument: offset 32, exactly `length`, nothing behind it. */
function payload(data: Uint8Array, length: number): Uint8Array {
  if (data.length !== 64 + length) throw new FormatError(`ConfigUpdate data of ${data.length} bytes`)
  if (bytesToBigint(data.subarray(0, 32)) !== 32n) throw new FormatError('ConfigUpdate data offset')
  if (bytesToBigint(data.subarray(32, 64)) !== BigInt(length)) throw new FormatError('ConfigUpdate data length')
  return data.subarray(64)
}

/** The last `length` bytes of a word whose others are zero. */
function lowBytes(word: Uint8Array, length: number): Uint8Array {
  if (word.subarray(0, 32 - length).some((byte) => byte !== 0)) {
    throw new FormatError(`ConfigUpdate value exceeds ${length} bytes`)
  }
  return word.subarray(32 - length)
}

/** Both zero or neither: no block could be built with one alone. Source: op-node `ValidateHolocene1559Params`. */
function requireEip1559Params(params: Hex): Hex {
  const { denominator, elasticity } = decodeEip1559Params(params)
  if ((denominator === 0n) !== (elasticity === 0n)) {
    throw new FormatError(`EIP-1559 denominator ${denominator} with elasticity ${elasticity}`)
  }
  return params
}

/** Stricter than {@link feeScalars}, which must cope with a scalar set before Ecotone. */
function requireEcotoneScalar(scalar: Hex): void {
  const { blobBaseFeeScalar, baseFeeScalar } = feeScalars(scalar)
  const isVersion0 = scalar.startsWith('0x00')
  if (isVersion0 && BigInt(scalar) !== BigInt(baseFeeScalar)) throw new FormatError('fee scalar does not fit 32 bits')
  if (!isVersion0 && scalar !== encodeFeeScalars({ blobBaseFeeScalar, baseFeeScalar })) {
    throw new FormatError('fee scalar is not canonical')
  }
}
