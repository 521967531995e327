import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { DataAvailability } from './da-price.ts'

/** How the batcher works; op-batcher's flag stands in each comment, its default in {@link batcherDefaults}. */
export type BatcherOptions = {
  readonly rollupConfig: RollupConfig
  /** `--data-availability-type`; `auto` takes the cheaper at the time a channel is opened. */
  readonly dataAvailability: DataAvailability | 'auto'
  /** `--batch-type`: 0 singular, 1 span; before Delta always singular. */
  readonly batchType: 'singular' | 'span'
  /** `--poll-interval` */
  readonly pollIntervalMs: number
  /** `--max-channel-duration`, L1 blocks; 0: off. */
  readonly maxChannelDuration: number
  /** `--target-num-frames`: frames of a channel, and blobs of a transaction. */
  readonly targetNumFrames: number
  /** `--sub-safety-margin`, L1 blocks. */
  readonly subSafetyMargin: number
  /** `--max-pending-tx`: more than one trades the strict order of Holocene, should one fail, for speed. */
  readonly maxPendingTxs: number
  /** `--max-l1-tx-size-bytes`: of calldata. */
  readonly maxL1TxBytes: number
  /** `--check-recent-txs-depth`: how far back to look for own transactions at a start. */
  readonly checkRecentTxsDepth: number
}

/** Blobs one transaction may carry under Prague and Osaka (EIP-7594 caps it at 6). */
export const blobsPerTxMax = 6

export const batcherDefaults = {
  dataAvailability: 'auto',
  batchType: 'span',
  pollIntervalMs: 6_000,
  maxChannelDuration: 0,
  targetNumFrames: 1,
  subSafetyMargin: 10,
  maxPendingTxs: 1,
  maxL1TxBytes: 120_000,
  checkRecentTxsDepth: 128,
} as const satisfies Omit<BatcherOptions, 'rollupConfig'>
