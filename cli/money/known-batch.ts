import type { CommittedBatch } from '../../chain/ledger/committed-batch.ts'
import { UsageError } from '../../common/errors.ts'
import type { ChainAccess } from './action.ts'

/** A batch as it was committed. Throws {@link UsageError} where there is none of that id. */
export async function knownBatch(chain: ChainAccess, id: bigint): Promise<CommittedBatch> {
  const { committedBatch } = await import('../../chain/ledger/committed-batch.ts')
  const batch = await committedBatch(chain, id)
  if (batch === undefined) throw new UsageError(`there is no batch ${id}`)
  return batch
}
