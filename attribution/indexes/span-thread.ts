import { AskedThread } from '../../common/asked-thread.ts'
import type { FailedJob } from '../../common/thread-job.ts'
import type { Hex } from '../../protocol/bytes.ts'
import type { AttributionV2 } from '../combined/attribute-v2.ts'
import type { Attribution } from '../suffix/attribute.ts'
import { SuffixError } from '../suffix/suffix-error.ts'
import { IndexError } from './index-error.ts'
import type { BatchQuestion, BatchSpans, QuestionV2 } from './span-jobs.ts'

/** To the thread. */
export type SpanTask =
  | { readonly kind: 'attribute'; readonly ids: readonly Hex[]; readonly output: Uint32Array; readonly isDead: boolean }
  | { readonly kind: 'attributeV2'; readonly question: QuestionV2 }
  | { readonly kind: 'judge'; readonly question: BatchQuestion }

/**
 * `SpanJobs` on a thread of its own: a long answer over indexes on disk takes longer than its host may wait. The thread starts
 * with the first job and is started anew where it died.
 */
export class SpanThread {
  readonly #thread: AskedThread<{ readonly id: number; readonly task: SpanTask }, unknown>

  /** `dir`: the folder of the index files; `folders`: those of models, adapters and tables of influences. */
  constructor(dir: string, folders: readonly string[] = []) {
    const file = new URL('./span-worker.mjs', import.meta.url)
    this.#thread = new AskedThread({ file, name: 'spans', data: { dir, folders }, errorOf })
  }

  /** What an answer owes whom by a set of indexes. Throws IndexError `no-file` where one is not here. */
  attribute(ids: readonly Hex[], output: Uint32Array, isDead = false): Promise<Attribution> {
    return this.#ask({ kind: 'attribute', ids, output, isDead })
  }

  /** The same under algoHash v2. Throws IndexError `no-file` too where what the table in force needs is not here. */
  attributeV2(question: QuestionV2): Promise<AttributionV2> {
    return this.#ask({ kind: 'attributeV2', question })
  }

  /** What is to be said of the spans of a batch's receipts. Throws IndexError `no-file` where one is not here. */
  judge(question: BatchQuestion): Promise<BatchSpans> {
    return this.#ask({ kind: 'judge', question })
  }

  /** Ends the thread; jobs that run fail. */
  close(): Promise<void> {
    return this.#thread.close()
  }

  /** A task's kind says what is replied to it. */
  #ask<T>(task: SpanTask): Promise<T> {
    return this.#thread.ask((id) => ({ id, task })) as Promise<T>
  }
}

function errorOf({ code, message }: FailedJob): Error {
  if (code === 'format' || code === 'size' || code === 'order') return new SuffixError(code, message)
  return new IndexError(code === 'no-file' ? code : 'failed', message)
}
