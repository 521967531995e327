import type { BlockOverrides, SimulatedBlockInput, StoredHeader } from '../chain-view.ts'
import { SimulationError } from '../errors.ts'

/** Blocks of a simulation, those that fill gaps between numbers included; op-geth's limit. */
export const simulatedBlocksMax = 256n
/** Calls of a simulation; op-geth's limit. */
export const simulatedCallsMax = 10_000
/** Seconds after the block before where none are given; op-geth's, whatever the chain's block time. */
const blockSeconds = 12n

export type PlannedBlock = SimulatedBlockInput & {
  readonly overrides: BlockOverrides & { readonly number: bigint; readonly time: bigint }
}

/** Numbers and times of the blocks, gaps filled with empty ones. Throws {@link SimulationError} where they do not grow. */
export function planBlocks(base: StoredHeader, blocks: readonly SimulatedBlockInput[]): PlannedBlock[] {
  const calls = blocks.reduce((sum, block) => sum + block.calls.length, 0)
  if (calls > simulatedCallsMax)
    throw new SimulationError('too-much', `a simulation may have ${simulatedCallsMax} calls`)
  const planned: PlannedBlock[] = []
  let { number, timestamp: time } = base.header
  const add = (block: SimulatedBlockInput, given: bigint | undefined) => {
    const next = given ?? time + blockSeconds
    if (next <= time) throw new SimulationError('block-time', `block timestamps must be in order: ${next} <= ${time}`)
    number += 1n
    time = next
    planned.push({ ...block, overrides: { ...block.overrides, number, time } })
  }
  for (const block of blocks) {
    const wanted = block.overrides?.number ?? number + 1n
    if (wanted <= number) {
      throw new SimulationError('block-number', `block numbers must be in order: ${wanted} <= ${number}`)
    }
    if (wanted - base.header.number > simulatedBlocksMax) {
      throw new SimulationError('too-much', `a simulation may have ${simulatedBlocksMax} blocks`)
    }
    while (number + 1n < wanted) add({ calls: [] }, undefined)
    add(block, block.overrides?.time)
  }
  return planned
}
