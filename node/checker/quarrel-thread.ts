import { AskedThread } from '../../common/asked-thread.ts'
import type { QuarrelNews, QuarrelOutcome, QuarrelTask, ToQuarrels } from './quarrel-jobs.ts'

/** Quarrels on a thread of their own: blocks are imported while an answer is computed anew. Where the thread died, the next look starts it. */
export class QuarrelThread {
  readonly #thread: AskedThread<ToQuarrels, QuarrelOutcome>

  /** `folders`: where models and adapters are. */
  constructor(folders: readonly string[]) {
    const file = new URL('./quarrel-worker.mjs', import.meta.url)
    this.#thread = new AskedThread({ file, name: 'quarrels', data: folders })
  }

  /** What is to be done about a receipt now; its first look computes the answer anew. Throws Error with what the thread says. */
  look(key: string, task: QuarrelTask, news: QuarrelNews): Promise<QuarrelOutcome> {
    return this.#thread.ask((id) => ({ kind: 'look', id, key, task, news }))
  }

  /** It is over: what the thread remembers of it goes. */
  end(key: string): void {
    this.#thread.tell({ kind: 'end', key })
  }

  close(): Promise<void> {
    return this.#thread.close()
  }
}
