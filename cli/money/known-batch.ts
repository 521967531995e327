import { UsageError } from '../../common/errors.ts'
import type { CommittedBatch } from '../../node/ledger/committed-batch.ts'
import type { ChainAccess } from './action.ts'

/** A batch as it was committed. Throws {@link UsageError} where there is none of that id. */
export async function knownBatch(chain: ChainAccess, id: bigint): Promise<CommittedBatch> {
  const { committedBatch } = await import('../../node/ledger/committed-batch.ts')
  const batch = await committedBatch(chain, id)
  if (batch === undefined) throw new UsageError(`there is no batch ${id}`)
  return batch
}
