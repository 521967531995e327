import type { L1BlockRef, L2BlockRef } from '../../protocol/block-ref.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { RollupConfig } from '../../protocol/rollup-config.ts'
import type { SystemConfig } from '../../protocol/system-config.ts'
import { channelTimeout } from '../derive/channel-timeout.ts'
import type { L2Source } from './l2-source.ts'

export type PipelineBase = { readonly origin: L1BlockRef; readonly systemConfig: SystemConfig }

/**
 * The L1 block at which the pipeline starts to read so that it sees every frame of a channel that could still hold
 * blocks after `safe`. Spec: protocol/derivation.md, "Resetting the Pipeline".
 */
export async function findPipelineBase(
  config: RollupConfig,
  safe: L2BlockRef,
  {
    l1,
    l2,
  }: {
    readonly l1: { readonly blockInfoByHash: (hash: Hex) => Promise<L1BlockRef> }
    readonly l2: Pick<L2Source, 'l2BlockRefByHash' | 'systemConfigByL2Hash'>
  },
): Promise<PipelineBase> {
  const { genesis } = config
  let block = safe
  let origin = await l1.blockInfoByHash(block.l1Origin.hash)
  for (;;) {
    const timeout = channelTimeout(config, origin.timestamp)
    const isAfterGenesis = block.number > genesis.l2.number && block.l1Origin.number > genesis.l1.number
    if (!isAfterGenesis || block.l1Origin.number + timeout <= safe.l1Origin.number) break
    block = await l2.l2BlockRefByHash(block.parentHash)
    if (block.l1Origin.hash !== origin.hash) origin = await l1.blockInfoByHash(block.l1Origin.hash)
  }
  const { hash, number, parentHash, timestamp } = origin
  return {
    origin: { hash, number, parentHash, timestamp },
    systemConfig: await l2.systemConfigByL2Hash(block.hash),
  }
}
