import { Thread } from '../../common/thread.ts'
import type { FromQuarrels, QuarrelNews, QuarrelOutcome, QuarrelTask, ToQuarrels } from './quarrel-jobs.ts'

type Asked = { readonly resolve: (outcome: QuarrelOutcome) => void; readonly reject: (error: unknown) => void }

/** Quarrels on a thread of their own: blocks are imported while an answer is computed anew. Where the thread died, the next look starts it. */
export class QuarrelThread {
  readonly #thread: Thread<ToQuarrels, FromQuarrels>
  readonly #asked = new Map<number, Asked>()
  #count = 0

  /** `folders`: where models and adapters are. */
  constructor(folders: readonly string[]) {
    this.#thread = new Thread({
      file: new URL('./quarrel-worker.mjs', import.meta.url),
      name: 'quarrels',
      data: folders,
      onMessage: (message) => this.#take(message),
      onEnd: (error) => this.#fail(error),
    })
  }

  /** What is to be done about a receipt now; its first look computes the answer anew. Throws Error with what the thread says. */
  look(key: string, task: QuarrelTask, news: QuarrelNews): Promise<QuarrelOutcome> {
    return new Promise((resolve, reject) => {
      const id = ++this.#count
      this.#asked.set(id, { resolve, reject })
      this.#thread.post({ kind: 'look', id, key, task, news })
    })
  }

  /** It is over: what the thread remembers of it goes. */
  end(key: string): void {
    if (this.#thread.isRunning) this.#thread.post({ kind: 'end', key })
  }

  close(): Promise<void> {
    return this.#thread.close()
  }

  #take(message: FromQuarrels): void {
    const asked = this.#asked.get(message.id)
    this.#asked.delete(message.id)
    if ('failed' in message) asked?.reject(new Error(message.failed))
    else asked?.resolve(message.done)
  }

  #fail(error: unknown): void {
    const waiting = [...this.#asked.values()]
    this.#asked.clear()
    for (const { reject } of waiting) reject(error)
  }
}
