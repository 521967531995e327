import { IndexError } from '../../attribution/indexes/index-error.ts'
import type { IndexFolder } from '../../attribution/indexes/index-folder.ts'
import type { TextFile } from '../../attribution/indexes/index-jobs.ts'
import { findIndexFault } from '../../attribution/indexes/index-thread.ts'
import type { IndexChallenge } from '../../attribution/suffix/check-index.ts'
import { wrongVocab } from '../../attribution/suffix/check-text.ts'
import { type IndexRecord, indexId } from '../../attribution/suffix/index-record.ts'
import { SuffixError } from '../../attribution/suffix/suffix-error.ts'
import { fetchIndex, type IndexSource, rebuildIndex } from '../../chain/indexes/obtain-index.ts'
import { tokenizerOf, versionItems, versionTexts } from '../../chain/indexes/version-content.ts'

/**
 * What is to be said of a published index: `right`: it is what its contents make; `wrong`: a call of IndexRegistry proves it false;
 * `unshowable`: it is not what they make, and no opening shows a fault; `unknown`: too little of it is to be had now.
 */
export type IndexVerdict =
  | { readonly kind: 'right' }
  | { readonly kind: 'wrong'; readonly challenge: IndexChallenge }
  | { readonly kind: 'unshowable' }
  | { readonly kind: 'unknown'; readonly why: string }

/**
 * Makes the index again, and where it is another, or cannot be made, looks for what is wrong with the file that peers have of it,
 * which then lies in the folder. Throws what the RPC throws.
 */
export async function checkPublished(
  folder: IndexFolder,
  record: IndexRecord,
  source: IndexSource,
): Promise<IndexVerdict> {
  const { signal } = source
  const id = indexId(record)
  try {
    const tokenizer = await tokenizerOf(record.tokenizerHash, source)
    const vocab = wrongVocab(record, tokenizer)
    if (vocab !== undefined) return { kind: 'wrong', challenge: vocab }
    const items = await versionItems(source.rpc, record, source)
    const texts = await versionTexts(items, source).catch(unlessMissing)
    const built = texts !== undefined && (await made({ folder, record, signal }, { tokenizer, texts }))
    if (built) return { kind: 'right' }
    if (!(await isHere(folder, record, tokenizer, source))) return { kind: 'unknown', why: 'nobody shows its file' }
    const text = texts && { tokenizer, texts }
    const challenge = await findIndexFault({ path: folder.path(id), items, text }, { signal })
    if (challenge !== undefined) return { kind: 'wrong', challenge }
    return texts === undefined ? { kind: 'unknown', why: 'its contents are not here' } : { kind: 'unshowable' }
  } catch (error) {
    if (error instanceof IndexError || error instanceof SuffixError) return { kind: 'unknown', why: error.message }
    throw error
  }
}

type Place = { readonly folder: IndexFolder; readonly record: IndexRecord; readonly signal: AbortSignal }

/** False also where the builder refuses a text: whoever made the index did not. */
async function made(
  { folder, record, signal }: Place,
  of: { readonly tokenizer: Uint8Array; readonly texts: readonly TextFile[] },
): Promise<boolean> {
  try {
    return await rebuildIndex(folder, record, of, signal)
  } catch (error) {
    if (error instanceof SuffixError) return false
    throw error
  }
}

async function isHere(
  folder: IndexFolder,
  record: IndexRecord,
  tokenizer: Uint8Array,
  source: IndexSource,
): Promise<boolean> {
  if (folder.place(indexId(record)) !== undefined) return true
  for (const url of source.peers) if (await fetchIndex(folder, { record, url, tokenizer }, source.signal)) return true
  return false
}

function unlessMissing(error: unknown): undefined {
  if (!(error instanceof IndexError) || error.code !== 'no-content') throw error
}
