import { type FailedJob, runInThread } from '../thread-job.ts'
import { heldStride, type IndexSubject } from './build-index.ts'
import { HeldEntries } from './entries.ts'
import type { DocumentStarts, FileBuild } from './index-file-builder.ts'
import type { IndexRecord } from './index-record.ts'
import { SuffixError } from './suffix-error.ts'
import { SuffixIndex } from './suffix-index.ts'
import type { Text } from './text.ts'

/** `buildIndex` on a thread of its own, so that a long text does not stop the host; the text is copied to it. */
export async function buildIndexInThread(
  text: Text,
  subject: IndexSubject,
  signal?: AbortSignal,
): Promise<SuffixIndex> {
  const { record, suffixes, unigrams } = await inThread<HeldResult>({ text, subject }, signal)
  const { tokens, starts, contribIds } = text
  const tables = { tokens: new HeldEntries(tokens), suffixes: new HeldEntries(suffixes), starts, contribIds, unigrams }
  return new SuffixIndex(record, tables, heldStride)
}

/** `finishIndexFile` on a thread of its own. */
export function finishIndexFileInThread(
  build: FileBuild,
  starts: DocumentStarts,
  subject: IndexSubject,
  signal?: AbortSignal,
): Promise<IndexRecord> {
  return inThread<IndexRecord>({ build, starts, subject }, signal)
}

type HeldResult = { readonly record: IndexRecord; readonly suffixes: Uint32Array; readonly unigrams: Uint32Array }
function inThread<T>(data: object, signal: AbortSignal | undefined): Promise<T> {
  return runInThread<T>({ file: new URL('./suffix-worker.mjs', import.meta.url), data, signal, errorOf })
}

function errorOf({ code, message }: FailedJob): Error {
  // The only refusal of a text whose documents were checked before.
  return code === 'size' ? new SuffixError(code, message) : new Error(message)
}
