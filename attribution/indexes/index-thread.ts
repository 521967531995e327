import { type FailedJob, runInThread } from '../../common/thread-job.ts'
import type { IndexChallenge } from '../suffix/check-index.ts'
import type { IndexRecord } from '../suffix/index-record.ts'
import { SuffixError } from '../suffix/suffix-error.ts'
import { IndexError } from './index-error.ts'
import type { IndexJob, IndexProgress } from './index-jobs.ts'

type Of<Kind extends IndexJob['kind']> = Omit<Extract<IndexJob, { kind: Kind }>, 'kind'>
type Options = {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((now: IndexProgress) => void) | undefined
}

/** Makes an index file of texts, on a thread of its own. Throws {@link SuffixError}, {@link IndexError}. */
export function buildIndexFile(job: Of<'build'>, options: Options = {}): Promise<IndexRecord> {
  return inThread<IndexRecord>({ kind: 'build', ...job }, options)
}

/** The record of an index file whose tables lead to it. Throws {@link SuffixError} `format` or `root`. */
export function hashIndexFile(job: Of<'hash'>, options: Options = {}): Promise<IndexRecord> {
  return inThread<IndexRecord>({ kind: 'hash', ...job }, options)
}

/** What is wrong with an index, as a call of IndexRegistry; undefined where nothing is, as far as that can be seen. */
export function findIndexFault(job: Of<'check'>, options: Options = {}): Promise<IndexChallenge | undefined> {
  return inThread<IndexChallenge | undefined>({ kind: 'check', ...job }, options)
}

function inThread<T>(data: IndexJob, { signal, onProgress }: Options): Promise<T> {
  return runInThread<T, IndexProgress>({
    file: new URL('./index-worker.mjs', import.meta.url),
    ...{ data, signal, onProgress, errorOf },
  })
}

const suffixCodes = ['binary', 'encoding', 'token', 'order', 'size', 'format', 'root'] as const

function errorOf({ code, message }: FailedJob): Error {
  const suffix = suffixCodes.find((each) => each === code)
  if (suffix !== undefined) return new SuffixError(suffix, message)
  return new IndexError(code === 'wrong-content' ? code : 'failed', message)
}
