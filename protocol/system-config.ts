import type { Hex } from './bytes.ts'

/** L1-governed parameters of the L2, as of one L1 block. Spec: protocol/system-config.md. */
export type SystemConfig = {
  readonly batcherAddr: Hex
  /** 32 bytes; zero from Ecotone. */
  readonly overhead: Hex
  /** 32 bytes; versioned from Ecotone (see `feeScalars` in l1-info.ts). */
  readonly scalar: Hex
  readonly gasLimit: bigint
  /** u32 denominator ‖ u32 elasticity, 8 bytes (Holocene). */
  readonly eip1559Params: Hex
  /** 32 bytes: 20 zero bytes ‖ u32 scalar ‖ u64 constant (Isthmus). */
  readonly operatorFeeParams: Hex
  /** Jovian. */
  readonly minBaseFee: bigint
  /** Jovian; 0 stands for 400. */
  readonly daFootprintGasScalar: number
}
