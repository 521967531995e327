import { signatureOf, similarityBps } from '../../attribution/near-duplicates/signature.ts'
import { contributionsOf } from '../../chain/datanets/contributions.ts'
import { ContentError, type ContentStore } from '../../common/content-store.ts'
import { type Hex, zeroHash } from '../../protocol/bytes.ts'
import { ContentRefused } from '../../protocol/datanets/content-refused.ts'
import { batchRecordBytes } from '../../protocol/datanets/item-record.ts'
import type { ChainAccess } from './action.ts'
import { parameterKeys } from './units-args.ts'

/**
 * Holds a text against those that stand in its Datanet and whose contents are here, before its author puts a bond on it: anybody may
 * prove a copy of an accepted one on chain (docs/REVIEW.md §5). What is damaged there is told and left out. `ours`: its content's hash.
 * Throws ContentRefused `NEAR_DUPLICATE`.
 */
export async function requireOriginal(
  ours: Hex,
  datanet: bigint,
  content: ContentStore,
  chain: ChainAccess,
): Promise<void> {
  const bytes = content.get(ours)
  const limitBps = Number(await chain.read('DatanetRegistry', 'parameter', [datanet, parameterKeys['near-duplicate']]))
  if (limitBps === 0 || bytes === undefined) return
  const signature = signatureOf(bytes)
  const { known } = await contributionsOf(chain, datanet, async (root) =>
    undamaged(chain, () => content.getRecords(root, batchRecordBytes)),
  )
  for (const { contribId, contentHash, simHash, status, parent } of known) {
    // The same content is refused by the chain.
    const stands = status === 'accepted' || status === 'pending'
    if (!stands || parent !== undefined || simHash === zeroHash || contentHash === ours) continue
    const theirs = undamaged(chain, () => content.get(contentHash))
    const bps = theirs === undefined ? 0 : similarityBps(signature, signatureOf(theirs))
    if (bps < limitBps) continue
    throw new ContentRefused(
      'NEAR_DUPLICATE',
      `it is ${(bps / 100).toFixed(0)} % like contribution ${contribId}; from ${limitBps / 100} % on it is a copy in Datanet ${datanet}, and whoever shows that gets half of your bond`,
    )
  }
}

/** Undefined where the file is damaged: that of another content says nothing of ours. */
function undamaged(chain: Pick<ChainAccess, 'note'>, read: () => Uint8Array | undefined): Uint8Array | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof ContentError)) throw error
    chain.note(`warning: yours is not held against a damaged file: ${error.message}`)
    return undefined
  }
}
