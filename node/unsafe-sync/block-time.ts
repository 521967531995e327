import type { ExecutionPayload } from '../../protocol/engine-api.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'

/** True where the block has the time that every block of its height has. Spec: protocol/derivation.md, "L2 block time". */
export function hasTimeOfNumber(
  { genesis, blockTime }: Pick<RollupConfig, 'genesis' | 'blockTime'>,
  { blockNumber, timestamp }: Pick<ExecutionPayload, 'blockNumber' | 'timestamp'>,
): boolean {
  return timestamp === genesis.l2Time + (blockNumber - genesis.l2.number) * blockTime
}
