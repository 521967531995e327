import { Worker } from 'node:worker_threads'
import { errorMessage } from './errors.ts'

/** What a worker file posts: any number of `progress`, then one of the others. */
type Answer<T, Progress> = { readonly progress: Progress } | { readonly failed: FailedJob } | { readonly done: T }

/** An error as it comes out of a thread: its class is lost on the way. */
export type FailedJob = { readonly code: string | undefined; readonly message: string }

/** The thread's side of it. */
export function failedJob(error: unknown): FailedJob {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return { code: typeof code === 'string' ? code : undefined, message: errorMessage(error) }
}

export type ThreadJob<Progress> = {
  /** The worker file. */
  readonly file: URL
  /** Copied to the thread. */
  readonly data: object
  /** Ends the thread; the promise fails with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  readonly errorOf: (failed: FailedJob) => Error
}

/** Runs one job on a thread of its own, which ends with it. */
export async function runInThread<T, Progress = never>(job: ThreadJob<Progress>): Promise<T> {
  const { file, data, signal, onProgress, errorOf } = job
  signal?.throwIfAborted()
  const worker = new Worker(file, { workerData: data })
  let abort = () => {}
  const done = new Promise<T>((resolve, reject) => {
    abort = () => reject(signal?.reason)
    worker.on('error', reject)
    worker.on('exit', () => reject(new Error(`the thread of ${file.pathname} ended`)))
    worker.on('message', (answer: Answer<T, Progress>) => {
      if ('progress' in answer) onProgress?.(answer.progress)
      else if ('failed' in answer) reject(errorOf(answer.failed))
      else resolve(answer.done)
    })
  })
  signal?.addEventListener('abort', abort)
  try {
    return await done
  } finally {
    signal?.removeEventListener('abort', abort)
    await worker.terminate()
  }
}
