import { fastLzLength } from './fastlz.ts'
import { type ForkTimes, isActive } from './hardforks.ts'
import { daFootprintGasScalarDefault } from './l1-info.ts'

/** Fee parameters in the storage of the L1Block predeploy. */
export type L1FeeParams = {
  readonly l1BaseFee: bigint
  /** Bedrock. */
  readonly overhead: bigint
  /** Bedrock, in millionths. */
  readonly scalar: bigint
  /** From Ecotone. */
  readonly blobBaseFee: bigint
  readonly baseFeeScalar: bigint
  readonly blobBaseFeeScalar: bigint
  /** From Isthmus. */
  readonly operatorFeeScalar: bigint
  readonly operatorFeeConstant: bigint
  /** From Jovian; 400 where storage says 0. */
  readonly daFootprintGasScalar: bigint
}

/** Formulas of the L1 data fee, each named by the fork that brought it. */
export type L1FeeEra = 'bedrock' | 'regolith' | 'ecotone' | 'fjord'

/** What a transaction's bytes cost depends on. */
export type DataShape = {
  readonly zeroes: number
  readonly nonZeroes: number
  /** Undefined in eras that do not ask for it. */
  readonly fastLzLength: number | undefined
}

/** An L1 data fee in wei and the L1 gas that receipts show for it. */
export type L1Cost = { readonly fee: bigint; readonly gasUsed: bigint }

/** Storage slots of L1Block that {@link l1FeeParams} reads. Spec: protocol/predeploys.md, "L1Block". */
export const l1FeeSlots = [1, 3, 5, 6, 7, 8] as const

/** Reads the fee parameters; `slot` gives the word of one of {@link l1FeeSlots}. */
export function l1FeeParams(slot: (index: (typeof l1FeeSlots)[number]) => bigint): L1FeeParams {
  const packed = slot(3)
  const operator = slot(8)
  const footprint = bits(operator, 96n, 16n)
  return {
    l1BaseFee: slot(1),
    overhead: slot(5),
    scalar: slot(6),
    blobBaseFee: slot(7),
    baseFeeScalar: bits(packed, 96n, 32n),
    blobBaseFeeScalar: bits(packed, 64n, 32n),
    operatorFeeScalar: bits(operator, 64n, 32n),
    operatorFeeConstant: bits(operator, 0n, 64n),
    daFootprintGasScalar: footprint === 0n ? BigInt(daFootprintGasScalarDefault) : footprint,
  }
}

/**
 * The formula of the block at `timestamp`. In Ecotone's activation block L1Block still has Bedrock's parameters only, so
 * Bedrock's formula holds for that block. Spec: protocol/ecotone/exec-engine.md.
 */
export function l1FeeEra(forkTimes: ForkTimes, timestamp: bigint, params: L1FeeParams): L1FeeEra {
  const unset = params.blobBaseFee === 0n && params.baseFeeScalar === 0n && params.blobBaseFeeScalar === 0n
  if (isActive(forkTimes, 'ecotone', timestamp) && !unset) {
    return isActive(forkTimes, 'fjord', timestamp) ? 'fjord' : 'ecotone'
  }
  return isActive(forkTimes, 'regolith', timestamp) ? 'regolith' : 'bedrock'
}

/** Counts the bytes of a signed transaction; `withFastLz` for Fjord and for DA footprints. */
export function dataShape(raw: Uint8Array, withFastLz = true): DataShape {
  let zeroes = 0
  for (let i = 0; i < raw.length; i++) if (raw[i] === 0) zeroes++
  return { zeroes, nonZeroes: raw.length - zeroes, fastLzLength: withFastLz ? fastLzLength(raw) : undefined }
}

/** The L1 data fee of a signed transaction; deposits pay none. Spec: protocol/exec-engine.md and each fork's. */
export function l1Cost(params: L1FeeParams, era: L1FeeEra, data: DataShape): L1Cost {
  if (era === 'fjord') return fjordCost(params, data.fastLzLength ?? 0)
  const gas = BigInt(4 * data.zeroes + 16 * data.nonZeroes)
  if (era === 'ecotone') return { fee: (gas * scaledFee(params)) / 16_000_000n, gasUsed: gas }
  const signature = era === 'bedrock' ? 68n * 16n : 0n
  const gasUsed = gas + signature + params.overhead
  return { fee: (gasUsed * params.l1BaseFee * params.scalar) / 1_000_000n, gasUsed }
}

/** Fjord's fee by the FastLZ length of the transaction. */
export function fjordCost(params: L1FeeParams, length: number): L1Cost {
  const size = estimatedSize(length)
  return { fee: (size * scaledFee(params)) / 1_000_000_000_000n, gasUsed: (size * 16n) / 1_000_000n }
}

/** The operator fee for `gas`. Spec: protocol/isthmus/exec-engine.md and protocol/jovian/exec-engine.md, "Operator Fee". */
export function operatorFee(
  params: Pick<L1FeeParams, 'operatorFeeScalar' | 'operatorFeeConstant'>,
  isJovian: boolean,
  gas: bigint,
): bigint {
  const scaled = gas * params.operatorFeeScalar
  return (isJovian ? scaled * 100n : scaled / 1_000_000n) + params.operatorFeeConstant
}

/** DA footprint of a transaction in gas. Spec: protocol/jovian/exec-engine.md, "DA footprint block limit". */
export function daFootprint(length: number, daFootprintGasScalar: bigint): bigint {
  return daFootprintUnits(length) * daFootprintGasScalar
}

/** Estimated compressed bytes of a transaction, at least 100. */
export function daFootprintUnits(length: number): bigint {
  return estimatedSize(length) / 1_000_000n
}

/** Millionths of a byte. Spec: protocol/fjord/exec-engine.md, the linear regression on FastLZ lengths. */
function estimatedSize(length: number): bigint {
  const size = 836_500 * length - 42_585_600
  return size < 100_000_000 ? 100_000_000n : BigInt(size)
}

function scaledFee(params: L1FeeParams): bigint {
  return 16n * params.l1BaseFee * params.baseFeeScalar + params.blobBaseFee * params.blobBaseFeeScalar
}

function bits(word: bigint, offset: bigint, width: bigint): bigint {
  return (word >> offset) & ((1n << width) - 1n)
}
