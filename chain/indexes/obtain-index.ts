import { rmSync } from 'node:fs'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { IndexError } from '../../attribution/indexes/index-error.ts'
import type { IndexFolder } from '../../attribution/indexes/index-folder.ts'
import type { TextFile } from '../../attribution/indexes/index-jobs.ts'
import { buildIndexFile, hashIndexFile } from '../../attribution/indexes/index-thread.ts'
import { fileSections } from '../../attribution/suffix/index-file.ts'
import { type IndexRecord, indexId } from '../../attribution/suffix/index-record.ts'
import { SuffixError } from '../../attribution/suffix/suffix-error.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { L2Rpc } from '../ledger/l2-rpc.ts'
import { publishedIndex } from './published-index.ts'
import { type ContentSource, tokenizerOf, versionItems, versionTexts } from './version-content.ts'

export type IndexSource = ContentSource & { readonly rpc: L2Rpc }

/** For a peer to send a whole index. */
const peerMsMax = 600_000

/**
 * Has the published index in the folder: from a peer, its tables hashed anew, else made of the contents. Throws IndexError:
 * `unknown-index`, `no-file` where nobody has it and its contents make another, or what keeps it from being made.
 */
export async function obtainIndex(folder: IndexFolder, id: Hex, source: IndexSource): Promise<void> {
  if (folder.place(id) !== undefined) return
  const published = await publishedIndex(source.rpc, id)
  if (published === undefined) throw new IndexError('unknown-index', `nobody published an index ${id}`)
  const { record } = published
  const tokenizer = await tokenizerOf(record.tokenizerHash, source)
  for (const url of source.peers) {
    if (await fetchIndex(folder, { record, url, tokenizer }, source.signal)) return
  }
  const items = await versionItems(source.rpc, record, source)
  const texts = await versionTexts(items, source)
  if (await rebuildIndex(folder, record, { tokenizer, texts }, source.signal)) return
  throw new IndexError('no-file', `the contents make another index than ${id}, and nobody here has its file`)
}

/** Makes the index of texts; true where it is this one, which then lies in the folder. Throws IndexError, SuffixError. */
export async function rebuildIndex(
  folder: IndexFolder,
  record: IndexRecord,
  of: { readonly tokenizer: Uint8Array; readonly texts: readonly TextFile[] },
  signal: AbortSignal,
): Promise<boolean> {
  const id = indexId(record)
  const { datanet, version } = record
  const path = folder.scratch(fileSections(record).end)
  try {
    if (indexId(await buildIndexFile({ ...of, datanet, version, path }, { signal })) !== id) return false
    folder.keep(path, id)
    return true
  } finally {
    rmSync(path, { force: true })
  }
}

/** True where the peer had it. A file that is not what its id says counts for nothing. Throws IndexError `folder-full`. */
export async function fetchIndex(
  folder: IndexFolder,
  { record, url, tokenizer }: { readonly record: IndexRecord; readonly url: string; readonly tokenizer: Uint8Array },
  signal: AbortSignal,
): Promise<boolean> {
  const id = indexId(record)
  const from = `${url.replace(/\/$/, '')}/content/${id}`
  const path = await download(folder, { from, bytes: fileSections(record).end }, signal)
  if (path === undefined) return false
  try {
    if (indexId(await hashIndexFile({ path, tokenizer }, { signal })) !== id) return false
    folder.keep(path, id)
    return true
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof SuffixError || error instanceof IndexError) return false
    throw error
  } finally {
    rmSync(path, { force: true })
  }
}

/** Undefined where the peer has nothing, breaks off, is too slow or sends too much. */
async function download(
  folder: IndexFolder,
  { from, bytes }: { readonly from: string; readonly bytes: number },
  signal: AbortSignal,
): Promise<string | undefined> {
  const limit = new AbortController()
  const abort = () => limit.abort(signal.reason)
  const timer = setTimeout(() => limit.abort(), peerMsMax)
  signal.addEventListener('abort', abort)
  try {
    const { status, body } = await fetch(from, { signal: limit.signal, redirect: 'error' })
    if (status === 200 && body !== null) {
      return await folder.receive(Readable.fromWeb(body as ReadableStream<Uint8Array>), bytes, limit.signal)
    }
    await body?.cancel()
    return undefined
  } catch (error) {
    if (error instanceof IndexError && error.code === 'folder-full') throw error
    signal.throwIfAborted()
    return undefined
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}
