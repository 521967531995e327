import { rmSync } from 'node:fs'
import { IndexFolder } from '../../attribution/indexes/index-folder.ts'
import type { IndexProgress, TextFile } from '../../attribution/indexes/index-jobs.ts'
import { buildIndexFile } from '../../attribution/indexes/index-thread.ts'
import { type IndexRecord, indexId } from '../../attribution/suffix/index-record.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { L2Rpc } from '../ledger/l2-rpc.ts'
import {
  type ContentSource,
  requireOpenVersion,
  type VersionRef,
  versionItems,
  versionTexts,
} from './version-content.ts'

/** What answers for a published index, in wei: IndexRegistry's BOND. */
export const indexBond = 100n * 10n ** 18n

export type BuiltIndex = { readonly id: Hex; readonly record: IndexRecord; readonly file: string }

/**
 * Makes the index of a Datanet version from its contents and writes it to `<dir>/<id>.oli`. The tokenizer is kept with the
 * content, so that others can do the same. Throws IndexError, SuffixError, and what the RPC throws. docs/ATTRIBUTION.md §1.
 */
export async function buildVersionIndex(
  { tokenizer, dir, ...ref }: VersionRef & { readonly tokenizer: Uint8Array; readonly dir: string },
  parts: ContentSource & { readonly rpc: L2Rpc; readonly onProgress?: ((now: IndexProgress) => void) | undefined },
): Promise<BuiltIndex> {
  const items = await versionItems(parts.rpc, ref, parts)
  await requireOpenVersion(parts.rpc, ref, items)
  parts.content.put(tokenizer)
  return await buildInFolder(
    new IndexFolder(dir),
    { ...ref, tokenizer, texts: await versionTexts(items, parts) },
    parts,
  )
}

/** The same of texts that are here. */
export async function buildInFolder(
  folder: IndexFolder,
  of: VersionRef & { readonly tokenizer: Uint8Array; readonly texts: readonly TextFile[] },
  options: { readonly signal: AbortSignal; readonly onProgress?: ((now: IndexProgress) => void) | undefined },
): Promise<BuiltIndex> {
  const path = folder.scratch(0)
  try {
    const record = await buildIndexFile({ ...of, path }, options)
    const id = indexId(record)
    folder.keep(path, id)
    return { id, record, file: folder.path(id) }
  } catch (error) {
    rmSync(path, { force: true })
    throw error
  }
}
