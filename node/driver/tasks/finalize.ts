import type { L2BlockRef } from '../../../protocol/block-ref.ts'
import type { EngineState } from '../engine-state.ts'

/** Makes a safe block final. */
export function finalize(state: EngineState, block: L2BlockRef): void {
  const { finalized, safe } = state.heads
  if (block.number <= finalized.number || block.number > safe.number) return
  state.move({ finalized: block })
}
