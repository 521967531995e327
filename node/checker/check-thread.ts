import { Worker } from 'node:worker_threads'
import type { Verdict } from '../../inference/check/verdict.ts'
import type { CheckFolders, CheckTask, FromThread, ToThread } from './check-messages.ts'
import { CheckerError } from './checker-error.ts'

type Job = { readonly resolve: (verdict: Verdict) => void; readonly reject: (error: CheckerError) => void }

/** Codes that say that the file, not the checker, is the reason. */
const fileCodes: readonly (string | undefined)[] = ['truncated', 'oversized', 'tampered', 'trace']

/**
 * Checks on a thread of its own, so that blocks are imported while an answer of seconds is looked at. It starts with the first
 * check and is started anew where it died.
 */
export class CheckThread {
  readonly #folders: CheckFolders
  readonly #jobs = new Map<number, Job>()
  #worker: Worker | undefined
  #last = 0

  constructor(folders: CheckFolders) {
    this.#folders = folders
  }

  /** Throws {@link CheckerError} where nothing was found out. */
  check(task: CheckTask): Promise<Verdict> {
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      this.#jobs.set(id, { resolve, reject })
      this.#worker ??= this.#start()
      const { buffer, byteOffset, byteLength } = task.file
      // Moved, not copied, where the file is the whole buffer and nobody else's.
      const file = byteOffset === 0 && byteLength === buffer.byteLength ? task.file : task.file.slice()
      const message: ToThread = { id, task: { ...task, file }, folders: this.#folders }
      this.#worker.postMessage(message)
    })
  }

  /** Ends the thread; checks that run fail. */
  async close(): Promise<void> {
    const worker = this.#worker
    this.#fail(worker, 'the checker’s thread was closed')
    await worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(new URL('./check-worker.mjs', import.meta.url))
    worker.on('error', (error) => this.#fail(worker, error.message))
    worker.on('exit', () => this.#fail(worker, 'the checker’s thread ended'))
    worker.on('message', (message: FromThread) => this.#take(message))
    return worker
  }

  #take(message: FromThread): void {
    const job = this.#jobs.get(message.id)
    this.#jobs.delete(message.id)
    if ('verdict' in message) return job?.resolve(message.verdict)
    const { code, failed } = message
    if (code === 'no-model' || code === 'no-adapter') return job?.reject(new CheckerError(code, failed))
    job?.reject(new CheckerError(fileCodes.includes(code) ? 'unreadable' : 'failed', failed))
  }

  #fail(worker: Worker | undefined, why: string): void {
    if (worker === undefined || this.#worker !== worker) return
    this.#worker = undefined
    for (const { reject } of this.#jobs.values()) reject(new CheckerError('thread', why))
    this.#jobs.clear()
  }
}
