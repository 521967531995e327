import { isActive } from '../../protocol/hardforks.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'

/** From Granite on. Spec: protocol/granite/derivation.md. */
export const channelTimeoutGranite = 50n

/** L1 blocks a channel may take, at an L1 block of this timestamp. */
export function channelTimeout(
  config: Pick<RollupConfig, 'channelTimeout' | 'forkTimes'>,
  l1Timestamp: bigint,
): bigint {
  return isActive(config.forkTimes, 'granite', l1Timestamp) ? channelTimeoutGranite : config.channelTimeout
}
