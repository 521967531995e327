import type { BlockId } from './block-ref.ts'
import type { Hex } from './bytes.ts'
import type { ForkTimes } from './hardforks.ts'
import type { SystemConfig } from './system-config.ts'

/** EIP-1559 constants of the L2 (`chain_op_config`, op-geth's `config.optimism`). */
export type FeeConstants = {
  readonly eip1559Elasticity: bigint
  readonly eip1559Denominator: bigint
  readonly eip1559DenominatorCanyon: bigint
}

/** L1 blob fee schedule: `fraction` holds for L1 blocks at or after `time`. */
export type BlobFeeUpdate = { readonly time: bigint; readonly fraction: bigint }

/** What rollup.json says. Spec: op-node's `rollup.Config`. Parse and print: rollup-config-json.ts. */
export type RollupConfig = {
  readonly genesis: {
    readonly l1: BlockId
    readonly l2: BlockId
    readonly l2Time: bigint
    readonly systemConfig: SystemConfig
  }
  /** Seconds. */
  readonly blockTime: bigint
  /** Seconds; 1800 from Fjord on, whatever this says. */
  readonly maxSequencerDrift: bigint
  /** L1 blocks. */
  readonly seqWindowSize: bigint
  /** L1 blocks; 50 from Granite on. */
  readonly channelTimeout: bigint
  readonly l1ChainId: bigint
  readonly l2ChainId: bigint
  readonly forkTimes: ForkTimes
  readonly pectraBlobScheduleTime?: bigint | undefined
  /** Blob fee schedule of an L1 that blob-base-fee.ts does not know, in time order. No part of rollup.json. */
  readonly l1BlobSchedule?: readonly BlobFeeUpdate[] | undefined
  /** Keeps the gas limit raised for Karst's upgrade transactions. */
  readonly keepKarstUpgradeGas?: boolean | undefined
  readonly batchInboxAddress: Hex
  readonly depositContractAddress: Hex
  readonly l1SystemConfigAddress: Hex
  readonly protocolVersionsAddress: Hex
  readonly feeConstants: FeeConstants
}
