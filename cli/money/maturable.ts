import { UsageError } from '../../common/errors.ts'
import type { BatchHeader } from '../../protocol/receipt-batch.ts'
import type { ChainAccess } from './action.ts'
import { knownBatch } from './known-batch.ts'

/** Batches of one transaction: 32 calls of maturing fit a block many times. */
const batchesMax = 32n

/**
 * Headers of the next batches to mature: up to `through`, due or not, or those whose window is over and that no data request
 * holds. At least the next one, so that the market says why it cannot. Throws UsageError where all are mature.
 */
export async function maturable(chain: ChainAccess, through: bigint | undefined): Promise<BatchHeader[]> {
  const [last] = (await chain.read('InferenceMarket', 'maturedTotals')) as readonly [bigint, unknown]
  const count = (await chain.read('InferenceMarket', 'batchCount')) as bigint
  if (last >= count) throw new UsageError('all batches are mature')
  const window = (await chain.read('InferenceMarket', 'window')) as bigint
  const now = await chain.now()
  const headers: BatchHeader[] = []
  const end = min(through ?? count, count, last + batchesMax)
  for (let id = last + 1n; id <= end; id++) {
    const { header } = await knownBatch(chain, id)
    const isFirst = headers.length === 0
    if (through === undefined && !isFirst && !(await isDue(chain, header, window, now))) break
    headers.push(header)
  }
  return headers
}

async function isDue(chain: ChainAccess, header: BatchHeader, window: bigint, now: bigint): Promise<boolean> {
  const state = (await chain.read('InferenceMarket', 'batchState', [header.batchId])) as {
    holds: number
    isVoid: boolean
  }
  return state.isVoid || (state.holds === 0 && header.committedAt + window <= now)
}

function min(...values: readonly bigint[]): bigint {
  return values.reduce((least, value) => (value < least ? value : least))
}
