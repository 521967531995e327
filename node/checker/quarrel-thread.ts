import { Worker } from 'node:worker_threads'
import type { FromQuarrels, QuarrelNews, QuarrelOutcome, QuarrelTask, ToQuarrels } from './quarrel-jobs.ts'

type Asked = { readonly resolve: (outcome: QuarrelOutcome) => void; readonly reject: (error: Error) => void }

/** Quarrels on a thread of their own: blocks are imported while an answer is computed anew. Where the thread died, the next look starts it. */
export class QuarrelThread {
  readonly #folders: readonly string[]
  readonly #asked = new Map<number, Asked>()
  #worker: Worker | undefined
  #count = 0

  /** `folders`: where models and adapters are. */
  constructor(folders: readonly string[]) {
    this.#folders = folders
  }

  /** What is to be done about a receipt now; its first look computes the answer anew. Throws Error with what the thread says. */
  look(key: string, task: QuarrelTask, news: QuarrelNews): Promise<QuarrelOutcome> {
    return new Promise((resolve, reject) => {
      const id = ++this.#count
      this.#asked.set(id, { resolve, reject })
      this.#started().postMessage({ kind: 'look', id, key, task, news } satisfies ToQuarrels)
    })
  }

  /** It is over: what the thread remembers of it goes. */
  end(key: string): void {
    this.#worker?.postMessage({ kind: 'end', key } satisfies ToQuarrels)
  }

  async close(): Promise<void> {
    const worker = this.#worker
    this.#fail(worker, new Error('the thread of quarrels was closed'))
    await worker?.terminate()
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker
    const worker = new Worker(new URL('./quarrel-worker.mjs', import.meta.url), { workerData: this.#folders })
    worker.on('error', (error) => this.#fail(worker, error))
    worker.on('exit', () => this.#fail(worker, new Error('the thread of quarrels ended')))
    worker.on('message', (message: FromQuarrels) => {
      const asked = this.#asked.get(message.id)
      this.#asked.delete(message.id)
      if ('failed' in message) asked?.reject(new Error(message.failed))
      else asked?.resolve(message.done)
    })
    this.#worker = worker
    return worker
  }

  #fail(worker: Worker | undefined, error: Error): void {
    if (worker !== this.#worker) return
    this.#worker = undefined
    const waiting = [...this.#asked.values()]
    this.#asked.clear()
    for (const { reject } of waiting) reject(error)
  }
}
