import { decodeEpochFile, type EpochFile } from '../../attribution/epochs/epoch-file.ts'
import { UsageError } from '../../common/errors.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { EpochHeader } from '../../protocol/payout-epoch.ts'
import type { ChainAccess } from './action.ts'
import type { ContentPlaces } from './content-places.ts'
import { RefusedError } from './refused.ts'

/**
 * The file of a final epoch, the last where none is named. A proposal that was reverted may have had the number before: the
 * header with the final root is meant. Throws {@link RefusedError} where none is final, UsageError where the file is not found.
 */
export async function finalEpochFile(
  places: ContentPlaces,
  epoch: bigint | undefined,
  chain: ChainAccess,
): Promise<EpochFile> {
  const { allEvents, topicOf } = await import('../../chain/ledger/all-events.ts')
  const topics = epoch === undefined ? [] : [topicOf(epoch)]
  const final = (await allEvents(chain, 'AttributionLedger', 'EpochFinalized', topics)).at(-1)?.args
  if (final === undefined) {
    throw new RefusedError(epoch === undefined ? 'no epoch is final yet' : `epoch ${epoch} is not final`)
  }
  const number = final['epoch'] as bigint
  const proposals = await allEvents(chain, 'AttributionLedger', 'EpochProposed', [topicOf(number)])
  const headers = proposals.map(({ args }) => args['header'] as EpochHeader)
  const header = headers.findLast(({ payoutRoot }) => payoutRoot === (final['payoutRoot'] as Hex))
  const bytes = header && (await places.get(header.dataHash, chain.signal))
  if (bytes === undefined)
    throw new UsageError(`the file of epoch ${number} is not there: ask another node, or an indexer by --graphql`)
  return decodeEpochFile(bytes)
}
