import { Worker } from 'node:worker_threads'
import { Serial } from '../../common/serial.ts'
import { type FileAnswer, type FileJob, runFileJob } from './file-job.ts'

/** A file of more bytes is read and hashed on another thread: this one answers queries. */
export const inlineBytesMax = 128 * 1024

/** One at a time: each holds a file of up to 65 MiB and its trees. */
const threads = new Serial()

/** Reads and checks a data file. Throws where it cannot be read. */
export async function fileAnswer(job: FileJob, signal?: AbortSignal): Promise<FileAnswer> {
  return job.bytes <= inlineBytesMax ? runFileJob(job) : await threads.run(() => inThread(job, signal))
}

async function inThread(job: FileJob, signal: AbortSignal | undefined): Promise<FileAnswer> {
  signal?.throwIfAborted()
  const worker = new Worker(new URL('./file-worker.mjs', import.meta.url), { workerData: job })
  let abort = () => {}
  const done = new Promise<FileAnswer>((resolve, reject) => {
    abort = () => reject(signal?.reason)
    worker.on('error', reject)
    worker.on('exit', () => reject(new Error('the thread for data files ended')))
    worker.on('message', (answer: FileAnswer | { readonly failed: string }) => {
      if ('failed' in answer) reject(new Error(answer.failed))
      else resolve(answer)
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
