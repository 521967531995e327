import { readFileSync } from 'node:fs'
import type { RetrievalDocument } from '../../attribution/retrieval/passages.ts'
import { type SearchedVersion, versionsMax } from '../../attribution/retrieval/retrieval-receipt.ts'
import { itemTree } from '../../attribution/suffix/item-tree.ts'
import { type ContentSource, type VersionRef, versionItems, versionTexts } from '../../chain/indexes/version-content.ts'
import type { L2Rpc } from '../../chain/ledger/l2-rpc.ts'
import { UsageError } from '../../common/errors.ts'

export type VersionDocuments = {
  readonly versions: readonly SearchedVersion[]
  /** Contributions of all versions, ascending; one that stands in several versions is there once. */
  readonly documents: readonly RetrievalDocument[]
}

/** What Datanet versions hold, from the content store. Throws UsageError, IndexError, and what the RPC throws. */
export async function versionDocuments(
  refs: readonly VersionRef[],
  { rpc, ...source }: ContentSource & { readonly rpc: L2Rpc },
): Promise<VersionDocuments> {
  if (refs.length > versionsMax) throw new UsageError(`${refs.length} Datanet versions, more than ${versionsMax}`)
  const sorted = [...refs].sort((a, b) =>
    a.datanet === b.datanet ? a.version - b.version : a.datanet < b.datanet ? -1 : 1,
  )
  const versions: SearchedVersion[] = []
  const documents = new Map<bigint, RetrievalDocument>()
  for (const ref of sorted) {
    const items = await versionItems(rpc, ref, source)
    versions.push({ ...ref, itemsRoot: itemTree(items).root })
    for (const { contribId, file } of await versionTexts(items, source)) {
      documents.set(contribId, { contribId, content: readFileSync(file) })
    }
  }
  return { versions, documents: [...documents.values()].sort((a, b) => (a.contribId < b.contribId ? -1 : 1)) }
}
