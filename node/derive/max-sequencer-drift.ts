import { isActive } from '../../protocol/hardforks.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'

/** Seconds, from Fjord on. Spec: protocol/fjord/derivation.md, "Constant Maximum Sequencer Drift". */
export const maxSequencerDriftFjord = 1800n

/** Seconds an L2 block may be ahead of its L1 origin, by the origin's timestamp. */
export function maxSequencerDrift(
  config: Pick<RollupConfig, 'maxSequencerDrift' | 'forkTimes'>,
  originTimestamp: bigint,
): bigint {
  return isActive(config.forkTimes, 'fjord', originTimestamp) ? maxSequencerDriftFjord : config.maxSequencerDrift
}
